//===- ScheduleModel.cpp - Which kernels a fused op gets ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/ScheduleModel.h"

#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Schedule/MeasuredSchedules.h"
#include "indexer/Schedule/ReductionOrder.h"
#include "indexer/Schedule/WgmmaSchedules.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <optional>

using namespace mlir;
using namespace indexer;

/// Tiles (tokens, heads) that the model chooses among for plain kernels.
static constexpr int64_t plainTiles[][2] = {{1, 1}, {1, 2}, {1, 4}, {2, 4},
                                            {4, 4}, {4, 8}, {8, 8}};

/// Upper ends of the token ranges that are looked at when T is dynamic. The
/// last one stands for all larger T.
static constexpr int64_t plainTokens[] = {1, 4, 16, 64, 256, 4096};
static constexpr int64_t residentTokens[] = {1,  2,  4,   8,   16,  24,  32,
                                             48, 64, 128, 256, 512, 1024};

/// One count for all plain schedules: it decides the order of the sum over d,
/// so a row's bits do not depend on T.
static constexpr int64_t plainThreads = 128;

/// Tiles of `schedule` in `problem`.
static int64_t countTiles(const ScheduleProblem &problem,
                          const KernelSchedule &schedule) {
  return llvm::divideCeil(problem.t, schedule.tileT) *
         llvm::divideCeil(problem.h, schedule.tileH);
}

/// Cycles of a plain kernel.
static int64_t plainCost(const ScheduleProblem &problem,
                         const KernelSchedule &schedule) {
  // Cycles until a step's loads arrive, and of a CTA's start and end.
  constexpr int64_t loadLatency = 700, ctaOverhead = 1500;
  // Elements of a 16-byte load of bf16.
  constexpr int64_t width = 8;
  int64_t outputs = schedule.tileT * schedule.tileH;
  int64_t rows = schedule.tileT + schedule.tileH;

  // An SM has four schedulers, each issues one instruction of a warp a cycle.
  int64_t warpsPerScheduler = llvm::divideCeil(schedule.threads, 128);
  int64_t steps = llvm::divideCeil(problem.d, schedule.threads * width);
  int64_t issue = warpsPerScheduler *
                  (steps * (width * (outputs + rows) + rows) + 10 * outputs);

  // CTAs that an SM holds at a time, by an estimate of the registers.
  int64_t registers = 40 + outputs + 6 * rows;
  int64_t resident =
      std::clamp<int64_t>(65536 / (registers * schedule.threads), 1, 16);

  int64_t ctasPerSm = llvm::divideCeil(countTiles(problem, schedule),
                                       problem.multiprocessors());
  int64_t waves = llvm::divideCeil(ctasPerSm, resident);
  return waves * (steps * loadLatency + ctaOverhead) + ctasPerSm * issue;
}

/// Clusters of `cluster` CTAs that run at a time with one CTA an SM. Clusters
/// do not cross GPCs, whose sizes are uneven: an H100 holds 66 of 2, 30 of 4,
/// 15 of 8, 7 of 16 (measured).
static int64_t residentClusters(const ScheduleProblem &problem,
                                int64_t cluster) {
  int64_t all = problem.multiprocessors();
  int64_t usable = cluster > 2 ? all * 10 / 11 : all;
  return std::max<int64_t>(1, usable / cluster);
}

/// Cycles of a kernel that loads all of d at once: start, first load and tail
/// together, the bytes of a CTA, L2 when more than half of the SMs load, and
/// the sums of a tile. Fitted to times measured on an H100 (within 10%).
static int64_t residentCost(const ScheduleProblem &problem,
                            const KernelSchedule &schedule) {
  int64_t cluster = schedule.cluster;
  int64_t outputs = schedule.tileT * schedule.tileH;
  int64_t tiles = countTiles(problem, schedule);
  int64_t resident = residentClusters(problem, cluster);
  int64_t bytes = (schedule.tileT + schedule.tileH) * (problem.d / cluster) * 2;
  int64_t steps = problem.d / residentStep(schedule.family, schedule.threads,
                                           schedule.cluster);
  int64_t ctas = std::min(tiles, resident) * cluster;
  bool isDot = schedule.family == Family::Dot;
  int64_t freeCtas =
      std::max<int64_t>(1, problem.multiprocessors() * (isDot ? 2 : 1) / 2);

  int64_t cost = isDot ? 1310 + 100 * outputs : 1820 + outputs * 3 / 2;
  if (cluster > 8)
    cost += 170;
  if (cluster == 1 && !isDot)
    cost -= 330;
  cost += bytes * std::max(ctas, freeCtas) / freeCtas / 59;
  // What is loaded in more than two steps is issued late.
  cost += 60 * std::max<int64_t>(steps - 2, 0);
  return cost * llvm::divideCeil(tiles, resident);
}

