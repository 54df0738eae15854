//===- ChainBuilder.h - What a chain becomes --------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_FUSION_CHAINBUILDER_H
#define INDEXER_LIB_FUSION_CHAINBUILDER_H

#include "indexer/Fusion/HeadGateChain.h"

namespace indexer {

/// The pieces that the ops made of a chain have in common. Everything is
/// inserted before the chain's last op.
class ChainBuilder {
public:
  ChainBuilder(mlir::RewriterBase &rewriter, HeadGateChain &chain)
      : rewriter(rewriter), chain(chain),
        last(chain.links.back().value.getDefiningOp()),
        loc(rewriter.getFusedLoc(
            {chain.links.front().value.getLoc(), last->getLoc()})) {
    rewriter.setInsertionPoint(last);
  }

protected:
  /// Reshapes `tensor` so that its dimensions hold the axes of `target`, one
  /// entry a dimension; an empty entry is a dimension of extent 1.
  mlir::Value reshapeTo(mlir::Value tensor, const TensorAxes &dims,
                        llvm::ArrayRef<DimAxes> target);
  /// Gives `gate`, whose dimensions hold the axes of `fused`, the shape and
  /// type of the chain's last link. `sizes`: run-time extents that are known,
  /// by the axes of a dimension.
  mlir::Value
  restoreShape(mlir::Value gate, const TensorAxes &fused,
               llvm::ArrayRef<std::pair<DimAxes, mlir::OpFoldResult>> sizes);
  /// Computes what is the same for every element, once: the kernel gets it as
  /// one scalar. A cast of a constant is a constant, rounded once.
  void emitScalars(llvm::ArrayRef<unsigned> order);
  /// Emits the tree of the nodes `order` in a body.
  mlir::Value emitEpilogue(mlir::OpBuilder &body,
                           llvm::ArrayRef<unsigned> order, mlir::Value sum,
                           mlir::ValueRange operands);
  /// Gives `gate` to the users of the chain's last link.
  void replaceLast(mlir::Value gate);

  mlir::RewriterBase &rewriter;
  HeadGateChain &chain;
  mlir::Operation *last;
  mlir::Location loc;

private:
  /// Nodes that are the same for every element, computed before.
  llvm::SmallDenseMap<unsigned, mlir::Value> scalars;
  /// Constants among them; a cast that was folded leaves its constant unused.
  llvm::SmallVector<mlir::Operation *> constants;
};

} // namespace indexer

#endif // INDEXER_LIB_FUSION_CHAINBUILDER_H
