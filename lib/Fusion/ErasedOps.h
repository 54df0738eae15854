//===- ErasedOps.h - What a rewriter erased ---------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_FUSION_ERASEDOPS_H
#define INDEXER_LIB_FUSION_ERASEDOPS_H

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseSet.h"

namespace indexer {

/// Remembers what was erased: a chain that is fused may take with it what a
/// pass has on its list.
struct ErasedOps : mlir::RewriterBase::Listener {
  void notifyOperationErased(mlir::Operation *op) override { ops.insert(op); }
  bool contains(mlir::Operation *op) const { return ops.contains(op); }

private:
  llvm::DenseSet<mlir::Operation *> ops;
};

} // namespace indexer

#endif // INDEXER_LIB_FUSION_ERASEDOPS_H
