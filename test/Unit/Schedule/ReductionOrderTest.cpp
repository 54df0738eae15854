//===- ReductionOrderTest.cpp - In which order a kernel sums -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Schedule/ReductionOrder.h"

#include "gtest/gtest.h"

using namespace indexer;

static KernelSchedule makeWgmma(int64_t cluster, int64_t parts) {
  KernelSchedule schedule = {Family::CpAsyncWgmma, 64, 64, 128, cluster, 100};
  schedule.tileD = 128;
  schedule.stages = 3;
  schedule.parts = parts;
  return schedule;
}

TEST(ReductionOrder, Words) {
  EXPECT_EQ(reductionOrder({Family::Plain, 4, 8, 128, 1, 100}),
            "fma in 128 threads");
  EXPECT_EQ(reductionOrder({Family::Dot, 1, 1, 448, 1, 100}),
            "fma in 448 threads, 2 chains each");
  EXPECT_EQ(reductionOrder({Family::RegisterMma, 8, 8, 224, 16, 100}),
            "mma in 7 warps, 16 parts");
  EXPECT_EQ(reductionOrder(makeWgmma(2, 4)), "wgmma of 128 columns, 8 parts");
}

// What divides the same parts is one order; tiles, stages and warpgroups divide
// outputs only.
TEST(ReductionOrder, WhatDoesNotMatter) {
  std::string order = reductionOrder(makeWgmma(8, 1));
  EXPECT_EQ(reductionOrder(makeWgmma(1, 8)), order);
  KernelSchedule other = makeWgmma(4, 2);
  other.tileT = 32;
  other.threads = 256;
  other.stages = 2;
  other.weights = Weights::Static;
  other.maxTokens = 7;
  EXPECT_EQ(reductionOrder(other), order);
  EXPECT_EQ(reductionOrder({Family::RegisterMma, 8, 8, 224, 16, 100}),
            reductionOrder({Family::RegisterMma, 32, 16, 224, 16, 3}));
  // Who copies does not matter either, nor who shares the weight.
  KernelSchedule tma = makeWgmma(8, 1);
  tma.family = Family::TmaWgmma;
  tma.threads = 160;
  EXPECT_EQ(reductionOrder(tma), order);
  tma.cluster = 2;
  tma.multicast = 2;
  EXPECT_EQ(reductionOrder(tma), reductionOrder(makeWgmma(1, 1)));
  tma.tileH = 192;
  tma.threads = 512;
  EXPECT_EQ(reductionOrder(tma), reductionOrder(makeWgmma(1, 1)));
}

TEST(ReductionOrder, WhatMatters) {
  std::string order = reductionOrder(makeWgmma(8, 1));
  EXPECT_NE(reductionOrder(makeWgmma(8, 2)), order);
  KernelSchedule narrow = makeWgmma(8, 1);
  narrow.tileD = 64;
  EXPECT_NE(reductionOrder(narrow), order);
  // As many parts, but other sums of their sums.
  EXPECT_NE(reductionOrder({Family::RegisterMma, 8, 8, 224, 16, 100}),
            reductionOrder({Family::RegisterMma, 8, 8, 448, 8, 100}));
  EXPECT_NE(reductionOrder({Family::Plain, 4, 8, 128, 1, 100}),
            reductionOrder({Family::Plain, 4, 8, 64, 1, 100}));
}
