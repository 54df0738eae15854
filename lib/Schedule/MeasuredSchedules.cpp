//===- MeasuredSchedules.cpp - The fastest that was measured --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/MeasuredSchedules.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"

using namespace mlir;
using namespace indexer;

namespace {
/// One row of the table, for one shape.
struct MeasuredSchedule {
  int64_t h, d;
  KernelSchedule schedule;
};
} // namespace

static constexpr MeasuredSchedule measuredTable[] = {
#define INDEXER_MEASURED(h, d, weights, family, tileT, tileH, threads,         \
                         cluster, tileD, stages, multicast, maxCtas,           \
                         maxTokens)                                            \
  {h,                                                                          \
   d,                                                                          \
   {Family::family, tileT, tileH, threads, cluster, maxTokens, tileD, stages,  \
    /*parts=*/1, multicast, maxCtas, Weights::weights}},
#include "MeasuredSchedules.inc"
#undef INDEXER_MEASURED
};

/// True when `row` is for `problem`.
static bool isFor(const MeasuredSchedule &row, const ScheduleProblem &problem) {
  return row.h == problem.h && row.d == problem.d &&
         row.schedule.weights == problem.weights &&
         (ShapedType::isDynamic(problem.t) ||
          problem.t <= row.schedule.maxTokens);
}

bool indexer::appendMeasured(const ScheduleProblem &problem,
                             SmallVectorImpl<KernelSchedule> &schedules) {
  if (!problem.isMeasured() || problem.isBatchInvariant)
    return false;
  size_t before = schedules.size();
  for (const MeasuredSchedule &row : measuredTable) {
    if (!isFor(row, problem))
      continue;
    schedules.push_back(row.schedule);
    if (ShapedType::isDynamic(problem.t))
      continue;
    schedules.back().maxTokens = unboundedTokens;
    break;
  }
  return schedules.size() > before;
}