int64_t indexer::scheduleCost(const ScheduleProblem &problem,
                              const KernelSchedule &schedule) {
  return schedule.family == Family::Plain ? plainCost(problem, schedule)
                                          : residentCost(problem, schedule);
}

namespace {
/// Keeps the cheapest of the schedules that it is shown.
class Cheapest {
public:
  /// Of the families that load all of d at once only schedules that sum in
  /// `order` count, unless it is empty.
  explicit Cheapest(const ScheduleProblem &problem, StringRef order = "")
      : problem(problem), order(order) {}

  void consider(const KernelSchedule &schedule) {
    int64_t cost = scheduleCost(problem, schedule);
    if (cost < bestCost) {
      best = schedule;
      bestCost = cost;
    }
  }
  /// Considers a schedule of a family that loads all of d at once, if its
  /// kernel can be built.
  void considerResident(Family family, int64_t tileT, int64_t tileH,
                        int64_t warps, int64_t cluster);

  std::optional<KernelSchedule> best;

private:
  const ScheduleProblem &problem;
  StringRef order;
  int64_t bestCost = std::numeric_limits<int64_t>::max();
};
} // namespace

void Cheapest::considerResident(Family family, int64_t tileT, int64_t tileH,
                                int64_t warps, int64_t cluster) {
  int64_t threads = warps * 32;
  int64_t step = residentStep(family, threads, cluster);
  KernelSchedule schedule = {family,  tileT,   tileH,
                             threads, cluster, unboundedTokens};
  if (problem.h % tileH != 0 || problem.d % step != 0 ||
      cluster > problem.chip.maxCluster ||
      sharedBytes(schedule) > maxStaticSharedBytes ||
      residentRegisters(family, tileT, tileH, problem.d / step) >
          registersPerThread(threads) ||
      (!order.empty() && reductionOrder(schedule) != order))
    return;
  consider(schedule);
}

/// The cheapest plain schedule for a problem whose extents are known.
static std::optional<KernelSchedule>
choosePlain(const ScheduleProblem &problem) {
  Cheapest cheapest(problem);
  for (const auto &tile : plainTiles)
    cheapest.consider(
        {Family::Plain, tile[0], tile[1], plainThreads, 1, unboundedTokens});
  return cheapest.best;
}

/// The cheapest schedule that loads all of d at once and, unless it is empty,
/// sums in `order`; nothing when d fits none, or on chips without clusters from
/// a few tokens on.
static std::optional<KernelSchedule>
chooseResident(const ScheduleProblem &problem, StringRef order = "") {
  // Warps from many to few: the more, the fewer loads a thread has to issue.
  static constexpr int64_t maxWarps = 16, minWarps = 4;
  static constexpr int64_t maxDotWarps = 28, maxDotTokens = 4;
  Cheapest cheapest(problem, order);
  if (problem.t <= maxDotTokens)
    for (int64_t warps = maxDotWarps; warps >= minWarps; --warps)
      for (int64_t tileT : {1, 2})
        for (int64_t tileH : {1, 2})
          cheapest.considerResident(Family::Dot, tileT, tileH, warps, 1);
  for (int64_t cluster : {8, 16, 4, 2})
    for (int64_t tileT : {8, 16, 24, 32})
      for (int64_t tileH : {8, 16, 32, 64})
        for (int64_t warps = maxWarps; warps >= minWarps; --warps)
          cheapest.considerResident(Family::RegisterMma, tileT, tileH, warps,
                                    cluster);
  return cheapest.best;
}

/// Appends the schedules of one kind to `schedules`: `choose` at the end of
/// each range of `tokens`, equal neighbours as one.
static void appendRanges(
    ScheduleProblem problem, ArrayRef<int64_t> tokens,
    function_ref<std::optional<KernelSchedule>(const ScheduleProblem &)> choose,
    SmallVectorImpl<KernelSchedule> &schedules) {
  size_t first = schedules.size();
  for (int64_t end : tokens) {
    problem.t = end;
    std::optional<KernelSchedule> schedule = choose(problem);
    if (!schedule)
      return;
    schedule->maxTokens = end;
    if (schedules.size() > first) {
      const KernelSchedule &before = schedules.back();
      if (before.family == schedule->family &&
          before.tileT == schedule->tileT && before.tileH == schedule->tileH &&
          before.threads == schedule->threads &&
          before.cluster == schedule->cluster)
        schedules.pop_back();
    }
    schedules.push_back(*schedule);
  }
  schedules.back().maxTokens = unboundedTokens;
}

