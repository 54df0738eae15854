//===- TileForCPU.cpp - Register tiles of the gate ------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: contraction and epilogue as linalg on tensors. Out: loops over tiles of
// t and h with everything of a tile inside, all tiles static; d as a loop over
// vectors of partial sums. Upstream's tiling does the work.
//
//===----------------------------------------------------------------------===//

#include "Marks.h"

#include "indexer/Codegen/CPU/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace indexer {
#define GEN_PASS_DEF_TILEFORCPU
#include "indexer/Codegen/CPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

namespace {

struct TileForCPU : indexer::impl::TileForCPUBase<TileForCPU> {
  using Base::Base;
  void runOnOperation() override;

private:
  LogicalResult tileEpilogue(RewriterBase &rewriter, linalg::GenericOp epilogue,
                             ArrayRef<int64_t> sizes,
                             SmallVectorImpl<scf::ForOp> &loops);
  LogicalResult tileReduction(RewriterBase &rewriter,
                              linalg::GenericOp contraction);
  LogicalResult makeTilesStatic();
};

} // namespace

/// The ops under `root` that carry `mark`.
static SmallVector<linalg::GenericOp> marked(Operation *root, StringRef mark) {
  SmallVector<linalg::GenericOp> ops;
  root->walk([&](linalg::GenericOp op) {
    if (op->hasAttr(mark))
      ops.push_back(op);
  });
  return ops;
}

/// Extents that peeling made constant become static types.
LogicalResult TileForCPU::makeTilesStatic() {
  RewritePatternSet patterns(&getContext());
  linalg::populateLinalgTilingCanonicalizationPatterns(patterns);
  tensor::populateFoldTensorEmptyPatterns(patterns);
  for (StringRef name : {"linalg.generic", "linalg.fill"})
    if (auto op = RegisteredOperationName::lookup(name, &getContext()))
      op->getCanonicalizationPatterns(patterns, &getContext());
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  scf::populateSCFForLoopCanonicalizationPatterns(patterns);
  for (Dialect *dialect : getContext().getLoadedDialects())
    if (isa<linalg::LinalgDialect, tensor::TensorDialect, scf::SCFDialect,
            affine::AffineDialect, arith::ArithDialect>(dialect))
      dialect->getCanonicalizationPatterns(patterns);
  return applyPatternsGreedily(getOperation(), std::move(patterns));
}

LogicalResult TileForCPU::tileEpilogue(RewriterBase &rewriter,
                                       linalg::GenericOp epilogue,
                                       ArrayRef<int64_t> sizes,
                                       SmallVectorImpl<scf::ForOp> &loops) {
  rewriter.setInsertionPoint(epilogue);
  scf::SCFTileAndFuseOptions options;
  options.tilingOptions.setTileSizes(
      getAsIndexOpFoldResult(&getContext(), sizes));
  // Only the gate's own producers come along: the contraction and its fill.
  options.setFusionControlFn(
      [](tensor::ExtractSliceOp, OpResult producer,
         bool) -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
        Operation *op = producer.getOwner();
        if (op->hasAttr(marks::contraction) || isa<linalg::FillOp>(op))
          return scf::SCFTileAndFuseOptions::ControlFnResult{};
        return std::nullopt;
      });
  FailureOr<scf::SCFTileAndFuseResult> tiled =
      scf::tileConsumerAndFuseProducersUsingSCF(
          rewriter, cast<TilingInterface>(epilogue.getOperation()), options);
  if (failed(tiled))
    return epilogue.emitError("the epilogue of a gate could not be tiled");
  rewriter.replaceOp(epilogue,
                     tiled->replacements.lookup(epilogue.getResult(0)));
  for (LoopLikeOpInterface loop : tiled->loops)
    loops.push_back(cast<scf::ForOp>(loop.getOperation()));
  return success();
}

LogicalResult TileForCPU::tileReduction(RewriterBase &rewriter,
                                        linalg::GenericOp contraction) {
  rewriter.setInsertionPoint(contraction);
  Location loc = contraction.getLoc();
  scf::SCFTilingOptions options;
  options.setReductionTilingStrategy(
      ReductionTilingStrategy::PartialReductionOuterReduction);
  options.setReductionDims({2});
  options.setTileSizes(getAsIndexOpFoldResult(&getContext(), {0, 0, lanes}));
  FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(contraction.getOperation()), options);
  if (failed(tiled))
    return emitError(loc, "the sum of a gate could not be tiled");
  rewriter.replaceOp(contraction, tiled->replacements);
  auto loop = cast<scf::ForOp>(tiled->loops.front().getOperation());
  scf::ForOp rest;
  if (succeeded(scf::peelForLoopAndSimplifyBounds(rewriter, loop, rest)))
    rest->removeAttr(marks::reduction);
  loop->setAttr(marks::reduction, rewriter.getUnitAttr());
  return success();
}

void TileForCPU::runOnOperation() {
  if (tileT < 1 || tileH < 1 || lanes < 1) {
    getOperation().emitError("options 'tile-t', 'tile-h' and 'lanes' of "
                             "'indexer-tile-for-cpu' must be at least 1");
    return signalPassFailure();
  }
  IRRewriter rewriter(&getContext());
  for (linalg::GenericOp epilogue : marked(getOperation(), marks::epilogue)) {
    // The tile's shape follows the order of the gate's dimensions, (t, h).
    SmallVector<scf::ForOp> loops;
    if (failed(tileEpilogue(rewriter, epilogue, {tileT, tileH}, loops)))
      return signalPassFailure();
    // Inner loop first: peeling the outer one then copies both inner loops.
    for (scf::ForOp loop : llvm::reverse(loops)) {
      scf::ForOp rest;
      (void)scf::peelForLoopAndSimplifyBounds(rewriter, loop, rest);
    }
  }
  if (failed(makeTilesStatic()))
    return signalPassFailure();

  // What peeling left over has dynamic tiles: cut them into ones.
  for (linalg::GenericOp epilogue : marked(getOperation(), marks::epilogue)) {
    SmallVector<int64_t> ranges = epilogue.getStaticLoopRanges();
    SmallVector<int64_t> sizes(2, 0);
    for (auto [loop, extent] : llvm::enumerate(ranges))
      if (ShapedType::isDynamic(extent))
        sizes[loop] = 1;
    SmallVector<scf::ForOp> loops;
    if (llvm::any_of(sizes, [](int64_t size) { return size != 0; }) &&
        failed(tileEpilogue(rewriter, epilogue, sizes, loops)))
      return signalPassFailure();
  }
  if (failed(makeTilesStatic()))
    return signalPassFailure();

  for (linalg::GenericOp contraction :
       marked(getOperation(), marks::contraction))
    if (failed(tileReduction(rewriter, contraction)))
      return signalPassFailure();
  if (failed(makeTilesStatic()))
    return signalPassFailure();
}
