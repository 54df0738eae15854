//===- AssemblerTest.cpp - Which assembler is found, and what it gives ----===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/Assembler.h"
#include "indexer/Target/NvJitLink.h"
#include "indexer/Target/PtxCompiler.h"
#include "indexer/Target/Ptxas.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cstdlib>
#include <fstream>

using namespace indexer;

namespace {

/// INDEXER_NVJITLINK is what a test sets, and what it was afterwards.
class NvJitLinkTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (const char *value = std::getenv("INDEXER_NVJITLINK"))
      before = value;
  }
  void TearDown() override {
    setenv("INDEXER_NVJITLINK", before.c_str(), /*overwrite=*/1);
  }

  /// The library at `path`, if it is taken for PTX of `ptxVersion`.
  std::unique_ptr<Assembler> find(const char *path, unsigned ptxVersion) {
    setenv("INDEXER_NVJITLINK", path, /*overwrite=*/1);
    lookedAt.clear();
    return NvJitLink::find(ptxVersion, lookedAt);
  }

  std::string before;
  llvm::SmallVector<std::string> lookedAt;
};

} // namespace

// PTX ISA, release notes.
TEST_F(NvJitLinkTest, toolkitsOfPtxVersions) {
  EXPECT_EQ(lowestToolkit(80), 120u);
  EXPECT_EQ(lowestToolkit(85), 125u);
  EXPECT_EQ(lowestToolkit(86), 127u);
  EXPECT_EQ(lowestToolkit(87), 128u);
  EXPECT_EQ(lowestToolkit(88), 129u);
  EXPECT_EQ(lowestToolkit(90), 130u);
}

TEST_F(NvJitLinkTest, assemblesWithTheFiguresOfTheAssembler) {
  auto library = find(FAKE_NVJITLINK, 86);
  ASSERT_TRUE(library);
  EXPECT_EQ(library->version(), "nvjitlink 13.1");
  EXPECT_TRUE(llvm::StringRef(library->file()).ends_with("fake_nvjitlink.so"));
  AssemblerResult result = library->assemble(".version 8.6", "sm_90a", "k");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.object, "-arch=sm_90a -O3 -verbose "
                           "-Xptxas=--split-compile=16 .version 8.6");
  auto figures = parsePtxasFigures(result.output);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].kernel, "k");
  EXPECT_EQ(figures[0].resources.registers, 40);
  EXPECT_EQ(figures[0].resources.spillBytes, 12);
  EXPECT_EQ(figures[0].resources.sharedBytes, 128);
}

TEST_F(NvJitLinkTest, aFailureKeepsThePtx) {
  auto library = find(FAKE_NVJITLINK, 86);
  ASSERT_TRUE(library);
  AssemblerResult result = library->assemble("bogus", "sm_90a", "k");
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(result.program, "nvjitlink");
  EXPECT_EQ(result.output,
            "ptxas application ptx input, line 4; error : bogus\n");
  EXPECT_EQ(result.object, "");
  EXPECT_EQ(result.command, "ptxas -arch=sm_90a " + result.keptPtx);
  EXPECT_TRUE(llvm::sys::fs::exists(result.keptPtx));
  llvm::sys::fs::remove(result.keptPtx);
}

// A process with an old PyTorch has an old library loaded.
TEST_F(NvJitLinkTest, oneThatIsTooOldIsPassedOver) {
  auto old = find(OLD_FAKE_NVJITLINK, 84);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->assemble(".version 8.4", "sm_90a", "k").object,
            "-arch=sm_90a -O3 -verbose .version 8.4");
  EXPECT_FALSE(find(OLD_FAKE_NVJITLINK, 86));
  ASSERT_EQ(lookedAt.size(), 1u);
  EXPECT_EQ(lookedAt[0], std::string(OLD_FAKE_NVJITLINK) +
                             " (nvJitLink 12.4; PTX 8.6 needs 12.7)");
}

TEST_F(NvJitLinkTest, whatIsNoneIsPassedOver) {
  EXPECT_FALSE(find("/nonexistent/libnvJitLink.so", 86));
  ASSERT_EQ(lookedAt.size(), 1u);
  EXPECT_EQ(lookedAt[0], "/nonexistent/libnvJitLink.so");
  EXPECT_FALSE(find("libm.so.6", 86));
  EXPECT_EQ(lookedAt[0], "libm.so.6 (no nvJitLink of CUDA 12.3 or later)");
  EXPECT_FALSE(find("off", 86));
  EXPECT_TRUE(lookedAt.empty());
}

TEST_F(NvJitLinkTest, comesBeforeTheProgramUnlessThatIsAskedFor) {
  if (!ptxCompilerVersion().empty())
    GTEST_SKIP() << "built with INDEXER_NVPTXCOMPILER_DIR";
  setenv("INDEXER_NVJITLINK", FAKE_NVJITLINK, /*overwrite=*/1);
  auto found = findAssembler("", 86, lookedAt);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version(), "nvjitlink 13.1");
  // A program that is asked for is the only one that is tried.
  found = findAssembler("/bin/true", 86, lookedAt);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version(), "ptxas");
  EXPECT_EQ(found->file(), "/bin/true");
  EXPECT_FALSE(findAssembler("/nonexistent/ptxas", 86, lookedAt));
}

// The version of a program is asked for once, until there is another program.
TEST(PtxasVersion, isAskedForOnce) {
  std::string root = "/tmp/indexer-ptxas-XXXXXX";
  ASSERT_TRUE(mkdtemp(root.data()));
  auto write = [&](const char *version) {
    std::ofstream(root + "/ptxas")
        << "#!/bin/sh\necho run >> " << root << "/runs\n"
        << "echo 'Cuda compilation tools, release 1.2, V" << version << "'\n";
    ASSERT_FALSE(
        llvm::sys::fs::setPermissions(root + "/ptxas", llvm::sys::fs::all_all));
  };
  auto runs = [&] {
    std::ifstream stream(root + "/runs");
    return std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
  };
  llvm::SmallVector<std::string> lookedAt;
  write("1.2.3");
  std::string found = root + "/ptxas";
  EXPECT_EQ(Ptxas::find(found, lookedAt)->version(), "ptxas 1.2.3");
  EXPECT_EQ(Ptxas::find(found, lookedAt)->version(), "ptxas 1.2.3");
  EXPECT_EQ(runs(), 1);
  write("1.2.10");
  EXPECT_EQ(Ptxas::find(found, lookedAt)->version(), "ptxas 1.2.10");
  EXPECT_EQ(runs(), 2);
  (void)llvm::sys::fs::remove_directories(root);
}

TEST(FileStamp, isAnotherOneWhenTheFileIs) {
  EXPECT_EQ(fileStamp(""), "");
  EXPECT_EQ(fileStamp("/nonexistent"), "");
  EXPECT_NE(fileStamp("/bin/sh"), "");
  EXPECT_EQ(fileStamp("/bin/sh"), fileStamp("/bin/sh"));
  EXPECT_NE(fileStamp("/bin/sh"), fileStamp("/bin/ls"));
}
