//===- LastError.h - The error text of a thread -----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both halves of the C API, compiler and runtime, report errors through this
// one slot: a status code for the caller, a sentence for the human.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_LASTERROR_H
#define INDEXER_RUNTIME_LASTERROR_H

#include "indexer-c/Runtime.h"

#include <new>
#include <string>

namespace indexer::runtime {

/// Keeps `message` as the last error of this thread and returns `status`, so
/// that a function can end with `return fail(INDEXER_BAD_BUNDLE, "...")`.
/// Allocates nothing.
IndexerStatus fail(IndexerStatus status, std::string message) noexcept;

/// Runs `body`, a callable that returns IndexerStatus, and turns what it throws
/// into a status: no exception leaves the C API. Our own code throws nothing;
/// the standard library throws when host memory is exhausted.
template <typename Body>
IndexerStatus guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    return fail(INDEXER_OUT_OF_MEMORY, "no host memory"); // Fits in the string.
  }
}

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_LASTERROR_H