/// Leaves of `schedules`, in ascending order of maxTokens and the last one
/// unbounded, what serves fewer than `end` tokens.
static void endBefore(int64_t end, SmallVectorImpl<KernelSchedule> &schedules) {
  auto *last = llvm::find_if(schedules, [&](const KernelSchedule &schedule) {
    return schedule.maxTokens >= end - 1;
  });
  if (end == 1 || last == schedules.end())
    return schedules.clear();
  last->maxTokens = end - 1;
  schedules.erase(std::next(last), schedules.end());
}

/// Appends schedules that load all of d at once and have one order, that of the
/// cheapest for a batch of middle size. Its tile fits every T.
static void appendOneOrder(const ScheduleProblem &problem,
                           ArrayRef<int64_t> tokens,
                           SmallVectorImpl<KernelSchedule> &schedules) {
  constexpr int64_t middleTokens = 64;
  ScheduleProblem middle = problem;
  middle.t = middleTokens;
  std::optional<KernelSchedule> typical = chooseResident(middle);
  if (!typical)
    return;
  std::string order = reductionOrder(*typical);
  appendRanges(
      problem, tokens,
      [&](const ScheduleProblem &problem) {
        return chooseResident(problem, order);
      },
      schedules);
}

/// Appends the schedules of the families that load all of d at once.
static void appendResident(const ScheduleProblem &problem,
                           ArrayRef<int64_t> tokens,
                           SmallVectorImpl<KernelSchedule> &schedules) {
  if (problem.isBatchInvariant)
    return appendOneOrder(problem, tokens, schedules);
  appendRanges(
      problem, tokens,
      [](const ScheduleProblem &problem) { return chooseResident(problem); },
      schedules);
}

/// Appends the schedules with conditions.
static void appendConditional(const ScheduleProblem &problem,
                              ArrayRef<int64_t> tokens,
                              SmallVectorImpl<KernelSchedule> &schedules) {
  if (appendMeasured(problem, schedules))
    return;
  bool isDynamic = ShapedType::isDynamic(problem.t);
  bool hasWgmma = takesWgmma(problem);
  if (!hasWgmma || isDynamic || problem.t < firstWgmmaTokens(problem))
    appendResident(problem, tokens, schedules);
  if (hasWgmma && isDynamic && !schedules.empty())
    endBefore(firstWgmmaTokens(problem), schedules);
  if (hasWgmma && (isDynamic || schedules.empty()))
    appendWgmma(problem, schedules);
  if (problem.weights == Weights::Static && problem.chip.maxCluster > 1)
    for (KernelSchedule &schedule : schedules)
      schedule.weights = Weights::Static;
}

KernelSchedule indexer::readSchedule(ScheduleAttr schedule) {
  KernelSchedule fields = {schedule.getFamily(),  schedule.getTileT(),
                           schedule.getTileH(),   schedule.getThreads(),
                           schedule.getCluster(), schedule.getMaxTokens()};
  fields.tileD = schedule.getTileD();
  fields.stages = schedule.getStages();
  fields.parts = schedule.getParts();
  fields.multicast = schedule.getMulticast();
  fields.maxCtas = schedule.getMaxCtas();
  fields.weights = schedule.getWeights();
  return fields;
}

SmallVector<KernelSchedule> indexer::chooseSchedules(ScheduleProblem problem) {
  SmallVector<KernelSchedule> schedules;
  bool isResident = problem.isSixteenBit && !ShapedType::isDynamic(problem.h) &&
                    !ShapedType::isDynamic(problem.d);
  // The head gate of DeepSeek-V3.2: 64 heads over a hidden size of 7168.
  if (ShapedType::isDynamic(problem.h))
    problem.h = 64;
  if (ShapedType::isDynamic(problem.d))
    problem.d = 7168;
  SmallVector<int64_t> single = {problem.t};
  bool isDynamic = ShapedType::isDynamic(problem.t);
  if (isResident)
    appendConditional(problem,
                      isDynamic ? ArrayRef<int64_t>(residentTokens) : single,
                      schedules);
  appendRanges(problem, isDynamic ? ArrayRef<int64_t>(plainTokens) : single,
               choosePlain, schedules);
  return schedules;
}

int64_t indexer::sharedBytes(const KernelSchedule &schedule) {
  if (schedule.family == Family::RegisterMma)
    return registerMmaSharedBytes(schedule.tileT, schedule.tileH,
                                  schedule.threads, schedule.cluster);
  if (schedule.family == Family::CpAsyncWgmma)
    return cpAsyncWgmmaSharedBytes(schedule.tileT, schedule.tileD,
                                   schedule.stages, schedule.cluster);
  if (schedule.family == Family::TmaWgmma)
    return tmaWgmmaSharedBytes(schedule.tileT, schedule.tileH, schedule.tileD,
                               schedule.stages,
                               schedule.cluster / schedule.multicast);
  return schedule.tileT * schedule.tileH * (schedule.threads / 32) *
         int64_t(sizeof(float));
}
