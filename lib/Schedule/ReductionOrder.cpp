//===- ReductionOrder.cpp - In which order a kernel sums ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/ReductionOrder.h"

using namespace indexer;

std::string indexer::reductionOrder(const KernelSchedule &schedule) {
  std::string threads = std::to_string(schedule.threads) + " threads";
  switch (schedule.family) {
  case Family::Plain:
    // A thread's products in one chain, then lanes, then warps.
    return "fma in " + threads;
  case Family::Dot:
    // Even and odd products in a chain each.
    return "fma in " + threads + ", 2 chains each";
  case Family::RegisterMma:
    // A warp's products in one chain, then warps, then CTAs.
    return "mma in " + std::to_string(schedule.threads / 32) + " warps, " +
           std::to_string(schedule.cluster) + " parts";
  case Family::CpAsyncWgmma:
  case Family::TmaWgmma:
    // Parts divide d alike, whether a CTA or several have them; CTAs that share
    // the weight do not divide d.
    return "wgmma of " + std::to_string(schedule.tileD) + " columns, " +
           std::to_string(schedule.cluster / schedule.multicast *
                          schedule.parts) +
           " parts";
  }
  return "";
}

std::string indexer::reductionOrder(ScheduleAttr schedule) {
  return reductionOrder(readSchedule(schedule));
}
