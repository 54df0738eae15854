//===- Scalar.h - Scalar parameters of a kernel -----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_SCALAR_H
#define INDEXER_RUNTIME_SCALAR_H

#include "indexer/Runtime/Bundle.h"

namespace indexer::runtime {

/// `value` rounded once, to nearest even, to a value of `type`. Too large
/// values become infinite, NaNs stay NaNs.
double roundToType(double value, ElementType type);

/// Writes `value`, rounded to `type`, in the type's width and the host's byte
/// order. `bytes` has room for 8 bytes; the rest of them is left alone.
void encodeScalar(double value, ElementType type, unsigned char *bytes);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_SCALAR_H
