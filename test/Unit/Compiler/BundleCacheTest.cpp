//===- BundleCacheTest.cpp - Bundles kept on disk -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What may go wrong with a folder that many processes share: each drill runs
// real processes, which are killed, run out of disk, or may not write.
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/BundleCache.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace indexer;
using ::testing::HasSubstr;
namespace fs = llvm::sys::fs;

namespace {

/// A new folder, and an environment that leads to it.
class BundleCacheTest : public ::testing::Test {
protected:
  void SetUp() override {
    // Not in TMPDIR, which another user may not be allowed to enter.
    root = "/tmp/indexer-cache-XXXXXX";
    ASSERT_TRUE(mkdtemp(root.data()));
    setenv("INDEXER_CACHE_DIR", (root + "/cache").c_str(), 1);
    unsetenv("INDEXER_CACHE_POLICY");
  }
  void TearDown() override {
    (void)fs::remove_directories(root);
    unsetenv("INDEXER_CACHE_DIR");
    unsetenv("INDEXER_CACHE_POLICY");
  }

  /// The key of entry `name`.
  static std::string keyOf(llvm::StringRef name) {
    CacheKey key;
    key.add(name);
    return key.text();
  }
  std::string fileOf(llvm::StringRef name) {
    return root + "/cache/llvmcache-" + keyOf(name);
  }
  /// Adds an entry; gives the warning.
  static std::string add(llvm::StringRef name, llvm::StringRef bundle) {
    std::string warning;
    BundleCache::fromEnvironment().add(keyOf(name), bundle, warning);
    return warning;
  }
  /// The entry, or "none", and the warning if there is one.
  static std::string find(llvm::StringRef name) {
    std::string warning;
    auto bundle = BundleCache::fromEnvironment().find(keyOf(name), warning);
    return bundle.value_or("none") + (warning.empty() ? "" : "; " + warning);
  }
  /// The entries of the cache.
  static std::vector<CacheEntry> list() {
    std::string warning;
    auto entries = BundleCache::fromEnvironment().list(warning);
    EXPECT_EQ(warning, "");
    return entries;
  }
  /// Names of the files in the cache.
  std::vector<std::string> files() {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator file(root + "/cache", error), end;
         file != end && !error; file.increment(error))
      names.push_back(llvm::sys::path::filename(file->path()).str());
    return names;
  }

  std::string root;
};

} // namespace

