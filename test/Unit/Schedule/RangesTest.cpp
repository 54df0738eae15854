//===- RangesTest.cpp - Every T has a schedule ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Holds for every shape, also for those of a table that was generated.
//
//===----------------------------------------------------------------------===//
#include "indexer/Schedule/MeasuredSchedules.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "gtest/gtest.h"

using namespace indexer;
using mlir::ShapedType;

static ScheduleProblem makeProblem(int64_t t, int64_t h, int64_t d,
                                   Weights weights) {
  return {t, h, d, findChip("sm_90a")->model, /*isSixteenBit=*/true, weights};
}

/// Calls `check` with the problems of the models in the wild, for any T.
template <typename Check>
static void forEachShape(Check check) {
  for (int64_t h : {16, 32, 64, 160, 192})
    for (int64_t d : {4096, 6144, 7168})
      for (Weights weights : {Weights::Dependent, Weights::Static}) {
        SCOPED_TRACE("H = " + std::to_string(h) + ", E = " + std::to_string(d));
        check(makeProblem(ShapedType::kDynamic, h, d, weights));
      }
}

TEST(Ranges, AscendToAllTokens) {
  forEachShape([](const ScheduleProblem &problem) {
    int64_t before = 0;
    for (const KernelSchedule &schedule : chooseSchedules(problem)) {
      if (schedule.family == Family::Plain && before == unboundedTokens)
        before = 0;
      EXPECT_GT(schedule.maxTokens, before);
      before = schedule.maxTokens;
    }
    EXPECT_EQ(before, unboundedTokens);
  });
}

// What serves a T in the table for all is what a static T gets.
TEST(Ranges, StaticTokensGetTheSame) {
  forEachShape([](ScheduleProblem problem) {
    llvm::SmallVector<KernelSchedule> all;
    if (!appendMeasured(problem, all))
      return;
    for (const KernelSchedule &schedule : all) {
      problem.t = std::min<int64_t>(schedule.maxTokens, 100000);
      llvm::SmallVector<KernelSchedule> one;
      ASSERT_TRUE(appendMeasured(problem, one));
      ASSERT_EQ(one.size(), 1u);
      EXPECT_EQ(one[0].tileT, schedule.tileT);
      EXPECT_EQ(one[0].cluster, schedule.cluster);
      EXPECT_EQ(one[0].maxTokens, unboundedTokens);
    }
  });
}

TEST(MeasuredSchedules, HoldForTheWholeMeasuredChipOnly) {
  llvm::SmallVector<KernelSchedule> schedules;
  ScheduleProblem problem = makeProblem(8, 64, 7168, Weights::Dependent);
  EXPECT_TRUE(appendMeasured(problem, schedules));
  schedules.clear();
  problem.smBudget = 100;
  EXPECT_FALSE(appendMeasured(problem, schedules));
  problem.smBudget = 0;
  problem.isBatchInvariant = true;
  EXPECT_FALSE(appendMeasured(problem, schedules));
  problem.isBatchInvariant = false;
  problem.chip = findChip("sm_100a")->model;
  EXPECT_FALSE(appendMeasured(problem, schedules));
  EXPECT_FALSE(
      appendMeasured(makeProblem(8, 63, 7168, Weights::Dependent), schedules));
  EXPECT_TRUE(schedules.empty());
}
