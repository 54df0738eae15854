//===- SoakTest.cpp - Many launches, flat memory --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches are counted by a fake driver that records nothing, so what memory
// they take is the runtime's. The program's allocation functions are replaced
// by counting ones.
//
//===----------------------------------------------------------------------===//
#include "FakeDriver.h"
#include "TestBundle.h"

#include <atomic>
#include <cstdio>
#include <new>
#include <thread>
#include <unistd.h>

/// Calls of operator new, of all threads.
static std::atomic<int64_t> allocations;

void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace {
/// A kernel of the test bundle on a fake driver that only counts.
class Soak : public ::testing::Test {
protected:
  void SetUp() override {
    fake = FakeCudaState();
    fake.recordsLaunches = false;
    load(makeHeadGate());
  }
  void TearDown() override {
    indexerKernelDestroy(kernel);
    fake = FakeCudaState();
  }

  void load(const indexer::runtime::Bundle &contents) {
    indexerKernelDestroy(kernel);
    std::string bytes = indexer::runtime::serialize(contents);
    IndexerBundle *bundle = nullptr;
    ASSERT_EQ(indexerBundleCreate(bytes.data(), bytes.size(), &bundle),
              INDEXER_OK);
    ASSERT_EQ(indexerKernelLoad(bundle, 0, &kernel), INDEXER_OK);
    indexerBundleDestroy(bundle);
  }
  IndexerStatus launch(const Call &call) {
    return indexerKernelLaunch(kernel, call.arguments.data(),
                               call.arguments.size(), call.results.data(),
                               call.results.size(), nullptr);
  }

  FakeCudaState &fake = useFakeCuda();
  IndexerKernel *kernel = nullptr;
};
} // namespace

/// Resident memory of this process, in bytes.
static int64_t residentBytes() {
  long total = 0, resident = 0;
  FILE *file = std::fopen("/proc/self/statm", "r");
  if (file) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2)
      resident = 0;
    std::fclose(file);
  }
  return int64_t(resident) * sysconf(_SC_PAGESIZE);
}

TEST_F(Soak, LaunchesAllocateNothing) {
  Call few(5, 64), many(512, 64);
  ASSERT_EQ(launch(few), INDEXER_OK); // The thread's context stack grows once.
  int64_t before = allocations;
  EXPECT_GT(before, 0); // They are counted.
  for (int i = 0; i < 1000; ++i) {
    (void)launch(few);
    (void)launch(many);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(fake.unrecordedLaunches, 2001);
}

// Each x has a tensor map, of which a fixed number is kept.
TEST_F(Soak, ManyAddressesAllocateNothing) {
  load(makeTmaHeadGate());
  Call call(5, 64);
  ASSERT_EQ(launch(call), INDEXER_OK);
  int64_t before = allocations;
  for (uintptr_t i = 1; i <= 100000; ++i) {
    call.tensor(0).data = reinterpret_cast<void *>(i * 0x1000);
    (void)launch(call);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(fake.unrecordedLaunches, 100001);
  EXPECT_GT(fake.unrecordedTensorMaps, 100000);
}

// Calls that are refused allocate their messages, and give the memory back.
TEST_F(Soak, MemoryStaysFlat) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the address sanitizer keeps freed memory";
#endif
#endif
  constexpr int threadCount = 8, launchCount = 50000;
  auto soak = [&] {
    std::vector<std::thread> threads;
    for (int i = 0; i < threadCount; ++i)
      threads.emplace_back([&] {
        Call call(5, 64), wrong(5, 64);
        wrong.setShape(wrong.tensor(2), {5, 63, 1});
        for (int k = 0; k < launchCount; ++k) {
          EXPECT_EQ(launch(call), INDEXER_OK);
          if (k % 16 == 0) {
            EXPECT_EQ(launch(wrong), INDEXER_INVALID_ARGUMENT);
          }
        }
      });
    for (std::thread &thread : threads)
      thread.join();
  };
  soak(); // Stacks and arenas of the threads are made.
  int64_t before = residentBytes();
  soak();
  EXPECT_LT(residentBytes() - before, 1 << 20);
  EXPECT_EQ(fake.unrecordedLaunches, 2 * threadCount * launchCount);
}