/// Runs `body` in a process of its own. Gives its exit status, 1 when a check
/// in it failed, or minus the signal that ended it.
template <typename Body>
static int inChild(Body body) {
  pid_t child = fork();
  if (child == 0) {
    body();
    _exit(::testing::Test::HasFailure());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST_F(BundleCacheTest, keysTellListsOfPartsApart) {
  CacheKey whole, split;
  whole.add("sm_80sm_90a");
  split.add("sm_80");
  split.add("sm_90a");
  std::string text = whole.text();
  EXPECT_EQ(text.size(), 64u);
  EXPECT_NE(text, split.text());
}

TEST_F(BundleCacheTest, keepsWhatWasAdded) {
  EXPECT_EQ(find("a"), "none");
  EXPECT_TRUE(files().empty()); // Looking makes no folder.
  EXPECT_EQ(add("a", "bundle a"), "");
  EXPECT_EQ(add("b", ""), "");
  EXPECT_EQ(find("a"), "bundle a");
  EXPECT_EQ(find("b"), "");
  EXPECT_EQ(add("a", "another"), "");
  EXPECT_EQ(find("a"), "another");
  EXPECT_EQ(list().size(), 2u);
  std::string warning;
  EXPECT_EQ(BundleCache::fromEnvironment().clear(warning), 2u);
  EXPECT_EQ(warning, "");
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(find("a"), "none");
}

TEST_F(BundleCacheTest, damageIsFoundAndRemoved) {
  auto damage = [&](auto change) {
    EXPECT_EQ(add("a", "the bundle of a"), "");
    std::string bytes;
    {
      std::ifstream stream(fileOf("a"), std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(stream), {});
    }
    change(bytes);
    std::ofstream(fileOf("a"), std::ios::binary) << bytes;
    ASSERT_EQ(list().size(), 1u);
    EXPECT_EQ(list()[0].bundle, "");
    EXPECT_EQ(find("a"), "none; cache entry '" + fileOf("a") +
                             "' is damaged; it is compiled again");
    EXPECT_EQ(find("a"), "none");
  };
  damage([](std::string &bytes) { bytes.back() ^= 1; });
  damage([](std::string &bytes) { bytes[0] ^= 1; });
  damage([](std::string &bytes) { bytes[20] ^= 1; });
  damage([](std::string &bytes) { bytes.pop_back(); });
  damage([](std::string &bytes) { bytes.clear(); });
  damage([](std::string &bytes) { bytes += "more"; });
}

// A bundle of other code must not be launched because a file was renamed.
TEST_F(BundleCacheTest, anEntryBelongsToItsKey) {
  EXPECT_EQ(add("a", "bundle a"), "");
  ASSERT_FALSE(fs::rename(fileOf("a"), fileOf("b")));
  EXPECT_THAT(find("b"), HasSubstr("is damaged"));
}

TEST_F(BundleCacheTest, theEnvironmentChoosesTheFolder) {
  EXPECT_EQ(
      inChild([&] {
        setenv("XDG_CACHE_HOME", "/xdg", 1);
        EXPECT_EQ(BundleCache::fromEnvironment().folder(), root + "/cache");
        unsetenv("INDEXER_CACHE_DIR");
        EXPECT_EQ(BundleCache::fromEnvironment().folder(), "/xdg/indexer");
        setenv("HOME", "/home/me", 1);
        for (const char *ignored : {"", "relative"}) {
          setenv("XDG_CACHE_HOME", ignored, 1);
          EXPECT_EQ(BundleCache::fromEnvironment().folder(),
                    "/home/me/.cache/indexer");
        }
      }),
      0);
  setenv("INDEXER_CACHE_DIR", "off", 1);
  BundleCache cache = BundleCache::fromEnvironment();
  EXPECT_FALSE(cache.isOn());
  EXPECT_FALSE(cache.isBroken());
  EXPECT_EQ(cache.whyOff(), "INDEXER_CACHE_DIR is 'off'");
}

// A user without a home, as in some containers.
TEST_F(BundleCacheTest, noHome) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root can become a user that does not exist";
  EXPECT_EQ(inChild([&] {
              for (const char *name :
                   {"INDEXER_CACHE_DIR", "XDG_CACHE_HOME", "HOME"})
                unsetenv(name);
              ASSERT_EQ(setuid(54321), 0);
              BundleCache cache = BundleCache::fromEnvironment();
              EXPECT_TRUE(cache.isBroken());
              EXPECT_EQ(cache.whyOff(),
                        "there is no home folder: set INDEXER_CACHE_DIR to a "
                        "folder, or to 'off'");
            }),
            0);
}

TEST_F(BundleCacheTest, aWrongPolicyIsSaid) {
  setenv("INDEXER_CACHE_POLICY", "prune_after=tomorrow", 1);
  BundleCache cache = BundleCache::fromEnvironment();
  EXPECT_TRUE(cache.isBroken());
  EXPECT_THAT(cache.whyOff().str(),
              HasSubstr("INDEXER_CACHE_POLICY got \"prune_after=tomorrow\": "));
  EXPECT_THAT(cache.whyOff().str(), HasSubstr("accepted is LLVM's form"));
}

TEST_F(BundleCacheTest, isPrunedBySizeAndAge) {
  std::string large(100000, 'x');
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(add(std::to_string(i), large), "");
    // Used i minutes later than the first.
    int descriptor;
    ASSERT_FALSE(fs::openFileForReadWrite(fileOf(std::to_string(i)), descriptor,
                                          fs::CD_OpenExisting, fs::OF_None));
    ASSERT_FALSE(fs::setLastAccessAndModificationTime(
        descriptor,
        std::chrono::system_clock::now() - std::chrono::minutes(100 - i)));
    close(descriptor);
  }
  setenv("INDEXER_CACHE_POLICY",
         "prune_interval=0s:cache_size=0%:cache_size_bytes=450k", 1);
  EXPECT_EQ(add("new", large), "");
  EXPECT_EQ(list().size(), 4u);
  EXPECT_TRUE(find("new") == large && find("9") == large);
  EXPECT_EQ(find("0"), "none");
  // Listing has not made 7 and 8 young again.
  setenv("INDEXER_CACHE_POLICY",
         "prune_interval=0s:cache_size=0%:prune_after=30m", 1);
  EXPECT_EQ(add("new", large), "");
  EXPECT_TRUE(find("new") == large);
  EXPECT_EQ(find("7"), "none");
}

// What a writer that was killed has left is pruned like an entry.
TEST_F(BundleCacheTest, leftoversArePruned) {
  EXPECT_EQ(add("a", "bundle"), "");
  std::ofstream(fileOf("a") + ".abc123") << std::string(100000, 'x');
  setenv("INDEXER_CACHE_POLICY",
         "prune_interval=0s:cache_size=0%:cache_size_bytes=1k", 1);
  EXPECT_EQ(add("b", "bundle"), "");
  for (const std::string &file : files())
    EXPECT_FALSE(llvm::StringRef(file).ends_with(".abc123"));
}

