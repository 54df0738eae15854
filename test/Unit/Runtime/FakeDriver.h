//===- FakeDriver.h - Tests on the fake driver ------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_UNIT_RUNTIME_FAKEDRIVER_H
#define INDEXER_UNIT_RUNTIME_FAKEDRIVER_H

#include "FakeCuda.h"
#include "gtest/gtest.h"

#include <cstdlib>
#include <dlfcn.h>

/// Paths of the fake drivers, from CMake.
inline constexpr char fakeCudaPath[] = FAKE_CUDA_PATH;
inline constexpr char oldFakeCudaPath[] = OLD_FAKE_CUDA_PATH;

/// State of the fake driver, which the runtime of this process is told to use.
inline FakeCudaState &useFakeCuda() {
  setenv("INDEXER_LIBCUDA", fakeCudaPath, /*overwrite=*/1);
  void *library = dlopen(fakeCudaPath, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    ADD_FAILURE() << dlerror();
    std::abort();
  }
  auto get =
      reinterpret_cast<FakeCudaState *(*)()>(dlsym(library, "fakeCudaState"));
  return *get();
}

#endif // INDEXER_UNIT_RUNTIME_FAKEDRIVER_H
