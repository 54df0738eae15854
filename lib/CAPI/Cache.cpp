//===- Cache.cpp - C API of the cache of bundles --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer-c/Compiler.h"

#include "indexer/Compiler/BundleCache.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/LastError.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace indexer;
using indexer::runtime::fail;
using indexer::runtime::guarded;

/// What is known of an entry: its file, and what its bundle is for.
static llvm::json::Object describeEntry(const CacheEntry &entry) {
  llvm::json::Object description{
      {"file", entry.path},
      {"bytes", static_cast<int64_t>(entry.bytes)},
      {"last_use", static_cast<int64_t>(llvm::sys::toTimeT(entry.lastUse))}};
  runtime::Bundle bundle;
  std::string error;
  bool isDamaged = !runtime::deserialize(entry.bundle.data(),
                                         entry.bundle.size(), bundle, error);
  description["damaged"] = isDamaged;
  if (isDamaged)
    return description;
  llvm::json::Array chips;
  std::string assembler;
  for (const runtime::CodeObject &object : bundle.objects) {
    if (!llvm::is_contained(chips, llvm::json::Value(object.chip)))
      chips.push_back(object.chip);
    if (assembler.empty())
      assembler = object.assembler;
  }
  description["entry"] = bundle.entry;
  description["chips"] = std::move(chips);
  description["assembler"] = assembler;
  return description;
}

/// `text`, or null for an empty one.
static llvm::json::Value orNull(llvm::StringRef text) {
  return text.empty() ? llvm::json::Value(nullptr) : llvm::json::Value(text);
}

IndexerStatus indexerCacheDescribe(const char **json) {
  return guarded([&] {
    BundleCache cache = BundleCache::fromEnvironment();
    std::string note = cache.whyOff().str();
    llvm::json::Array entries;
    if (cache.isOn())
      for (const CacheEntry &entry : cache.list(note))
        entries.push_back(describeEntry(entry));
    static thread_local std::string text;
    text = llvm::formatv("{0}", llvm::json::Value(llvm::json::Object{
                                    {"folder", orNull(cache.folder())},
                                    {"note", orNull(note)},
                                    {"entries", std::move(entries)}}))
               .str();
    *json = text.c_str();
    return INDEXER_OK;
  });
}

IndexerStatus indexerCacheClear(size_t *removed) {
  return guarded([&] {
    BundleCache cache = BundleCache::fromEnvironment();
    std::string warning;
    unsigned count = cache.isOn() ? cache.clear(warning) : 0;
    if (removed)
      *removed = count;
    return warning.empty() ? INDEXER_OK
                           : fail(INDEXER_INVALID_ARGUMENT, warning);
  });
}
