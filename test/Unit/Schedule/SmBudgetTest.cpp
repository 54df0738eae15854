//===- SmBudgetTest.cpp - Kernels for a part of a chip -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Schedule/ScheduleModel.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "gtest/gtest.h"

using namespace indexer;

/// The schedule with conditions for `t` tokens and `budget` multiprocessors.
static KernelSchedule scheduleFor(int64_t t, int64_t budget) {
  ScheduleProblem problem = {t,
                             64,
                             7168,
                             findChip("sm_90a")->model,
                             /*isSixteenBit=*/true,
                             Weights::Dependent};
  problem.smBudget = budget;
  return chooseSchedules(problem).front();
}

/// CTAs of the grid for `t` tokens of 64 heads.
static int64_t ctasFor(int64_t t, int64_t budget) {
  KernelSchedule schedule = scheduleFor(t, budget);
  int64_t tiles =
      (t + schedule.tileT - 1) / schedule.tileT * 64 / schedule.tileH;
  return tiles * schedule.cluster;
}

TEST(SmBudget, ZeroIsTheWholeChip) {
  for (int64_t t : {1, 64, 1000, 10000}) {
    EXPECT_EQ(scheduleFor(t, 0).tileT, scheduleFor(t, 132).tileT);
    EXPECT_EQ(scheduleFor(t, 0).cluster, scheduleFor(t, 132).cluster);
  }
}

// Up to one CTA an SM, the grid stays within the budget.
TEST(SmBudget, GridsStayWithin) {
  for (int64_t budget : {33, 66, 100})
    for (int64_t t : {100, 200, 400, 1000})
      if (t * 132 / budget <= 3168)
        EXPECT_LE(ctasFor(t, budget), budget)
            << "T = " << t << ", budget " << budget;
}

// The cost of what does not fit at once grows.
TEST(SmBudget, CostsCountWithFewer) {
  ScheduleProblem problem = {64,
                             64,
                             7168,
                             findChip("sm_90a")->model,
                             /*isSixteenBit=*/true,
                             Weights::Dependent};
  KernelSchedule schedule = {Family::RegisterMma, 16, 16, 224, 16, 64};
  int64_t whole = scheduleCost(problem, schedule);
  problem.smBudget = 16;
  EXPECT_GT(scheduleCost(problem, schedule), whole);
}
