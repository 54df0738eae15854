//===- EraseChains.cpp - Remove what was fused ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: chains whose ends were replaced by fused ops. Out: their ops are gone,
// with what was computed for them alone. Whoever asks for an extent of an
// intermediate gets it from x, the weight or where the source took it from.
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/HeadGateChain.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace indexer;

OpFoldResult indexer::extentOf(const HeadGateChain &chain, const DimAxes &axes,
                               OpBuilder &builder, Location loc) {
  OpFoldResult extent = builder.getIndexAttr(1);
  for (unsigned number : axes) {
    const Axis &axis = chain.axes[number];
    OpFoldResult size = axis.size;
    if (!ShapedType::isDynamic(axis.extent))
      size = builder.getIndexAttr(axis.extent);
    else if (!size)
      size = tensor::getMixedSize(builder, loc, axis.tensor, axis.dim);
    if (isConstantIntValue(extent, 1)) {
      extent = size;
      continue;
    }
    extent = arith::MulIOp::create(
                 builder, loc,
                 getValueOrCreateConstantIndexOp(builder, loc, extent),
                 getValueOrCreateConstantIndexOp(builder, loc, size))
                 .getResult();
  }
  return extent;
}

/// Takes the run-time extents of the values of `chain` from elsewhere. An axis
/// of any chain may have its extent from such an op.
static void replaceDims(RewriterBase &rewriter, HeadGateChain &chain,
                        MutableArrayRef<HeadGateChain> chains) {
  for (const ChainLink &link : chain.links)
    for (Operation *user : llvm::make_early_inc_range(link.value.getUsers())) {
      auto dimOp = dyn_cast<tensor::DimOp>(user);
      if (!dimOp || !dimOp.getConstantIndex())
        continue;
      rewriter.setInsertionPoint(dimOp);
      Value extent = getValueOrCreateConstantIndexOp(
          rewriter, dimOp.getLoc(),
          extentOf(chain, link.dims[*dimOp.getConstantIndex()], rewriter,
                   dimOp.getLoc()));
      for (HeadGateChain &other : chains)
        for (unsigned axis = 0; axis < other.axes.size(); ++axis)
          if (other.axes[axis].size == OpFoldResult(dimOp.getResult()))
            other.axes[axis].size = extent;
      rewriter.replaceOp(dimOp, extent);
    }
}

void indexer::eraseChains(RewriterBase &rewriter,
                          MutableArrayRef<HeadGateChain> chains) {
  OpBuilder::InsertionGuard guard(rewriter);
  SmallVector<Operation *> work;
  for (HeadGateChain &chain : chains) {
    replaceDims(rewriter, chain, chains);
    for (const ChainLink &link : chain.links)
      work.push_back(link.value.getDefiningOp());
  }
  // The end of a chain first: an op is dead once its users are gone.
  llvm::SmallPtrSet<Operation *, 16> erased;
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (erased.contains(op) || !isOpTriviallyDead(op))
      continue;
    SmallVector<Operation *> definers;
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *def = operand.getDefiningOp();
            def && !op->isAncestor(def))
          definers.push_back(def);
    });
    erased.insert(op);
    rewriter.eraseOp(op);
    work.append(definers.rbegin(), definers.rend());
  }
}
