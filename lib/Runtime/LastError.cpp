//===- LastError.cpp - The error text of a thread -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/LastError.h"

using namespace indexer::runtime;

/// The slot of this thread.
static std::string &lastError() noexcept {
  static thread_local std::string message;
  return message;
}

IndexerStatus indexer::runtime::fail(IndexerStatus status,
                                     std::string message) noexcept {
  lastError() = std::move(message);
  return status;
}

const char *indexerLastError(void) { return lastError().c_str(); }
