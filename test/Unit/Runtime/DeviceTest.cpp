//===- DeviceTest.cpp - Drivers and devices -------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime opens its driver once in a process. Tests that need another one
// are death tests, which run in a process of their own.
//
//===----------------------------------------------------------------------===//
#include "FakeDriver.h"
#include "TestBundle.h"

#include <cstdio>

using namespace indexer::runtime;

/// Ends the process: 0 when indexerDeviceCount gives `expected`, after the
/// error was printed.
[[noreturn]] static void exitAfterCount(IndexerStatus expected) {
  int count = -1;
  IndexerStatus status = indexerDeviceCount(&count);
  std::fprintf(stderr, "%d device(s): %s\n", count, indexerLastError());
  std::exit(status == expected ? 0 : 1);
}

namespace {
/// A death test that starts the program again: a fork would inherit the driver.
class DriverDeathTest : public ::testing::Test {
protected:
  void SetUp() override {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
};
} // namespace

TEST_F(DriverDeathTest, MissingLibrary) {
  EXPECT_EXIT(
      {
        setenv("INDEXER_LIBCUDA", "/nonexistent/libcuda.so.1", 1);
        exitAfterCount(INDEXER_NO_DRIVER);
      },
      ::testing::ExitedWithCode(0),
      "the CUDA driver cannot be opened: /nonexistent/libcuda.so.1: ");
}

TEST_F(DriverDeathTest, OldDriver) {
  EXPECT_EXIT(
      {
        setenv("INDEXER_LIBCUDA", oldFakeCudaPath, 1);
        exitAfterCount(INDEXER_NO_DRIVER);
      },
      ::testing::ExitedWithCode(0),
      "the CUDA driver is too old: '.*' has no function 'cuLaunchKernelEx' "
      "\\(CUDA 11.8 has all\\)");
}

// No device is a right answer to "how many".
TEST_F(DriverDeathTest, NoDevice) {
  EXPECT_EXIT(
      {
        useFakeCuda().initResult = CuErrorNoDevice;
        exitAfterCount(INDEXER_OK);
      },
      ::testing::ExitedWithCode(0), "0 device");
  EXPECT_EXIT(
      {
        useFakeCuda().initResult = CuErrorNoDevice;
        IndexerStatus status = indexerDeviceSynchronize(0);
        std::fprintf(stderr, "%s\n", indexerLastError());
        std::exit(status == INDEXER_NO_DEVICE ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "this machine has no CUDA device");
}

TEST_F(DriverDeathTest, BrokenDriver) {
  EXPECT_EXIT(
      {
        useFakeCuda().initResult = 803;
        exitAfterCount(INDEXER_CUDA_ERROR);
      },
      ::testing::ExitedWithCode(0),
      "cuInit failed with an unknown error \\(code 803\\)");
}

/// Ends the process: 0 when a launch on device 0 gives `expected`, with x at
/// `place` (memory type, device) and all else on the device; after the error
/// was printed.
[[noreturn]] static void exitAfterCheckedLaunch(std::array<int, 2> place,
                                                IndexerStatus expected) {
  setenv("INDEXER_CHECK_POINTERS", "1", 1);
  FakeCudaState &fake = useFakeCuda();
  Call call(5, 64);
  auto add = [&](const void *data, std::array<int, 2> where) {
    fake.pointers[reinterpret_cast<unsigned long long>(data)] = where;
  };
  constexpr std::array<int, 2> here = {CuMemoryTypeDevice, 0};
  add(call.tensor(1).data, here);
  add(call.tensor(2).data, here);
  add(call.results[0].data, here);
  if (place[0])
    add(call.tensor(0).data, place);
  std::string bytes = serialize(makeHeadGate());
  IndexerBundle *bundle = nullptr;
  IndexerKernel *kernel = nullptr;
  if (indexerBundleCreate(bytes.data(), bytes.size(), &bundle) ||
      indexerKernelLoad(bundle, 0, &kernel))
    std::abort();
  IndexerStatus status =
      indexerKernelLaunch(kernel, call.arguments.data(), call.arguments.size(),
                          call.results.data(), call.results.size(), nullptr);
  std::fprintf(stderr, "%zu launched: %s\n", fake.launches.size(),
               indexerLastError());
  std::exit(status == expected ? 0 : 1);
}

TEST_F(DriverDeathTest, PointersAreCheckedOnRequest) {
  constexpr int host = 1;
  EXPECT_EXIT(exitAfterCheckedLaunch({CuMemoryTypeDevice, 0}, INDEXER_OK),
              ::testing::ExitedWithCode(0), "1 launched: ");
  // Page-locked host memory.
  EXPECT_EXIT(exitAfterCheckedLaunch({host, 0}, INDEXER_OK),
              ::testing::ExitedWithCode(0), "1 launched: ");
  EXPECT_EXIT(
      exitAfterCheckedLaunch({CuMemoryTypeDevice, 1}, INDEXER_INVALID_ARGUMENT),
      ::testing::ExitedWithCode(0),
      "0 launched: argument 0 \\('x'\\) is on device 1, the kernel is loaded "
      "on "
      "device 0");
  EXPECT_EXIT(
      exitAfterCheckedLaunch({0, 0}, INDEXER_INVALID_ARGUMENT),
      ::testing::ExitedWithCode(0),
      "0 launched: argument 0 \\('x'\\) has no memory that CUDA knows \\(its "
      "pointer is 0x1000\\)");
}

TEST(Device, CountAndInfo) {
  FakeCudaState &fake = useFakeCuda();
  fake = FakeCudaState();
  fake.deviceCount = 3;
  int count = 0, version = 0;
  ASSERT_EQ(indexerDeviceCount(&count), INDEXER_OK);
  EXPECT_EQ(count, 3);
  char name[64], chip[8];
  ASSERT_EQ(
      indexerDeviceInfo(2, name, sizeof name, chip, sizeof chip, &version),
      INDEXER_OK);
  EXPECT_STREQ(name, "Fake H100");
  EXPECT_STREQ(chip, "sm_90a");
  EXPECT_EQ(version, 13000);
  // Each output may be null or short.
  char shortName[5];
  ASSERT_EQ(
      indexerDeviceInfo(0, shortName, sizeof shortName, nullptr, 0, nullptr),
      INDEXER_OK);
  EXPECT_STREQ(shortName, "Fake");
  EXPECT_EQ(indexerDeviceInfo(3, nullptr, 0, nullptr, 0, nullptr),
            INDEXER_NO_DEVICE);
  EXPECT_STREQ(indexerLastError(),
               "device 3 does not exist: this machine has 3 CUDA devices");
}

TEST(Device, MemoryKeepsTheContextAlive) {
  FakeCudaState &fake = useFakeCuda();
  fake = FakeCudaState();
  void *data = nullptr;
  ASSERT_EQ(indexerDeviceAllocate(0, 8, &data), INDEXER_OK);
  EXPECT_EQ(fake.contextReferences, 1);
  const char sent[8] = "gate";
  char received[8] = {};
  ASSERT_EQ(indexerCopyToDevice(0, data, sent, sizeof sent), INDEXER_OK);
  ASSERT_EQ(indexerCopyToHost(0, received, data, sizeof sent), INDEXER_OK);
  EXPECT_STREQ(received, "gate");
  ASSERT_EQ(indexerDeviceSynchronize(0), INDEXER_OK);
  EXPECT_EQ(fake.synchronisations, 1);
  ASSERT_EQ(indexerDeviceFree(0, data), INDEXER_OK);
  EXPECT_EQ(indexerDeviceFree(0, nullptr), INDEXER_OK);
  EXPECT_EQ(fake.contextReferences, 0);
  EXPECT_EQ(fake.allocations, 0);
}

TEST(Device, MemoryRunsOut) {
  FakeCudaState &fake = useFakeCuda();
  fake = FakeCudaState();
  fake.allocateResult = CuErrorOutOfMemory;
  void *data = nullptr;
  EXPECT_EQ(indexerDeviceAllocate(0, 4096, &data), INDEXER_OUT_OF_MEMORY);
  EXPECT_STREQ(indexerLastError(),
               "cuMemAlloc of 4096 bytes on device 0 failed with "
               "CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
  EXPECT_EQ(data, nullptr);
  EXPECT_EQ(fake.contextReferences, 0);
}
