//===- ReductionOrder.h - In which order a kernel sums ----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_REDUCTIONORDER_H
#define INDEXER_SCHEDULE_REDUCTIONORDER_H

#include "indexer/Schedule/ScheduleModel.h"

#include <string>

namespace indexer {

/// The order in which a kernel of `schedule` adds the E products of an output,
/// in words, such as "wgmma of 128 columns, 8 parts". For one E and one type of
/// x and weight, kernels of equal orders give equal bits for a row of x,
/// whatever T, the row's number and its tile are: what is not named here
/// (tiles, stages, threads that only divide outputs) does not change the sum.
/// docs/numerics.md spells each order out.
std::string reductionOrder(const KernelSchedule &schedule);
std::string reductionOrder(ScheduleAttr schedule);

} // namespace indexer

#endif // INDEXER_SCHEDULE_REDUCTIONORDER_H
