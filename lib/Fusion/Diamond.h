//===- Diamond.h - A fork of a chain that comes together --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_FUSION_DIAMOND_H
#define INDEXER_LIB_FUSION_DIAMOND_H

#include "indexer/Fusion/HeadGateChain.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace indexer {

/// A value that several ops read and that comes together again.
struct Diamond {
  /// The first op that reads the value; the chain goes on with it.
  mlir::Operation *first = nullptr;
  /// The op where all paths end.
  mlir::Operation *join = nullptr;
  /// The ops between the value and the join.
  llvm::SmallPtrSet<mlir::Operation *, 8> inside;
};

/// The diamond that starts at `value`, as in `s * sigmoid(s)`: elementwise ops
/// and reshapes with one reader each, in one block. None when the paths do not
/// come together in an elementwise op, or when there are many.
std::optional<Diamond> findDiamond(mlir::Value value);

/// True when the chain reads, as an operand, a value that it computes.
bool readsItself(const HeadGateChain &chain, const Diamond &diamond);

} // namespace indexer

#endif // INDEXER_LIB_FUSION_DIAMOND_H
