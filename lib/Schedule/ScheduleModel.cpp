//===- ScheduleModel.cpp - Which kernels a fused op gets -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/ScheduleModel.h"

#include "indexer/Dialect/Indexer/IndexerDialect.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace indexer;

namespace {
/// A chip and the multiprocessors of its largest product: A100, L40, H100 SXM,
/// B200, RTX PRO 6000.
struct ChipEntry {
  llvm::StringLiteral chip;
  int64_t multiprocessors;
};
} // namespace

static constexpr ChipEntry chipTable[] = {{"sm_80", 108},
                                          {"sm_89", 142},
                                          {"sm_90a", 132},
                                          {"sm_100a", 148},
                                          {"sm_120a", 188}};

/// Tiles (tokens, heads) that the model chooses among.
static constexpr int64_t tileTable[][2] = {{1, 1}, {1, 2}, {1, 4}, {2, 4},
                                           {4, 4}, {4, 8}, {8, 8}};

/// Upper ends of the token ranges that are looked at when T is dynamic. The
/// last one stands for all larger T.
static constexpr int64_t tokenTable[] = {1, 4, 16, 64, 256, 4096};

/// One count for all schedules: it decides the order of the sum over d, so a
/// row's bits do not depend on T.
static constexpr int64_t plainThreads = 128;

std::optional<int64_t> indexer::multiprocessorsOf(StringRef chip) {
  for (const ChipEntry &entry : chipTable)
    if (entry.chip == chip)
      return entry.multiprocessors;
  return std::nullopt;
}

std::string indexer::acceptedChips() {
  std::string text;
  llvm::ListSeparator separator;
  for (const ChipEntry &entry : chipTable)
    text += (StringRef(separator) + entry.chip).str();
  return text;
}

int64_t indexer::plainCost(const ScheduleProblem &problem,
                           const PlainSchedule &schedule) {
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

  int64_t ctas = llvm::divideCeil(problem.t, schedule.tileT) *
                 llvm::divideCeil(problem.h, schedule.tileH);
  int64_t ctasPerSm = llvm::divideCeil(ctas, problem.multiprocessors);
  int64_t waves = llvm::divideCeil(ctasPerSm, resident);
  return waves * (steps * loadLatency + ctaOverhead) + ctasPerSm * issue;
}

/// The cheapest schedule for a problem whose extents are known.
static PlainSchedule chooseSchedule(const ScheduleProblem &problem) {
  PlainSchedule best = {};
  int64_t bestCost = std::numeric_limits<int64_t>::max();
  for (const auto &tile : tileTable) {
    PlainSchedule schedule = {tile[0], tile[1], plainThreads, unboundedTokens};
    int64_t cost = plainCost(problem, schedule);
    if (cost < bestCost) {
      best = schedule;
      bestCost = cost;
    }
  }
  return best;
}

SmallVector<PlainSchedule> indexer::chooseSchedules(ScheduleProblem problem) {
  // The head gate of DeepSeek-V3.2: 64 heads over a hidden size of 7168.
  if (ShapedType::isDynamic(problem.h))
    problem.h = 64;
  if (ShapedType::isDynamic(problem.d))
    problem.d = 7168;
  if (!ShapedType::isDynamic(problem.t))
    return {chooseSchedule(problem)};

  SmallVector<PlainSchedule> schedules;
  for (int64_t tokens : tokenTable) {
    problem.t = tokens;
    PlainSchedule schedule = chooseSchedule(problem);
    schedule.maxTokens = tokens;
    if (!schedules.empty() && schedules.back().tileT == schedule.tileT &&
        schedules.back().tileH == schedule.tileH)
      schedules.pop_back();
    schedules.push_back(schedule);
  }
  schedules.back().maxTokens = unboundedTokens;
  return schedules;
}

int64_t indexer::plainSharedBytes(int64_t outputs, int64_t threads) {
  return outputs * (threads / 32) * int64_t(sizeof(float));
}
