//===- BundleCache.cpp - Bundles kept on disk -----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The folder is laid out, locked against readers and pruned as LLVM's
// localCache and pruneCache do it: one file "llvmcache-KEY" an entry, made
// under another name and renamed. Writing does not go through localCache
// itself: its stream ends the process when the disk is full, and its temporary
// file installs signal handlers, which a library inside a serving process must
// not do.
//
// An entry is the magic, the BLAKE3 hash of key and bundle, and the bundle.
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/BundleCache.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using llvm::SmallString;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace indexer {

/// What pruneCache takes for a file of a cache.
static constexpr llvm::StringLiteral prefix = "llvmcache-";
static constexpr llvm::StringLiteral magic = "INDEXERC";
/// Digits of a key.
static constexpr size_t keySize = 2 * LLVM_BLAKE3_OUT_LEN;
/// What is kept without INDEXER_CACHE_POLICY: what was used in the last 30
/// days, at most 512 MiB; looked at every 20 minutes.
static constexpr llvm::StringLiteral defaultPolicy =
    "prune_after=720h:cache_size=0%:cache_size_bytes=512m";

void CacheKey::add(StringRef part) {
  hasher.update(llvm::utostr(part.size()) + ":");
  hasher.update(part);
}

std::string CacheKey::text() {
  return llvm::toHex(hasher.final(), /*LowerCase=*/true);
}

/// The value of an environment variable, "" without it.
static StringRef environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// The folder that the user's settings lead to; "" without a home.
static std::string chooseFolder() {
  if (StringRef given = environment("INDEXER_CACHE_DIR"); !given.empty())
    return given.str();
  // The specification has relative paths ignored.
  SmallString<128> folder = environment("XDG_CACHE_HOME");
  if (!path::is_absolute(folder)) {
    folder.clear();
    if (!path::home_directory(folder) || folder.empty())
      return "";
    path::append(folder, ".cache");
  }
  path::append(folder, "indexer");
  return std::string(folder);
}

BundleCache BundleCache::fromEnvironment() {
  BundleCache cache;
  std::string folder = chooseFolder();
  StringRef given = environment("INDEXER_CACHE_POLICY");
  auto policy = llvm::parseCachePruningPolicy(
      given.empty() ? StringRef(defaultPolicy) : given);
  if (folder == "off") {
    cache.isTurnedOff = true;
    cache.reason = "INDEXER_CACHE_DIR is 'off'";
  } else if (folder.empty()) {
    cache.reason =
        "there is no home folder: set INDEXER_CACHE_DIR to a folder, "
        "or to 'off'";
  } else if (!policy) {
    cache.reason = "INDEXER_CACHE_POLICY got \"" + given.str() +
                   "\": " + llvm::toString(policy.takeError()) +
                   "; accepted is LLVM's form, such as \"" +
                   defaultPolicy.str() + "\"";
    return cache;
  } else {
    cache.folderPath = std::move(folder);
  }
  if (policy)
    cache.policy = *policy;
  else
    llvm::consumeError(policy.takeError());
  return cache;
}

/// Where the entry of `key` lies.
static std::string entryPath(StringRef folder, StringRef key) {
  SmallString<128> file(folder);
  path::append(file, prefix + key);
  return std::string(file);
}

/// The magic and the hash in front of `bundle`.
static std::string entryHead(StringRef key, StringRef bundle) {
  llvm::BLAKE3 hasher;
  hasher.update(key);
  hasher.update(bundle);
  llvm::BLAKE3Result<> hash = hasher.final();
  return magic.str() +
         std::string(reinterpret_cast<const char *>(hash.data()), hash.size());
}

/// The bundle in the bytes of an entry; none when they are damaged.
static std::optional<StringRef> readEntry(StringRef key, StringRef bytes) {
  size_t headSize = magic.size() + LLVM_BLAKE3_OUT_LEN;
  if (bytes.size() < headSize)
    return std::nullopt;
  StringRef bundle = bytes.drop_front(headSize);
  if (bytes.take_front(headSize) != entryHead(key, bundle))
    return std::nullopt;
  return bundle;
}

/// The bytes of a file. Read, not mapped: the file may be cut off meanwhile.
static llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>>
readFile(const llvm::Twine &file) {
  return llvm::MemoryBuffer::getFile(file, /*IsText=*/false,
                                     /*RequiresNullTerminator=*/false,
                                     /*IsVolatile=*/true);
}

std::optional<std::string> BundleCache::find(StringRef key,
                                             std::string &warning) {
  std::string file = entryPath(folderPath, key);
  auto bytes = readFile(file);
  if (!bytes) {
    // What is wrong with the folder, add() says.
    if (bytes.getError() != std::errc::no_such_file_or_directory &&
        bytes.getError() != std::errc::not_a_directory)
      warning = "cache entry '" + file +
                "' cannot be read: " + bytes.getError().message();
    return std::nullopt;
  }
  if (auto bundle = readEntry(key, (*bytes)->getBuffer()))
    return bundle->str();
  warning = "cache entry '" + file + "' is damaged; it is compiled again";
  fs::remove(file);
  return std::nullopt;
}

/// Writes `head` and `body` to a new file beside `file` and renames it.
static std::error_code writeEntry(const std::string &file, StringRef head,
                                  StringRef body) {
  int descriptor;
  SmallString<128> partial;
  if (std::error_code error =
          fs::createUniqueFile(file + ".%%%%%%", descriptor, partial,
                               fs::OF_None, fs::owner_read | fs::owner_write))
    return error;
  std::error_code error;
  {
    llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream << head << body;
    stream.close();
    error = stream.error();
    stream.clear_error(); // An error that nobody looked at ends the process.
  }
  if (!error)
    error = fs::rename(partial, file);
  if (error)
    fs::remove(partial);
  return error;
}

void BundleCache::add(StringRef key, StringRef bundle, std::string &warning) {
  std::error_code error = fs::create_directories(
      folderPath, /*IgnoreExisting=*/true, fs::perms::owner_all);
  if (!error)
    error =
        writeEntry(entryPath(folderPath, key), entryHead(key, bundle), bundle);
  if (error) {
    warning = "the code is not kept in the cache '" + folderPath +
              "': " + error.message();
    return;
  }
  llvm::pruneCache(folderPath, policy);
}

std::vector<CacheEntry> BundleCache::list(std::string &warning) const {
  std::vector<CacheEntry> entries;
  std::error_code error;
  for (fs::directory_iterator file(folderPath, error), end;
       file != end && !error; file.increment(error)) {
    StringRef key = path::filename(file->path());
    fs::file_status status;
    if (!key.consume_front(prefix) || key.size() != keySize ||
        fs::status(file->path(), status))
      continue;
    CacheEntry &entry = entries.emplace_back();
    entry.path = file->path();
    entry.bytes = status.getSize();
    entry.lastUse = status.getLastAccessedTime();
    if (auto bytes = readFile(entry.path))
      if (auto bundle = readEntry(key, (*bytes)->getBuffer()))
        entry.bundle = bundle->str();
    // To look at an entry is not to use it.
    if (auto handle = fs::openNativeFileForReadWrite(
            entry.path, fs::CD_OpenExisting, fs::OF_None)) {
      fs::setLastAccessAndModificationTime(*handle, entry.lastUse,
                                           status.getLastModificationTime());
      (void)fs::closeFile(*handle);
    } else {
      llvm::consumeError(handle.takeError());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory)
    warning =
        "the cache '" + folderPath + "' cannot be read: " + error.message();
  llvm::sort(entries, [](const CacheEntry &a, const CacheEntry &b) {
    return std::tie(b.lastUse, a.path) < std::tie(a.lastUse, b.path);
  });
  return entries;
}

unsigned BundleCache::clear(std::string &warning) const {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator file(folderPath, error), end;
       file != end && !error; file.increment(error))
    if (path::filename(file->path()).starts_with(prefix))
      files.push_back(file->path());
  if (error == std::errc::no_such_file_or_directory)
    error.clear();
  unsigned removed = 0;
  for (const std::string &file : files) {
    std::error_code failed = fs::remove(file, /*IgnoreNonExisting=*/false);
    // Another process may have been faster.
    if (!failed)
      ++removed;
    else if (failed != std::errc::no_such_file_or_directory)
      error = failed;
  }
  if (error)
    warning =
        "the cache '" + folderPath + "' cannot be cleared: " + error.message();
  return removed;
}

} // namespace indexer
