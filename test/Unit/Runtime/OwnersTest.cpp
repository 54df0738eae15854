//===- OwnersTest.cpp - The C++ wrapper on a fake driver ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FakeDriver.h"
#include "TestBundle.h"
#include "indexer-c/Runtime.hpp"

#include <array>

/// The bytes of the test bundle.
static std::string bundleBytes() {
  return indexer::runtime::serialize(makeHeadGate());
}

TEST(Owners, LoadLaunchAndLeaveNothingBehind) {
  FakeCudaState &cuda = useFakeCuda();
  cuda = FakeCudaState();
  {
    std::string bytes = bundleBytes();
    auto bundle = std::make_unique<indexer::Bundle>(bytes.data(), bytes.size());
    EXPECT_NE(bundle->describe().find("head_gate"), std::string::npos);
    indexer::Kernel kernel(*bundle, 0);
    bundle.reset();
    Call call(4, 16);
    std::array<IndexerArgument, 4> arguments;
    for (size_t i = 0; i < 3; ++i)
      arguments[i] = indexer::argument(call.tensor(i));
    arguments[3] = indexer::argument(0.5);
    kernel.launch(arguments, call.results);
    kernel.launch(call.arguments, call.results);
    ASSERT_EQ(cuda.launches.size(), 2u);
    EXPECT_EQ(cuda.launches[0].kernel, "fma");
    EXPECT_EQ(kernel.time(arguments, call.results, 10), 200.0);
    indexer::Kernel moved = std::move(kernel);
    EXPECT_EQ(kernel.get(), nullptr);
    EXPECT_EQ(cuda.modules, 1);
  }
  EXPECT_EQ(cuda.modules, 0);
  EXPECT_EQ(cuda.contextReferences, 0);
}

TEST(Owners, MemoryIsFreedOnce) {
  FakeCudaState &cuda = useFakeCuda();
  cuda = FakeCudaState();
  {
    indexer::DeviceMemory memory(0, 8), other(0, 8);
    memory.copyFrom("1234567");
    char text[8] = "";
    indexer::DeviceMemory moved = std::move(memory);
    other = std::move(moved);
    other.copyTo(text);
    EXPECT_STREQ(text, "1234567");
    EXPECT_EQ(cuda.allocations, 2);
  }
  EXPECT_EQ(cuda.allocations, 0);
  EXPECT_EQ(cuda.contextReferences, 0);
}

TEST(Owners, FailuresThrowCodeAndSentence) {
  FakeCudaState &cuda = useFakeCuda();
  cuda = FakeCudaState();
  auto statusOf = [](auto body) {
    try {
      body();
    } catch (const indexer::Error &error) {
      EXPECT_STRNE(error.what(), "");
      return error.status();
    }
    return INDEXER_OK;
  };
  EXPECT_EQ(statusOf([] { indexer::Bundle("/nonexistent"); }),
            INDEXER_INVALID_ARGUMENT);
  EXPECT_EQ(statusOf([] { indexer::Bundle("foreign", 7); }),
            INDEXER_BAD_BUNDLE);
  std::string bytes = bundleBytes();
  indexer::Bundle bundle(bytes.data(), bytes.size());
  EXPECT_EQ(statusOf([&] { indexer::Kernel(bundle, 7); }), INDEXER_NO_DEVICE);
  cuda.allocateResult = 2;
  EXPECT_EQ(statusOf([] { indexer::DeviceMemory(0, 8); }),
            INDEXER_OUT_OF_MEMORY);
  EXPECT_EQ(cuda.modules, 0);
  EXPECT_EQ(cuda.contextReferences, 0);
}
