//===- VectorizeForCPU.cpp - Tiles to vectors -----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: static linalg tiles in loops. Out: vector ops, with the partial sums of
// the loop over d in iteration arguments instead of in a tensor.
//
//===----------------------------------------------------------------------===//

#include "Marks.h"

#include "indexer/Codegen/CPU/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Hoisting.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace indexer {
#define GEN_PASS_DEF_VECTORIZEFORCPU
#include "indexer/Codegen/CPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

namespace {

struct VectorizeForCPU : indexer::impl::VectorizeForCPUBase<VectorizeForCPU> {
  void runOnOperation() override;
};

} // namespace

void VectorizeForCPU::runOnOperation() {
  IRRewriter rewriter(&getContext());
  // Everything that belongs to a tile stands beside its loop over d.
  llvm::SetVector<Operation *> tiles;
  getOperation().walk([&](scf::ForOp loop) {
    if (loop->hasAttr(marks::reduction))
      tiles.insert(loop);
  });
  llvm::SetVector<linalg::LinalgOp> ops;
  for (Operation *loop : tiles) {
    auto addStatic = [&](Block *block) {
      for (linalg::LinalgOp op : block->getOps<linalg::LinalgOp>())
        if (!op.hasDynamicShape())
          ops.insert(op);
    };
    addStatic(cast<scf::ForOp>(loop).getBody());
    // Outside of every tile loop (a gate with one static tile) the block may
    // hold ops of the user.
    for (linalg::LinalgOp op : loop->getBlock()->getOps<linalg::LinalgOp>())
      if (!op.hasDynamicShape() &&
          (op->hasAttr(marks::epilogue) || isa<linalg::FillOp>(op) ||
           llvm::is_contained(op->getOperands(), loop->getResult(0))))
        ops.insert(op);
  }
  for (linalg::LinalgOp op : ops) {
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::VectorizationResult> vectorized =
        linalg::vectorize(rewriter, op);
    if (succeeded(vectorized))
      rewriter.replaceOp(op, vectorized->replacements);
  }

  RewritePatternSet patterns(&getContext());
  vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
  vector::TransferReadOp::getCanonicalizationPatterns(patterns, &getContext());
  vector::TransferWriteOp::getCanonicalizationPatterns(patterns, &getContext());
  if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
    return signalPassFailure();

  SmallVector<scf::ForOp> loops;
  getOperation().walk([&](scf::ForOp loop) {
    if (loop->hasAttr(marks::reduction))
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops)
    hoistLoopInvariantSubsets(rewriter,
                              cast<LoopLikeOpInterface>(loop.getOperation()));
}
