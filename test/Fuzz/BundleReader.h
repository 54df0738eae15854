//===- BundleReader.h - Fuzz target of the bundle reader --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_FUZZ_BUNDLEREADER_H
#define INDEXER_FUZZ_BUNDLEREADER_H

#include <cstddef>

/// Reads `size` bytes as a bundle, and as the header of one. Ends the process
/// where the reader breaks a promise. The unit tests call it with the corpus,
/// libFuzzer with everything else.
void fuzzBundleReader(const char *data, size_t size);

#endif // INDEXER_FUZZ_BUNDLEREADER_H
