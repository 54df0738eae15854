//===- BuildFusedOp.cpp - From a chain to the fused op --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pattern: mul(mul(unsqueeze(mul(matmul(x, w), a)), q), b)
//       -> expand_shape(generic(x, w, q) { sum; epilogue }#1)
//
//===----------------------------------------------------------------------===//

#include "ChainBuilder.h"

#include "indexer/Fusion/FusedOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace indexer;

namespace {

/// Builds one fused op.
struct FusedOpBuilder : ChainBuilder {
  using ChainBuilder::ChainBuilder;

  void sliceWeight();
  linalg::GenericOp build();
};

} // namespace

/// The rows of the weight that the chain uses, where it does not use all.
void FusedOpBuilder::sliceWeight() {
  if (!chain.rows)
    return;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, chain.rhs.tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
  unsigned row = chain.rows->dim;
  offsets[row] = rewriter.getIndexAttr(chain.rows->offset);
  sizes[row] = rewriter.getIndexAttr(chain.rows->size);
  chain.rhs.tensor = tensor::ExtractSliceOp::create(
      rewriter, loc, chain.rhs.tensor, offsets, sizes, strides);
}

linalg::GenericOp FusedOpBuilder::build() {
  sliceWeight();
  MLIRContext *context = rewriter.getContext();
  AffineExpr t = getAffineDimExpr(FusedOp::tLoop, context),
             h = getAffineDimExpr(FusedOp::hLoop, context),
             d = getAffineDimExpr(FusedOp::dLoop, context);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  // `axes` and `loops` in the order of the operand's dimensions.
  auto addInput = [&](const ChainOperand &operand, ArrayRef<DimAxes> axes,
                      ArrayRef<AffineExpr> loops) {
    inputs.push_back(reshapeTo(operand.tensor, operand.dims, axes));
    maps.push_back(AffineMap::get(3, 0, loops, context));
  };
  // True when `second` comes before `first` in `dims`.
  auto isReversed = [](const TensorAxes &dims, const DimAxes &first,
                       const DimAxes &second) {
    for (const DimAxes &axes : dims)
      if (!axes.empty())
        return !llvm::is_contained(first, axes.front()) && !second.empty();
    return false;
  };
  auto addMatrix = [&](const ChainOperand &operand, const DimAxes &rowAxes,
                       AffineExpr row, const DimAxes &columnAxes,
                       AffineExpr column) {
    if (isReversed(operand.dims, rowAxes, columnAxes) && !rowAxes.empty())
      addInput(operand, {columnAxes, rowAxes}, {column, row});
    else
      addInput(operand, {rowAxes, columnAxes}, {row, column});
  };
  addMatrix(chain.lhs, chain.tAxes, t, chain.dAxes, d);
  addMatrix(chain.rhs, chain.hAxes, h, chain.dAxes, d);
  for (const ChainOperand &operand : chain.operands) {
    bool hasT = false, hasH = false;
    for (const DimAxes &axes : operand.dims)
      for (unsigned axis : axes) {
        hasT |= llvm::is_contained(chain.tAxes, axis);
        hasH |= llvm::is_contained(chain.hAxes, axis);
      }
    if (hasT && hasH)
      addMatrix(operand, chain.tAxes, t, chain.hAxes, h);
    else if (hasT)
      addInput(operand, {chain.tAxes}, {t});
    else
      addInput(operand, {chain.hAxes}, {h});
  }

  // Destinations: the sum from zero, and the gate.
  auto extent = [&](unsigned input, AffineExpr loop) {
    for (auto [dim, expr] : llvm::enumerate(maps[input].getResults()))
      if (expr == loop)
        return tensor::getMixedSize(rewriter, loc, inputs[input], dim);
    llvm_unreachable("x holds t, weight holds h");
  };
  SmallVector<OpFoldResult> sizes = {extent(0, t), extent(1, h)};
  OpFoldResult tokens = sizes[0];
  SmallVector<AffineExpr> resultLoops = {t, h};
  if (chain.headsFirst) {
    std::swap(sizes[0], sizes[1]);
    std::swap(resultLoops[0], resultLoops[1]);
  }
  Type f32 = rewriter.getF32Type();
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, f32);
  Value zero =
      arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
  Value sum = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
  maps.append(2, AffineMap::get(3, 0, resultLoops, context));
  SmallVector<unsigned> order = sortNodes(chain);
  emitScalars(order);

  utils::IteratorType parallel = utils::IteratorType::parallel;
  auto fused = linalg::GenericOp::create(
      rewriter, loc, TypeRange{empty.getType(), empty.getType()}, inputs,
      ValueRange{sum, empty}, maps,
      {parallel, parallel, utils::IteratorType::reduction},
      [&](OpBuilder &body, Location, ValueRange args) {
        auto widen = [&](Value value, ArrayRef<Operation *> extensions) {
          for (Operation *op : extensions)
            value = arith::ExtFOp::create(
                body, op->getLoc(),
                getElementTypeOrSelf(op->getResult(0).getType()), value);
          // A GEMM that accumulated in less than f32 did not widen them.
          if (!value.getType().isF32())
            value = arith::ExtFOp::create(body, loc, f32, value);
          return value;
        };
        Value x = widen(args[0], chain.lhsExtensions);
        Value w = widen(args[1], chain.rhsExtensions);
        if (chain.swappedProduct)
          std::swap(x, w);
        Value product = arith::MulFOp::create(body, loc, x, w);
        Value newSum =
            arith::AddFOp::create(body, loc, args[inputs.size()], product);
        Value gate = emitEpilogue(body, order, newSum,
                                  args.slice(2, chain.operands.size()));
        linalg::YieldOp::create(body, loc, ValueRange{newSum, gate});
      });
  TensorAxes dims = {chain.tAxes, chain.hAxes};
  if (chain.headsFirst)
    std::swap(dims[0], dims[1]);
  replaceLast(restoreShape(fused.getResult(1), dims, {{chain.tAxes, tokens}}));
  return fused;
}

linalg::GenericOp indexer::buildFusedOp(RewriterBase &rewriter,
                                        HeadGateChain &chain) {
  return FusedOpBuilder(rewriter, chain).build();
}
