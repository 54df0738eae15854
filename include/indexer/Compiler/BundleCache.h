//===- BundleCache.h - Bundles kept on disk ---------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What was compiled once at run time need not be compiled again by the next
// process. A cache that cannot be used costs time and nothing else: no function
// here fails, they say in one sentence what is wrong.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_COMPILER_BUNDLECACHE_H
#define INDEXER_COMPILER_BUNDLECACHE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Chrono.h"
#include <optional>
#include <string>
#include <vector>

namespace indexer {

/// Hash of everything that a bundle depends on. Each part is added with its
/// length, so that no two lists of parts give one key.
class CacheKey {
public:
  void add(llvm::StringRef part);
  /// 64 hexadecimal digits.
  std::string text();

private:
  llvm::BLAKE3 hasher;
};

/// An entry as it lies on disk.
struct CacheEntry {
  std::string path;
  uint64_t bytes = 0;
  llvm::sys::TimePoint<> lastUse;
  /// "" when it is damaged or cannot be read.
  std::string bundle;
};

/// A folder of bundles by key. Any number of processes and threads may use one
/// at the same time: an entry appears complete or not at all, and the last one
/// that is added under a key stays.
class BundleCache {
public:
  /// The cache that the environment asks for (docs/environment.md).
  static BundleCache fromEnvironment();

  /// The folder; "" when nothing is cached.
  llvm::StringRef folder() const { return folderPath; }
  bool isOn() const { return !folderPath.empty(); }
  /// Why nothing is cached: what the environment asks for, or what is wrong
  /// with it.
  llvm::StringRef whyOff() const { return reason; }
  /// Whether nothing is cached because something is wrong.
  bool isBroken() const { return !reason.empty() && !isTurnedOff; }

  /// The bundle under `key`, if there is one. A damaged entry is removed.
  /// `warning` is set when there is something to tell the user.
  std::optional<std::string> find(llvm::StringRef key, std::string &warning);

  /// Keeps `bundle` under `key`, and removes what is too old or too much.
  /// `warning` is set when it could not be kept.
  void add(llvm::StringRef key, llvm::StringRef bundle, std::string &warning);

  /// The entries with their bundles, the last used first. `warning` is set when
  /// the folder cannot be read; one that does not exist is empty.
  std::vector<CacheEntry> list(std::string &warning) const;

  /// Removes all entries, and what writers that were killed have left. Returns
  /// how many files it removed; `warning` is set when some could not be.
  unsigned clear(std::string &warning) const;

private:
  std::string folderPath, reason;
  bool isTurnedOff = false;
  llvm::CachePruningPolicy policy;
};

} // namespace indexer

#endif // INDEXER_COMPILER_BUNDLECACHE_H
