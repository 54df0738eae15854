//===- LoadedBundle.cpp - A bundle behind the C API -----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/LoadedBundle.h"

#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/LastError.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/stat.h>

using namespace indexer::runtime;

/// Reads a bundle; `origin` ("'FILE': " or "") begins the message of an error.
static IndexerStatus createBundle(const void *data, size_t size,
                                  const std::string &origin,
                                  IndexerBundle **bundle) {
  auto loaded = std::make_unique<IndexerBundle>();
  std::string error;
  if (!deserialize(data, size, loaded->bundle, error))
    return fail(INDEXER_BAD_BUNDLE, origin + error);
  loaded->description = headerText(loaded->bundle, /*indent=*/2);
  *bundle = loaded.release();
  return INDEXER_OK;
}

IndexerStatus indexerBundleCreate(const void *data, size_t size,
                                  IndexerBundle **bundle) {
  return guarded([&]() -> IndexerStatus {
    if (!bundle)
      return fail(INDEXER_INVALID_ARGUMENT, "'bundle' is null");
    *bundle = nullptr;
    return createBundle(data, size, "", bundle);
  });
}

/// Reads the whole regular file at `path`.
static IndexerStatus readFile(const char *path, std::string &bytes) {
  auto reject = [&](const char *why) {
    return fail(INDEXER_INVALID_ARGUMENT,
                "cannot read '" + std::string(path) + "': " + why);
  };
  std::unique_ptr<FILE, int (*)(FILE *)> file(std::fopen(path, "rbe"),
                                              std::fclose);
  struct stat info;
  if (!file || fstat(fileno(file.get()), &info) != 0)
    return reject(std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return reject("not a regular file");
  bytes.resize(info.st_size);
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    return reject(std::ferror(file.get()) ? std::strerror(errno)
                                          : "it shrank while being read");
  return INDEXER_OK;
}

IndexerStatus indexerBundleOpen(const char *path, IndexerBundle **bundle) {
  return guarded([&]() -> IndexerStatus {
    if (!path || !bundle)
      return fail(INDEXER_INVALID_ARGUMENT,
                  std::string(path ? "'bundle'" : "'path'") + " is null");
    *bundle = nullptr;
    std::string bytes;
    if (IndexerStatus status = readFile(path, bytes))
      return status;
    return createBundle(bytes.data(), bytes.size(),
                        "'" + std::string(path) + "': ", bundle);
  });
}

void indexerBundleDestroy(IndexerBundle *bundle) { delete bundle; }

const char *indexerBundleDescribe(IndexerBundle *bundle) {
  return bundle ? bundle->description.c_str() : "";
}
