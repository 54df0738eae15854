//===- LastErrorTest.cpp - The error text of a thread ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/LastError.h"
#include "gtest/gtest.h"

#include <thread>

using namespace indexer::runtime;

TEST(LastError, EachThreadHasItsOwn) {
  (void)fail(INDEXER_CUDA_ERROR, "of the main thread");
  std::thread([] {
    EXPECT_STREQ(indexerLastError(), "");
    (void)fail(INDEXER_CUDA_ERROR, "of another thread");
    EXPECT_STREQ(indexerLastError(), "of another thread");
  }).join();
  EXPECT_STREQ(indexerLastError(), "of the main thread");
}

// No exception leaves the C API, whichever call runs out of memory.
TEST(LastError, ExhaustedHostMemoryIsAStatus) {
  EXPECT_EQ(guarded([]() -> IndexerStatus { throw std::bad_alloc(); }),
            INDEXER_OUT_OF_MEMORY);
  EXPECT_STREQ(indexerLastError(), "no host memory");
}
