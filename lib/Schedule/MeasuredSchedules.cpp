//===- MeasuredSchedules.cpp - The fastest that was measured --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/MeasuredSchedules.h"

#include "indexer/Schedule/WgmmaSchedules.h"

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

/// Tokens up to which a kernel of several tiles of heads gains by starting
/// early. Beyond, each of them would bring x into L2 (measured on an H100,
/// H = 192, us: 64 tokens 4.30 to 3.96, 256 7.54 to 8.58, 4096 30.2 to 40.3).
static constexpr int64_t maxEarlyTokens = 120;
/// The same for one tile of all of more than 64 heads (measured on an H200,
/// H = 192, us: 1024 tokens 11.2 to 10.7, 4096 24.6 to 25.7, 65536 308 to 337).
static constexpr int64_t maxEarlyTokensOfAllHeads = 1056;

/// True when `row` is faster with kernels that start early.
static bool gainsByStartingEarly(const MeasuredSchedule &row) {
  if (row.h <= wgmmaHeads)
    return true;
  return row.schedule.maxTokens <= (row.h > row.schedule.tileH
                                        ? maxEarlyTokens
                                        : maxEarlyTokensOfAllHeads);
}

/// Appends the rows for the shape of `problem` and these `weights`, for its T
/// or, when that is dynamic, all of them. True when there are some.
static bool appendRows(const ScheduleProblem &problem, Weights weights,
                       SmallVectorImpl<KernelSchedule> &schedules) {
  size_t before = schedules.size();
  bool isDynamic = ShapedType::isDynamic(problem.t);
  for (const MeasuredSchedule &row : measuredTable) {
    if (row.h != problem.h || row.d != problem.d ||
        row.schedule.weights != weights ||
        (!isDynamic && problem.t > row.schedule.maxTokens))
      continue;
    schedules.push_back(row.schedule);
    schedules.back().weights =
        gainsByStartingEarly(row) ? problem.weights : weights;
    chainShare(problem, schedules.back());
    if (isDynamic)
      continue;
    schedules.back().maxTokens = unboundedTokens;
    break;
  }
  return schedules.size() > before;
}

bool indexer::appendMeasured(const ScheduleProblem &problem,
                             SmallVectorImpl<KernelSchedule> &schedules) {
  // Each table has rows of wgmma, which does not take every group of ops.
  if (!problem.isMeasured() || problem.isBatchInvariant || !takesWgmma(problem))
    return false;
  // Static weights change when a kernel starts, and hardly which one is the
  // fastest: the rows of dependent ones are the second best.
  return appendRows(problem, problem.weights, schedules) ||
         appendRows(problem, Weights::Dependent, schedules);
}
