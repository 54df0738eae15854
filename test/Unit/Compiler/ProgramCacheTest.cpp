//===- ProgramCacheTest.cpp - When a program finds its bundle -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that changes the code makes another entry, and nothing else does.
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/Program.h"
#include "indexer/Target/Assembler.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"
#include <cstdlib>

using namespace indexer;

namespace {

/// One token, 16 heads, 64 hidden: few and small kernels.
constexpr char text[] = R"(
func.func @gate(%x: tensor<1x64xbf16>, %weight: tensor<16x64xbf16>,
                %q_scale: tensor<1x16xf32>) -> tensor<1x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x16xf32>)
      -> tensor<1x16xf32>
  %logits = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %weight : tensor<1x64xbf16>, tensor<16x64xbf16>)
      outs(%zeros : tensor<1x16xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %left = arith.extf %a : bf16 to f32
    %right = arith.extf %b : bf16 to f32
    %product = arith.mulf %left, %right : f32
    %next = arith.addf %sum, %product : f32
    linalg.yield %next : f32
  } -> tensor<1x16xf32>
  %gate = linalg.mul ins(%logits, %q_scale : tensor<1x16xf32>, tensor<1x16xf32>)
      outs(%empty : tensor<1x16xf32>) -> tensor<1x16xf32>
  return %gate : tensor<1x16xf32>
})";

/// A cache of its own.
class ProgramCacheTest : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::SmallVector<std::string> lookedAt;
    if (!findAssembler("", 86, lookedAt))
      GTEST_SKIP() << "no assembler";
    root = "/tmp/indexer-cache-XXXXXX";
    ASSERT_TRUE(mkdtemp(root.data()));
    setenv("INDEXER_CACHE_DIR", root.c_str(), /*overwrite=*/1);
  }
  void TearDown() override {
    (void)llvm::sys::fs::remove_directories(root);
    unsetenv("INDEXER_CACHE_DIR");
  }

  /// How the bundle of `source` comes about; `bytes` gets it.
  std::string use(const ProgramOptions &options = {},
                  llvm::StringRef source = text,
                  llvm::StringRef name = "gate.mlir") {
    auto program = Program::create(source, name, options);
    if (!program)
      return llvm::toString(program.takeError());
    auto bundle = (*program)->bundle();
    if (!bundle)
      return llvm::toString(bundle.takeError());
    bytes = bundle->str();
    EXPECT_TRUE((*program)->warnings().empty());
    return (*program)->cacheUse().str();
  }

  std::string root, bytes;
};

} // namespace

TEST_F(ProgramCacheTest, theSameProgramIsFound) {
  EXPECT_EQ(use(), "miss");
  std::string made = bytes;
  EXPECT_EQ(use(), "hit");
  EXPECT_EQ(bytes, made);
  // What diagnostics call the text is in no bundle.
  EXPECT_EQ(use({}, text, "another.mlir"), "hit");
  ProgramOptions entry;
  entry.entry = "gate";
  EXPECT_EQ(use(entry), "hit");
}

TEST_F(ProgramCacheTest, whatChangesTheCodeMakesAnotherEntry) {
  EXPECT_EQ(use(), "miss");
  auto expectMiss = [&](auto change) {
    ProgramOptions options;
    change(options);
    EXPECT_EQ(use(options), "miss");
    EXPECT_EQ(use(options), "hit");
  };
  expectMiss([](ProgramOptions &options) { options.chip = "sm_80"; });
  expectMiss([](ProgramOptions &options) { options.weights = "static"; });
  expectMiss([](ProgramOptions &options) { options.batchInvariant = true; });
  expectMiss([](ProgramOptions &options) { options.smBudget = 16; });
  EXPECT_EQ(use({}, std::string(text) + "\n// A comment"), "miss");
  EXPECT_EQ(use(), "hit");
}

TEST_F(ProgramCacheTest, canBeLeftOut) {
  ProgramOptions options;
  options.useCache = false;
  EXPECT_EQ(use(options), "off");
  EXPECT_EQ(use(), "miss");
  EXPECT_EQ(use(options), "off");
  setenv("INDEXER_CACHE_DIR", "off", /*overwrite=*/1);
  EXPECT_EQ(use(), "off");
}

// A program that has a stage already makes the same bundle of it.
TEST_F(ProgramCacheTest, stagesThatAreThereAreUsed) {
  EXPECT_EQ(use(), "miss");
  std::string made = bytes;
  for (const char *stage : {"scheduled", "kernel", "nvvm", "ptx"}) {
    ProgramOptions options;
    options.useCache = false;
    auto program = Program::create(text, "gate.mlir", options);
    ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
    ASSERT_TRUE(bool((*program)->artifact(stage)));
    auto bundle = (*program)->bundle();
    ASSERT_TRUE(bool(bundle)) << llvm::toString(bundle.takeError());
    EXPECT_TRUE(*bundle == made) << stage;
  }
}

TEST_F(ProgramCacheTest, timingsNameTheStages) {
  auto program = Program::create(text, "gate.mlir", {});
  ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
  ASSERT_TRUE(bool((*program)->bundleFor({"sm_90a", "sm_80"})));
  std::vector<std::string> stages;
  for (auto &[stage, milliseconds] : (*program)->timings()) {
    stages.push_back(stage);
    EXPECT_GE(milliseconds, 0);
  }
  EXPECT_EQ(stages,
            (std::vector<std::string>{
                "parse", "cache", "fused", "scheduled", "kernel", "nvvm",
                "cubin", "cubin.llvm", "cubin.assembler", "scheduled sm_80",
                "kernel sm_80", "nvvm sm_80", "cubin sm_80", "cubin.llvm sm_80",
                "cubin.assembler sm_80"}));
}
