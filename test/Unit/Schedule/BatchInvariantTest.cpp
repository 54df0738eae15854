//===- BatchInvariantTest.cpp - One order for every T --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Schedule/ReductionOrder.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "gtest/gtest.h"

using namespace indexer;
using mlir::ShapedType;

/// Orders of the schedules with conditions, each once; `isWhole` becomes false
/// when they leave tokens to plain kernels.
static llvm::SmallVector<std::string> conditionalOrders(ScheduleProblem problem,
                                                        bool &isWhole) {
  llvm::SmallVector<std::string> orders;
  isWhole = true;
  for (const KernelSchedule &schedule : chooseSchedules(problem)) {
    if (schedule.family == Family::Plain)
      continue;
    isWhole = schedule.maxTokens == unboundedTokens;
    if (!llvm::is_contained(orders, reductionOrder(schedule)))
      orders.push_back(reductionOrder(schedule));
  }
  return orders;
}

// For each shape and chip: one order or none, the same for a T that is known.
TEST(BatchInvariant, OneOrder) {
  for (const Chip &chip : allChips())
    for (int64_t h : {8, 16, 64, 160, 256})
      for (int64_t d : {64, 1000, 1280, 4096, 6144, 7168})
        for (Weights weights : {Weights::Dependent, Weights::Static}) {
          SCOPED_TRACE(chip.name.str() + ", H = " + std::to_string(h) +
                       ", E = " + std::to_string(d));
          ScheduleProblem problem = {
              ShapedType::kDynamic,     h,       d, chip.model,
              /*isSixteenBit=*/true,    weights,
              /*isBatchInvariant=*/true};
          bool isWhole;
          llvm::SmallVector<std::string> orders =
              conditionalOrders(problem, isWhole);
          EXPECT_LE(orders.size(), 1u);
          EXPECT_TRUE(isWhole);
          for (int64_t t : {1, 2, 3, 7, 64, 65, 1000, 100000}) {
            problem.t = t;
            EXPECT_EQ(conditionalOrders(problem, isWhole), orders)
                << "T = " << t;
            EXPECT_TRUE(isWhole);
          }
        }
}

// Without the option there are several: the test above can fail.
TEST(BatchInvariant, SeveralOrdersWithout) {
  ScheduleProblem problem = {ShapedType::kDynamic,
                             64,
                             7168,
                             findChip("sm_90a")->model,
                             /*isSixteenBit=*/true,
                             Weights::Dependent};
  bool isWhole;
  EXPECT_GT(conditionalOrders(problem, isWhole).size(), 3u);
}

// Every chip that has clusters gets something faster than plain kernels.
TEST(BatchInvariant, FastWhereThereAreClusters) {
  for (const Chip &chip : allChips()) {
    ScheduleProblem problem = {ShapedType::kDynamic,
                               64,
                               7168,
                               chip.model,
                               /*isSixteenBit=*/true,
                               Weights::Dependent,
                               /*isBatchInvariant=*/true};
    bool isWhole;
    EXPECT_EQ(conditionalOrders(problem, isWhole).size(),
              chip.model.maxCluster > 1 ? 1u : 0u)
        << chip.name.str();
  }
}
