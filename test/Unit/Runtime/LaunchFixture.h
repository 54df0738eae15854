//===- LaunchFixture.h - Tests that load and launch -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_UNIT_RUNTIME_LAUNCHFIXTURE_H
#define INDEXER_UNIT_RUNTIME_LAUNCHFIXTURE_H

#include "FakeDriver.h"
#include "TestBundle.h"

/// Each test starts with an unused driver and must leave nothing behind.
class LaunchFixture : public ::testing::Test {
protected:
  void SetUp() override {
    fake = FakeCudaState();
    fake.parameterCount = 12;
  }
  void TearDown() override {
    indexerKernelDestroy(kernel);
    EXPECT_EQ(fake.modules, 0);
    EXPECT_EQ(fake.contextReferences, 0);
    EXPECT_EQ(fake.streams, 0);
    EXPECT_EQ(fake.events, 0);
  }

  /// Loads `bundle` on `device` into `kernel`; gives the error, or "".
  std::string load(const indexer::runtime::Bundle &contents, int device = 0) {
    std::string bytes = serialize(contents);
    IndexerBundle *bundle = nullptr;
    EXPECT_EQ(indexerBundleCreate(bytes.data(), bytes.size(), &bundle),
              INDEXER_OK);
    status = indexerKernelLoad(bundle, device, &kernel);
    indexerBundleDestroy(bundle); // The kernel must not need it.
    return status ? indexerLastError() : "";
  }
  /// Launches `call`; gives the error, or "".
  std::string launch(const Call &call, void *stream = nullptr) {
    status = indexerKernelLaunch(kernel, call.arguments.data(),
                                 call.arguments.size(), call.results.data(),
                                 call.results.size(), stream);
    return status ? indexerLastError() : "";
  }
  /// The kernel that a call with `t` tokens and 64 heads launches, or the
  /// error.
  std::string kernelFor(int64_t t) {
    std::string error = launch(Call(t, 64));
    return error.empty() ? fake.launches.back().kernel : error;
  }

  FakeCudaState &fake = useFakeCuda();
  IndexerKernel *kernel = nullptr;
  IndexerStatus status = INDEXER_OK;
};

#endif // INDEXER_UNIT_RUNTIME_LAUNCHFIXTURE_H
