//===- FitLaunchesTest.cpp - Launches that a device cannot hold -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/FitLaunches.h"

#include "LaunchFixture.h"

using namespace indexer::runtime;

namespace {
class FitLaunches : public LaunchFixture {};
} // namespace

/// A launch that serves `first` to `last` tokens in clusters of `cluster`.
static KernelLaunch makeLaunch(const char *name, int64_t first, int64_t last,
                               unsigned cluster, unsigned alignment) {
  KernelLaunch launch = makeHeadGate().kernels[0].launches[0];
  launch.kernel = name;
  launch.minTokens = first;
  launch.maxTokens = last;
  launch.cluster = launch.split = cluster;
  launch.alignment = alignment;
  return launch;
}

/// As the compiler makes it: kernels with a condition on the layout for all T,
/// then plain ones for all T.
static Bundle makeTable() {
  Bundle bundle = makeHeadGate();
  bundle.kernels[0].launches = {makeLaunch("one", 1, 2, 1, 16),
                                makeLaunch("eight", 3, 8, 8, 16),
                                makeLaunch("sixteen", 9, 72, 16, 16),
                                makeLaunch("four", 73, INT64_MAX, 4, 16),
                                makeLaunch("plain", 1, 4, 1, 0),
                                makeLaunch("wide", 5, INT64_MAX, 1, 0)};
  return bundle;
}

TEST_F(FitLaunches, EverythingFitsTheWholeChip) {
  ASSERT_EQ(load(makeTable()), "");
  EXPECT_EQ(kernelFor(8), "eight");
  EXPECT_EQ(kernelFor(9), "sixteen");
  EXPECT_EQ(kernelFor(73), "four");
  EXPECT_STREQ(indexerKernelNotes(kernel), "");
}

// A MIG instance: clusters of 8 have room, 16 have none.
TEST_F(FitLaunches, TheNextKernelTakesTheTokens) {
  fake.maxCluster = 8;
  ASSERT_EQ(load(makeTable()), "");
  EXPECT_EQ(kernelFor(8), "eight");
  EXPECT_EQ(kernelFor(9), "four");
  EXPECT_EQ(kernelFor(72), "four");
  EXPECT_STREQ(indexerKernelNotes(kernel),
               "kernel 'sixteen' for T = 9..72 runs in clusters of 16 CTAs, "
               "device 0 (sm_90a) has no room for one; another kernel runs in "
               "its place\n");
}

// A persistent kernel made for 264 CTAs gets as many as run at a time.
TEST_F(FitLaunches, PersistentGridsGetSmaller) {
  fake.residentClusters = 14;
  Bundle bundle = makeTable();
  KernelLaunch &four = bundle.kernels[0].launches[3];
  four.tileT = 8;
  four.split = 1;
  four.maxCtas = 264;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(kernelFor(8000), "four");
  EXPECT_EQ(fake.launches.back().grid[0], 56u);
  EXPECT_EQ(kernelFor(80), "four");
  EXPECT_EQ(fake.launches.back().grid[0], 12u);
}

// Several neighbours go, the last of its kind among them: the one before takes
// it all, and not a plain kernel.
TEST_F(FitLaunches, TheKernelBeforeTakesTheTokens) {
  fake.maxCluster = 2;
  ASSERT_EQ(load(makeTable()), "");
  for (int64_t t : {1, 3, 9, 73, 100000})
    EXPECT_EQ(kernelFor(t), "one");
}

// Nothing with conditions is left: what stands behind serves.
TEST_F(FitLaunches, PlainKernelsTakeTheTokens) {
  fake.maxCluster = 1;
  Bundle bundle = makeTable();
  bundle.kernels[0].launches.erase(bundle.kernels[0].launches.begin());
  bundle.kernels[0].launches[0].minTokens = 1;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(kernelFor(4), "plain");
  EXPECT_EQ(kernelFor(72), "wide");
}

// Operands that a conditional kernel does not take still go to plain ones,
// which serve what they served before.
TEST_F(FitLaunches, RangesOfPlainKernelsStay) {
  fake.maxCluster = 8;
  ASSERT_EQ(load(makeTable()), "");
  Call call(4, 64);
  call.setShape(call.tensor(0), {4, 128}, {129, 1});
  ASSERT_EQ(launch(call), "");
  EXPECT_EQ(fake.launches.back().kernel, "plain");
}

TEST_F(FitLaunches, SmallSharedMemory) {
  Bundle bundle = makeTable();
  bundle.kernels[0].launches[1].dynamicSharedBytes = 200000;
  fake.maxShared = 100000;
  fake.staticShared = 100;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(kernelFor(3), "sixteen");
  EXPECT_STREQ(indexerKernelNotes(kernel),
               "kernel 'eight' for T = 3..8 needs 200100 bytes of shared "
               "memory, device 0 (sm_90a) has 100000; another kernel runs in "
               "its place\n");
  EXPECT_EQ(fake.functionAttributes.count("eight"), 0u);
}

// A function that several launches share is set up for those that fit.
TEST_F(FitLaunches, SharedFunctions) {
  Bundle bundle = makeTable();
  bundle.kernels[0].launches[1].dynamicSharedBytes = 200000;
  bundle.kernels[0].launches[2].kernel = "eight";
  bundle.kernels[0].launches[2].dynamicSharedBytes = 70000;
  fake.maxShared = 100000;
  ASSERT_EQ(load(bundle), "");
  EXPECT_EQ(fake.functionAttributes["eight"][CuMaxDynamicSharedSizeBytes],
            70000);
}

TEST_F(FitLaunches, NothingFits) {
  Bundle bundle = makeHeadGate();
  fake.maxShared = 60000;
  bundle.kernels[0].launches.pop_back();
  EXPECT_EQ(load(bundle), "kernel 'fma' for T = 1..16 needs 65536 bytes of "
                          "shared memory, device 0 (sm_90a) has 60000");
  EXPECT_EQ(status, INDEXER_NO_DEVICE);
  fake.maxShared = 232448;
  fake.maxCluster = 2;
  EXPECT_EQ(load(bundle), "kernel 'fma' for T = 1..16 runs in clusters of 4 "
                          "CTAs, device 0 (sm_90a) has no room for one");
  EXPECT_EQ(status, INDEXER_NO_DEVICE);
}

// What the driver says of a size that it does not know is an answer, too.
TEST_F(FitLaunches, OccupancyErrors) {
  fake.occupancyResult = CuErrorInvalidClusterSize;
  ASSERT_EQ(load(makeTable()), "");
  EXPECT_EQ(kernelFor(100), "one");
  indexerKernelDestroy(kernel);
  kernel = nullptr;
  fake.occupancyResult = 701;
  EXPECT_EQ(load(makeTable()),
            "cuOccupancyMaxActiveClusters of kernel 'eight' failed with "
            "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (too many resources requested "
            "for launch)");
}

TEST(DropLaunch, LimitsOfTheRange) {
  FusedKernel kernel = makeTable().kernels[0];
  dropLaunch(kernel, 3);
  EXPECT_EQ(kernel.launches[2].kernel, "sixteen");
  EXPECT_EQ(kernel.launches[2].maxTokens, INT64_MAX);
  dropLaunch(kernel, 0);
  EXPECT_EQ(kernel.launches[0].kernel, "eight");
  EXPECT_EQ(kernel.launches[0].minTokens, 1);
}
