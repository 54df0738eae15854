//===- Bundle.h - Bound class of a bundle -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_BUNDLE_H
#define DSA_INDEXER_BUNDLE_H

#include "indexer-c/Runtime.h"

#include <nanobind/nanobind.h>

namespace indexer::python {

/// Kernels and how to launch them, read from bytes. Immutable.
class Bundle {
public:
  explicit Bundle(nanobind::bytes data);
  ~Bundle() { indexerBundleDestroy(bundle); }
  Bundle(const Bundle &) = delete;
  Bundle &operator=(const Bundle &) = delete;

  IndexerBundle *get() const { return bundle; }

private:
  IndexerBundle *bundle = nullptr;
};

/// Adds the class to the module.
void bindBundle(nanobind::module_ &module);

} // namespace indexer::python

#endif // DSA_INDEXER_BUNDLE_H
