//===- FuzzBundleReader.cpp - Entry point for libFuzzer -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "BundleReader.h"

#include <cstdint>

/// The name that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzzBundleReader(reinterpret_cast<const char *>(data), size);
  return 0;
}
