//===- ElementwiseOp.cpp - One spelling for elementwise ops ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Normalize/ElementwiseOp.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace indexer;

static bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

/// True when `map` writes each element of a tensor of type `type` once: each
/// loop is one dimension, and what is left has extent 1.
static bool writesAllOnce(AffineMap map, ShapedType type) {
  llvm::SmallBitVector seen(map.getNumDims());
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop) {
      if (!isa<AffineConstantExpr>(expr) || type.getDimSize(dim) != 1)
        return false;
      continue;
    }
    if (seen.test(loop.getPosition()))
      return false;
    seen.set(loop.getPosition());
  }
  return seen.all();
}

/// Reads a linalg op on tensors with one result.
static FailureOr<ElementwiseOp> readLinalg(linalg::LinalgOp op) {
  if (op->getNumResults() != 1 || op.getNumReductionLoops() != 0)
    return failure();
  Block *body = op.getBlock();
  if (!writesAllOnce(op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
                     cast<ShapedType>(op->getResult(0).getType())))
    return failure();
  if (!op.getMatchingBlockArgument(op.getDpsInitOperand(0)).use_empty())
    return failure();
  for (Operation &inner : body->without_terminator())
    if (inner.getNumRegions() != 0 || inner.getNumResults() != 1 ||
        !isPure(&inner) || isa<linalg::IndexOp>(inner) ||
        !llvm::all_of(inner.getOperandTypes(), isScalar))
      return failure();
  ElementwiseOp read;
  read.op = op;
  read.body = body;
  read.yielded = body->getTerminator()->getOperand(0);
  read.resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (OpOperand *input : op.getDpsInputOperands())
    read.operands.push_back({input->get(), op.getMatchingIndexingMap(input),
                             op.getMatchingBlockArgument(input)});
  return read;
}

/// Reads an elementwise op on whole tensors, such as arith.mulf.
static FailureOr<ElementwiseOp> readTensorOp(Operation *op) {
  if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1 ||
      op->getNumRegions() != 0 || !isPure(op))
    return failure();
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type)
    return failure();
  ElementwiseOp read;
  read.op = op;
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(type.getRank(), op->getContext());
  AffineMap scalar = AffineMap::get(type.getRank(), 0, op->getContext());
  read.resultMap = identity;
  for (Value operand : op->getOperands())
    read.operands.push_back(
        {operand, isa<ShapedType>(operand.getType()) ? identity : scalar, {}});
  return read;
}

FailureOr<ElementwiseOp> indexer::readElementwise(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!linalgOp.hasPureTensorSemantics())
      return failure();
    return readLinalg(linalgOp);
  }
  return readTensorOp(op);
}

bool indexer::isZeroTensor(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (matchPattern(value, m_PosZeroFloat()))
      return true;
    if (auto splat = dyn_cast<tensor::SplatOp>(op))
      return matchPattern(splat.getInput(), m_PosZeroFloat());
    if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
            tensor::ExtractSliceOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    if (auto fill = dyn_cast<linalg::FillOp>(op))
      return matchPattern(fill.getInputs()[0], m_PosZeroFloat());
    // A generalised fill: a generic that only yields its scalar.
    FailureOr<ElementwiseOp> read = readElementwise(op);
    if (failed(read) || !read->body)
      return false;
    Value yielded = read->yielded;
    for (const ElementwiseOperand &operand : read->operands)
      if (yielded == operand.argument &&
          !isa<ShapedType>(operand.value.getType()))
        yielded = operand.value;
    return matchPattern(yielded, m_PosZeroFloat());
  }
  return false;
}
