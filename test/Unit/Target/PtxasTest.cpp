//===- PtxasTest.cpp - Reading the output of ptxas ------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/Ptxas.h"
#include "gtest/gtest.h"

using namespace indexer;

TEST(PtxasOutput, figuresOfTwoKernels) {
  // Between an entry and its registers, ptxas may tell of a device function
  // with spills of its own.
  auto figures = parsePtxasFigures(R"(
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'gate_plain' for 'sm_90a'
ptxas info    : Function properties for gate_plain
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 1024 bytes smem, 384 bytes cmem[0]
ptxas info    : Compile time = 12.345 ms
ptxas info    : Compiling entry function 'gate_tma' for 'sm_90a'
ptxas info    : Function properties for helper
    64 bytes stack frame, 100 bytes spill stores, 100 bytes spill loads
ptxas info    : Function properties for gate_tma
    24 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 255 registers, used 0 barriers, 24 bytes cumulative stack size
)");
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].kernel, "gate_plain");
  EXPECT_EQ(figures[0].resources.registers, 40);
  EXPECT_EQ(figures[0].resources.spillBytes, 0);
  EXPECT_EQ(figures[0].resources.sharedBytes, 1024);
  EXPECT_EQ(figures[1].kernel, "gate_tma");
  EXPECT_EQ(figures[1].resources.registers, 255);
  EXPECT_EQ(figures[1].resources.spillBytes, 24);
  EXPECT_EQ(figures[1].resources.sharedBytes, 0);
}

TEST(PtxasOutput, nothingToRead) {
  EXPECT_TRUE(parsePtxasFigures("").empty());
  EXPECT_TRUE(
      parsePtxasFigures("ptxas fatal   : Value 'sm_1' is not defined").empty());
  EXPECT_TRUE(parsePtxasFigures("Used many registers\nbytes smem").empty());
}

TEST(PtxasOutput, warnings) {
  auto warnings = parsePtxasWarnings(R"(
ptxas info    : Used 40 registers
ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized
ptxas warning : Stack size for entry function 'k' cannot be statically determined
)");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("C7510"), std::string::npos);
  EXPECT_NE(warnings[1].find("Stack size"), std::string::npos);
}

TEST(PtxasOutput, version) {
  EXPECT_EQ(parsePtxasVersion(
                "ptxas: NVIDIA (R) Ptx optimizing assembler\n"
                "Cuda compilation tools, release 13.0, V13.0.88\nBuild x"),
            "13.0.88");
  EXPECT_EQ(parsePtxasVersion("something else"), "");
}

TEST(PtxasOutput, splitCompile) {
  EXPECT_TRUE(takesSplitCompile("ptxas 13.0.88"));
  EXPECT_TRUE(takesSplitCompile("ptxas 12.9.86"));
  EXPECT_FALSE(takesSplitCompile("ptxas 12.4.131"));
  EXPECT_FALSE(takesSplitCompile("ptxas 11.8.89"));
  EXPECT_FALSE(takesSplitCompile("ptxas"));
  EXPECT_FALSE(takesSplitCompile(""));
}

TEST(PtxasFind, aGivenPathIsTheOnlyOne) {
  llvm::SmallVector<std::string> lookedAt;
  EXPECT_FALSE(Ptxas::find("/nonexistent/ptxas", lookedAt));
  ASSERT_EQ(lookedAt.size(), 1u);
  EXPECT_EQ(lookedAt[0], "/nonexistent/ptxas");
}