TEST_F(BundleCacheTest, aReadOnlyFolderIsRead) {
  EXPECT_EQ(add("a", "bundle a"), "");
  ASSERT_EQ(chmod(root.c_str(), 0755), 0);
  ASSERT_EQ(chmod((root + "/cache").c_str(), 0555), 0);
  ASSERT_EQ(chmod(fileOf("a").c_str(), 0444), 0);
  EXPECT_EQ(inChild([&] {
              // To root, the modes of files do not apply.
              if (geteuid() == 0) {
                ASSERT_EQ(setuid(65534), 0);
              }
              EXPECT_EQ(find("a"), "bundle a");
              EXPECT_EQ(find("b"), "none");
              EXPECT_EQ(add("b", "bundle b"), "the code is not kept in the "
                                              "cache '" +
                                                  root +
                                                  "/cache': Permission denied");
            }),
            0);
  ASSERT_EQ(chmod((root + "/cache").c_str(), 0755), 0);
}

TEST_F(BundleCacheTest, aFolderThatCannotBeMade) {
  std::ofstream(root + "/file") << "a file";
  setenv("INDEXER_CACHE_DIR", (root + "/file/cache").c_str(), 1);
  EXPECT_EQ(find("a"), "none");
  EXPECT_EQ(add("a", "bundle"), "the code is not kept in the cache '" + root +
                                    "/file/cache': Not a directory");
  std::string warning;
  EXPECT_TRUE(BundleCache::fromEnvironment().list(warning).empty());
  EXPECT_NE(warning, "");
}

// The disk is full after 64 KiB: a limit of the size of files stands for it.
TEST_F(BundleCacheTest, aFullDiskLeavesNothing) {
  EXPECT_EQ(inChild([&] {
              signal(SIGXFSZ, SIG_IGN);
              rlimit limit = {65536, 65536};
              ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
              EXPECT_EQ(add("a", std::string(1000000, 'x')),
                        "the code is not kept in the cache '" + root +
                            "/cache': File too large");
              EXPECT_EQ(find("a"), "none");
            }),
            0);
  EXPECT_TRUE(files().empty());
}

/// A bundle that is easily told from a part of it.
static std::string makeBundle(size_t size) {
  std::string bundle;
  while (bundle.size() < size)
    bundle += std::to_string(bundle.size()) + " ";
  return bundle;
}

// A writer dies anywhere: a reader sees the entry or none.
TEST_F(BundleCacheTest, killedWhileWriting) {
  std::string bundle = makeBundle(4 << 20);
  std::mt19937 random(1);
  int found = 0, unfinished = 0;
  for (int i = 0; i < 100; ++i) {
    pid_t child = fork();
    if (child == 0)
      for (;;) {
        add("a", bundle);
        fs::remove(fileOf("a"));
      }
    usleep(500 + random() % 20000);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    std::string got = find("a");
    EXPECT_TRUE(got == "none" || got == bundle) << got.substr(0, 200);
    found += got == bundle;
    for (const std::string &file : files())
      unfinished += llvm::StringRef(file).count('.') > 0 &&
                    !llvm::StringRef(file).ends_with(".timestamp");
    std::string warning;
    BundleCache::fromEnvironment().clear(warning);
    EXPECT_TRUE(list().empty());
  }
  // Some died while they wrote: else nothing was drilled.
  EXPECT_GT(unfinished, 0);
  EXPECT_LT(found, 100);
}

// Everyone gets the right bundle, and one entry is left.
TEST_F(BundleCacheTest, sixtyFourProcessesRaceForOneKey) {
  std::string bundle = makeBundle(1 << 20);
  int start[2];
  ASSERT_EQ(pipe(start), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 64; ++i) {
    pid_t child = fork();
    if (child == 0) {
      close(start[1]);
      char byte;
      (void)!read(start[0], &byte, 1); // Until all are there.
      std::string got = find("a");
      if (got == "none" && !add("a", bundle).empty())
        _exit(1);
      if (got != "none" && got != bundle)
        _exit(2);
      _exit(find("a") == bundle ? 0 : 3);
    }
    children.push_back(child);
  }
  close(start[1]);
  for (pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  close(start[0]);
  ASSERT_EQ(list().size(), 1u);
  EXPECT_EQ(list()[0].bundle, bundle);
  EXPECT_EQ(files().size(), 2u); // And the time stamp of pruning.
}
