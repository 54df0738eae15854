//===- LoadedBundle.h - A bundle behind the C API ---------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_LOADEDBUNDLE_H
#define INDEXER_RUNTIME_LOADEDBUNDLE_H

#include "indexer-c/Runtime.h"
#include "indexer/Runtime/Bundle.h"

/// What the C API's opaque pointer points at. Not changed after its creation,
/// so any number of threads may use it.
struct IndexerBundle {
  indexer::runtime::Bundle bundle;
  /// Result of indexerBundleDescribe.
  std::string description;
};

#endif // INDEXER_RUNTIME_LOADEDBUNDLE_H
