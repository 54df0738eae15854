//===- NullBundle.h - The same bundle with empty kernels --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_BENCHMARKS_NULLBUNDLE_H
#define INDEXER_BENCHMARKS_NULLBUNDLE_H

#include "indexer/Runtime/Bundle.h"

/// `bundle` with kernels of the same names and parameters that return at once,
/// as PTX for a device of compute capability `major`.`minor`; the launches of
/// other chips are left out. What is left of a launch is its cost.
indexer::runtime::Bundle makeNullBundle(indexer::runtime::Bundle bundle,
                                        int major, int minor);

#endif // INDEXER_BENCHMARKS_NULLBUNDLE_H
