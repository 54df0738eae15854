//===- RememberedMaps.h - Tensor maps that are not made again ---*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_BENCHMARKS_REMEMBEREDMAPS_H
#define INDEXER_BENCHMARKS_REMEMBEREDMAPS_H

#include "indexer/Runtime/Kernel.h"

/// While it lives, tensor maps of `kernel` are copied from the thread's last
/// ones where their arguments are equal: what a cache would save.
class RememberedMaps {
public:
  explicit RememberedMaps(IndexerKernel &kernel);
  ~RememberedMaps() { kernel.driver = real; }
  RememberedMaps(const RememberedMaps &) = delete;
  RememberedMaps &operator=(const RememberedMaps &) = delete;

private:
  IndexerKernel &kernel;
  const indexer::runtime::Driver *real;
  indexer::runtime::Driver driver;
};

#endif // INDEXER_BENCHMARKS_REMEMBEREDMAPS_H
