//===- FuzzCorpusTest.cpp - The fuzz targets on their corpus --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../../Fuzz/BundleReader.h"
#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>
#include <sstream>

// What a fuzzer has once found stays right; the process ends where it does not.
TEST(FuzzCorpus, BundleReader) {
  unsigned count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(
           std::string(FUZZ_CORPUS) + "/bundle-reader")) {
    std::ifstream stream(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << stream.rdbuf();
    std::string text = bytes.str();
    SCOPED_TRACE(entry.path());
    EXPECT_FALSE(text.empty());
    fuzzBundleReader(text.data(), text.size());
    ++count;
  }
  EXPECT_GE(count, 8u);
}
