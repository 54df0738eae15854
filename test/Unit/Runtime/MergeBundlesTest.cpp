//===- MergeBundlesTest.cpp - One bundle for several chips ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/MergeBundles.h"
#include "FakeDriver.h"
#include "TestBundle.h"
#include "indexer/Runtime/ValidateBundle.h"

using namespace indexer::runtime;

/// The test bundle with machine code for `chip` alone.
static Bundle makeFor(const std::string &chip) {
  Bundle bundle = makeHeadGate();
  bundle.objects = {{chip, "cubin", "code for " + chip, "ptxas"},
                    {chip, "ptx", "ptx for " + chip, ""}};
  return bundle;
}

/// The error of merging `parts`, "" for none.
static std::string errorOf(const std::vector<Bundle> &parts) {
  Bundle merged;
  std::string error;
  EXPECT_EQ(mergeBundles(parts, merged, error), error.empty());
  return error;
}

TEST(MergeBundles, KeepsTheLaunchesOfEachChip) {
  Bundle hopper = makeFor("sm_90a"), ampere = makeFor("sm_80"), merged;
  // The schedule may differ in anything.
  ampere.kernels[0].launches.pop_back();
  ampere.kernels[0].launches[0].maxTokens = INT64_MAX;
  ampere.kernels[0].launches[0].cluster = 1;
  std::string error;
  ASSERT_TRUE(mergeBundles({hopper, ampere}, merged, error)) << error;
  ASSERT_TRUE(validate(merged, error)) << error;
  ASSERT_EQ(merged.objects.size(), 4u);
  EXPECT_EQ(merged.objects[2].bytes, "code for sm_80");
  const std::vector<KernelLaunch> &launches = merged.kernels[0].launches;
  ASSERT_EQ(launches.size(), 3u);
  EXPECT_EQ(launches[0].chip, "sm_90a");
  EXPECT_EQ(launches[1].chip, "sm_90a");
  EXPECT_EQ(launches[2].chip, "sm_80");

  std::string bytes = serialize(merged);
  Bundle read;
  ASSERT_TRUE(deserialize(bytes.data(), bytes.size(), read, error)) << error;
  EXPECT_EQ(serialize(read), bytes);
  EXPECT_EQ(read.kernels[0].launches[2].chip, "sm_80");
}

TEST(MergeBundles, RejectsPartsThatDoNotFit) {
  EXPECT_EQ(errorOf({makeFor("sm_80"), makeFor("sm_80")}),
            "two parts of a bundle have code for sm_80");
  EXPECT_EQ(errorOf({makeHeadGate()}),
            "a part of a bundle has code for 'sm_90a, sm_80', accepted is one "
            "chip");
  Bundle none = makeHeadGate();
  none.objects.clear();
  EXPECT_EQ(errorOf({none}),
            "a part of a bundle has code for '', accepted is one chip");
  Bundle other = makeFor("sm_90a");
  other.arguments[0].name = "y";
  EXPECT_EQ(errorOf({makeFor("sm_80"), other}),
            "the arguments of 'head_gate' for sm_80 are not those of "
            "'head_gate' for sm_90a");
}

TEST(MergeBundles, EveryChipNeedsLaunchesAndCode) {
  Bundle merged;
  std::string error;
  ASSERT_TRUE(
      mergeBundles({makeFor("sm_90a"), makeFor("sm_80")}, merged, error));
  Bundle without = merged;
  without.kernels[0].launches.resize(2);
  EXPECT_FALSE(validate(without, error));
  EXPECT_EQ(error, "fused op 0 has no launch for sm_80");
  without = merged;
  without.objects.resize(2);
  EXPECT_FALSE(validate(without, error));
  EXPECT_EQ(error, "kernel 'fma' is for sm_80, which has no code object");
}

// A device gets the launches of the code that it loads, also where that is PTX
// of an older chip.
TEST(MergeBundles, ADeviceLaunchesItsOwnSchedule) {
  Bundle hopper = makeFor("sm_90a"), ampere = makeFor("sm_80"), merged;
  ampere.kernels[0].launches[0].kernel = "ampere";
  ampere.kernels[0].launches[0].cluster = 1;
  std::string error;
  ASSERT_TRUE(mergeBundles({ampere, hopper}, merged, error)) << error;
  std::string bytes = serialize(merged);
  struct Expected {
    int major, minor;
    const char *image, *kernel;
  };
  for (const Expected &expected :
       {Expected{9, 0, "code for sm_90a", "fma"},
        Expected{8, 0, "code for sm_80", "ampere"},
        Expected{10, 0, "ptx for sm_80", "ampere"}}) {
    FakeCudaState &cuda = useFakeCuda();
    cuda = FakeCudaState();
    cuda.major = expected.major;
    cuda.minor = expected.minor;
    IndexerBundle *bundle = nullptr;
    IndexerKernel *kernel = nullptr;
    ASSERT_EQ(indexerBundleCreate(bytes.data(), bytes.size(), &bundle),
              INDEXER_OK)
        << indexerLastError();
    ASSERT_EQ(indexerKernelLoad(bundle, 0, &kernel), INDEXER_OK)
        << indexerLastError();
    Call call(4, 16);
    ASSERT_EQ(indexerKernelLaunch(kernel, call.arguments.data(), 4,
                                  call.results.data(), 1, nullptr),
              INDEXER_OK)
        << indexerLastError();
    EXPECT_EQ(cuda.loadedImage, expected.image);
    ASSERT_EQ(cuda.launches.size(), 1u);
    EXPECT_EQ(cuda.launches[0].kernel, expected.kernel);
    indexerKernelDestroy(kernel);
    indexerBundleDestroy(bundle);
  }
}
