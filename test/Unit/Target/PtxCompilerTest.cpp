//===- PtxCompilerTest.cpp - The PTX assembler in this process ------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/PtxCompiler.h"
#include "indexer/Target/Ptxas.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"
#include <thread>

using namespace indexer;

/// A kernel with 128 bytes of static shared memory.
static constexpr char ptx[] = R"(.version 8.0
.target sm_80
.address_size 64
.entry store(.param .u64 p) {
  .reg .u64 a;
  .reg .f32 f;
  .shared .align 4 .b8 s[128];
  ld.param.u64 a, [p];
  ld.shared.f32 f, [s];
  st.global.f32 [a], f;
  ret;
}
)";

// The library is compiled in or not; both are right.
#define SKIP_WITHOUT_LIBRARY()                                                 \
  if (ptxCompilerVersion().empty())                                            \
  GTEST_SKIP() << "built without INDEXER_NVPTXCOMPILER_DIR"

TEST(PtxCompiler, WithoutTheLibraryNothingIsAssembled) {
  if (!ptxCompilerVersion().empty())
    GTEST_SKIP() << "built with INDEXER_NVPTXCOMPILER_DIR";
  AssemblerResult result = assembleInProcess(ptx, "sm_80", "test");
  EXPECT_LT(result.status, 0);
  EXPECT_TRUE(result.object.empty());
}

TEST(PtxCompiler, FiguresAreThoseOfTheProgram) {
  SKIP_WITHOUT_LIBRARY();
  AssemblerResult result = assembleInProcess(ptx, "sm_80", "test");
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.object.substr(0, 4), "\x7f"
                                        "ELF");
  EXPECT_EQ(result.keptPtx, "");
  auto figures = parsePtxasFigures(result.output);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].kernel, "store");
  EXPECT_GT(figures[0].resources.registers, 0);
  EXPECT_EQ(figures[0].resources.sharedBytes, 128);
  EXPECT_EQ(figures[0].resources.spillBytes, 0);
}

TEST(PtxCompiler, AFailureKeepsThePtx) {
  SKIP_WITHOUT_LIBRARY();
  AssemblerResult result = assembleInProcess("no ptx", "sm_80", "test");
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.output, "");
  EXPECT_TRUE(result.object.empty());
  EXPECT_TRUE(llvm::sys::fs::exists(result.keptPtx));
  EXPECT_EQ(result.command, "ptxas -arch=sm_80 " + result.keptPtx);
  llvm::sys::fs::remove(result.keptPtx);
}

TEST(PtxCompiler, ThreadsGetTheSameBytes) {
  SKIP_WITHOUT_LIBRARY();
  std::vector<std::string> objects(4);
  std::vector<std::thread> threads;
  for (std::string &object : objects)
    threads.emplace_back(
        [&object] { object = assembleInProcess(ptx, "sm_80", "test").object; });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_FALSE(objects[0].empty());
  for (const std::string &object : objects)
    EXPECT_EQ(object, objects[0]);
}
