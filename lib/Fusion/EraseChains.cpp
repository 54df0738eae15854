//===- EraseChains.cpp - Remove what was fused ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: chains whose ends were replaced by fused ops. Out: their ops are gone,
// with what was computed for them alone. Whoever asks for an extent of an
// intermediate gets it from what the intermediate was made of.
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
    auto known = dyn_cast<Attribute>(extent), other = dyn_cast<Attribute>(size);
    if (known && other) {
      extent = builder.getIndexAttr(*getConstantIntValue(extent) *
                                    *getConstantIntValue(size));
      continue;
    }
    if (known && isConstantIntValue(extent, 1)) {
      extent = size;
      continue;
    }
    extent =
        arith::MulIOp::create(
            builder, loc, getValueOrCreateConstantIndexOp(builder, loc, extent),
            getValueOrCreateConstantIndexOp(builder, loc, size))
            .getResult();
  }
  return extent;
}

/// Dimension `dim` of the result of `op` without the result: from what `op` was
/// made of, which is defined before it. Null for ops that a chain does not
/// hold.
static OpFoldResult resultExtent(OpBuilder &builder, Operation *op,
                                 unsigned dim) {
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op)) {
    Value init = destination.getDpsInitOperand(0)->get();
    if (auto empty = init.getDefiningOp<tensor::EmptyOp>())
      return empty.getMixedSizes()[dim];
    return tensor::getMixedSize(builder, loc, init, dim);
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dim];
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Value extent = arith::ConstantIndexOp::create(builder, loc, 1);
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t source : group)
      extent = arith::MulIOp::create(
          builder, loc, extent,
          getValueOrCreateConstantIndexOp(
              builder, loc,
              tensor::getMixedSize(builder, loc, collapse.getSrc(), source)));
    return extent;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [index, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(index) && dim-- == 0)
        return size;
  }
  if (isa<tensor::CastOp>(op) || OpTrait::hasElementwiseMappableTraits(op))
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return tensor::getMixedSize(builder, loc, operand, dim);
  return {};
}

/// Frees `op` from ops that ask for its extents. False when something else
/// reads its results, or when it must stay. Adds the ops that it erases to
/// `erased`.
static bool isDeadBesideExtents(RewriterBase &rewriter, Operation *op,
                                llvm::SmallPtrSetImpl<Operation *> &erased) {
  if (isOpTriviallyDead(op))
    return true;
  if (!wouldOpBeTriviallyDead(op) || op->getNumResults() != 1 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return false;
  auto asksForExtent = [](Operation *user) {
    auto dimOp = dyn_cast<tensor::DimOp>(user);
    return dimOp && dimOp.getConstantIndex();
  };
  if (!llvm::all_of(op->getUsers(), asksForExtent))
    return false;
  for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
    rewriter.setInsertionPoint(user);
    OpFoldResult extent = resultExtent(
        rewriter, op, *cast<tensor::DimOp>(user).getConstantIndex());
    if (!extent)
      return false;
    erased.insert(user);
    rewriter.replaceOp(user, getValueOrCreateConstantIndexOp(
                                 rewriter, user->getLoc(), extent));
  }
  return true;
}

void indexer::eraseChains(RewriterBase &rewriter,
                          ArrayRef<HeadGateChain> chains) {
  OpBuilder::InsertionGuard guard(rewriter);
  SmallVector<Operation *> work;
  for (const HeadGateChain &chain : chains)
    for (const ChainLink &link : chain.links)
      work.push_back(link.value.getDefiningOp());
  // The end of a chain first: an op is dead once its users are gone.
  llvm::SmallPtrSet<Operation *, 16> erased;
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (erased.contains(op) || !isDeadBesideExtents(rewriter, op, erased))
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
