//===- WgmmaSchedules.cpp - Schedules of the family cp_async_wgmma --------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/WgmmaSchedules.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace indexer;

namespace {
/// One row of the table.
struct WgmmaEntry {
  /// Serves up to this many tokens, times tiles of 64 heads.
  int64_t maxTokens;
  int64_t tileT, cluster;
  /// CTAs of an SM: two hide start and end of each other, one has more stages.
  int64_t ctas;
};
} // namespace

/// Fastest on an H100 SXM with bf16, H = 64, E = 7168, weights cold in L2: each
/// row at the counts named behind it, in us, by kernels in a row, as
///   python3 benchmarks/gpu_times.py DIR --output OUT
/// measures them. In between, up to as many tokens as the clusters that run at
/// a time have: 15 of 8, 30 of 4, 66 of 2, 132 of 1, and twice as many with two
/// CTAs an SM.
static constexpr WgmmaEntry wgmmaTable[] = {
    {120, 8, 8, 1},              // 100: 3.5
    {240, 16, 8, 1},             // 128: 3.5, 192: 3.9
    {480, 32, 8, 1},             // 256: 4.2, 384: 4.8
    {720, 24, 4, 1},             // 512: 5.5, 600: 6.0
    {960, 32, 4, 1},             // 768: 6.7
    {1200, 48, 4, 1},            // 1024: 8.4, 1190: 9.6
    {1584, 24, 2, 1},            // 1400: 10.2, 1500: 10.7
    {2112, 32, 2, 1},            // 2048: 13.4
    {2640, 40, 2, 1},            // 2500: 16.1
    {3168, 24, 1, 1},            // 3000: 18.3
    {4224, 32, 2, 2},            // 4096: 23.7
    {6336, 48, 1, 1},            // 5000: 29.0, 6000: 33.4
    {8448, 32, 1, 2},            // 8192: 44.0
    {10560, 40, 1, 2},           // 10000: 52.9
    {12672, 48, 1, 2},           // 12000: 63.3
    {16896, 64, 1, 2},           // 16384: 84.2
    {42240, 40, 1, 2},           // 20000: 102.8, 42000: 212.0
    {unboundedTokens, 64, 1, 2}, // 65536: 325.8
};

/// Where the family takes over from `register_mma`, in tokens times tiles of 64
/// heads. Kernels that start early hide the latency that small tiles save: they
/// skip the rows before `firstEarlyRow`.
static constexpr int64_t firstTokens = 73, firstEarlyTokens = 129;
static constexpr size_t firstEarlyRow = 2;

/// Threads of a CTA, and columns of a stage (two swizzle rows are faster than
/// one; one where d asks for it).
static constexpr int64_t threads = 128;
static constexpr int64_t wideStage = 128, narrowStage = 64;

/// Shared memory of an SM, and what each CTA takes of it beyond its own, in
/// bytes (CUDA Programming Guide, "Compute Capability 9.x").
static constexpr int64_t smSharedBytes = 228 * 1024, ctaReserve = 1024;

/// Parts of d that batch-invariant schedules sum by themselves: CTAs of the
/// largest cluster of the table.
static constexpr int64_t invariantParts = 8;

/// Tiles of heads of `problem`.
static int64_t headTiles(const ScheduleProblem &problem) {
  return llvm::divideCeil(problem.h, wgmmaHeads);
}

/// Divides d of `problem`: a number of parts that does not divide it gets
/// smaller. A batch-invariant schedule always has the same number, and each CTA
/// of its cluster several of them.
static void divideElements(const ScheduleProblem &problem,
                           KernelSchedule &schedule) {
  int64_t parts = problem.isBatchInvariant ? invariantParts : schedule.cluster;
  while (problem.d % (parts * narrowStage) != 0)
    parts /= 2;
  schedule.tileD =
      problem.d % (parts * wideStage) == 0 ? wideStage : narrowStage;
  schedule.cluster = std::min(schedule.cluster, parts);
  schedule.parts = parts / schedule.cluster;
}

void indexer::chainShare(const ScheduleProblem &problem,
                         KernelSchedule &schedule) {
  int64_t share = problem.d / schedule.cluster;
  if (schedule.family != Family::CpAsyncWgmma || problem.isBatchInvariant ||
      share > maxChainColumns || schedule.stages * schedule.tileD < share)
    return;
  schedule.tileD = share;
  schedule.stages = 1;
}

/// The schedule of `entry` for `problem`.
static KernelSchedule scheduleOf(const ScheduleProblem &problem,
                                 const WgmmaEntry &entry) {
  KernelSchedule schedule = {Family::CpAsyncWgmma, entry.tileT,
                             wgmmaHeads,           threads,
                             entry.cluster,        entry.maxTokens};
  divideElements(problem, schedule);
  int64_t steps = problem.d / (schedule.cluster * schedule.tileD);
  int64_t available = smSharedBytes / entry.ctas - ctaReserve;
  int64_t fixed = cpAsyncWgmmaSharedBytes(entry.tileT, schedule.tileD,
                                          /*stages=*/0, schedule.cluster);
  int64_t stage = cpAsyncWgmmaSharedBytes(entry.tileT, schedule.tileD,
                                          /*stages=*/1, schedule.cluster) -
                  fixed;
  schedule.stages =
      std::max<int64_t>(2, std::min(steps, (available - fixed) / stage));
  chainShare(problem, schedule);
  // A row ends where its clusters fill the chip.
  if (schedule.maxTokens != unboundedTokens)
    schedule.maxTokens = schedule.maxTokens * problem.multiprocessors() /
                         problem.chip.multiprocessors / headTiles(problem);
  return schedule;
}

bool indexer::takesWgmma(const ScheduleProblem &problem) {
  return problem.chip.isMeasured && problem.isSixteenBit &&
         !ShapedType::isDynamic(problem.h) && problem.h > 0 &&
         !ShapedType::isDynamic(problem.d) && problem.d > 0 &&
         problem.d % narrowStage == 0 &&
         llvm::all_of(problem.firstHeads,
                      [](int64_t head) { return head % wgmmaOpHeads == 0; });
}

int64_t indexer::firstWgmmaTokens(const ScheduleProblem &problem) {
  if (problem.isBatchInvariant)
    return 1;
  int64_t first =
      problem.weights == Weights::Static ? firstEarlyTokens : firstTokens;
  return std::max<int64_t>(1, first / headTiles(problem));
}

void indexer::appendWgmma(const ScheduleProblem &problem,
                          SmallVectorImpl<KernelSchedule> &schedules) {
  int64_t served = firstWgmmaTokens(problem) - 1;
  ArrayRef<WgmmaEntry> table(wgmmaTable);
  if (problem.weights == Weights::Static && !problem.isBatchInvariant)
    table = table.drop_front(firstEarlyRow);
  for (const WgmmaEntry &entry : table) {
    KernelSchedule schedule = scheduleOf(problem, entry);
    // With many heads a row may be left with no tokens.
    if (schedule.maxTokens <= served)
      continue;
    if (ShapedType::isDynamic(problem.t)) {
      schedules.push_back(schedule);
      served = schedule.maxTokens;
      continue;
    }
    if (problem.t > schedule.maxTokens)
      continue;
    schedule.maxTokens = unboundedTokens;
    schedules.push_back(schedule);
    return;
  }
}
