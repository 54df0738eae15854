//===- ReadContraction.cpp - The GEMM of a chain --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a linalg op with a reduction. Out: the loops t, h and d, what x and
// weight really are behind widening, transposes and reshapes, and the axes of
// the result. The body is read, never the name of the op: linalg.matmul,
// contract, batch_matmul and generic are one spelling here.
//
//===----------------------------------------------------------------------===//

#include "ReadContraction.h"

#include "indexer/Normalize/ElementwiseOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace indexer;

bool indexer::isCandidate(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumReductionLoops() == 0 ||
      op.getNumDpsInputs() < 2 || op->getNumResults() != 1)
    return false;
  return llvm::any_of(op.getBlock()->getOperations(), [](Operation &inner) {
    return isa<arith::MulFOp, arith::MulIOp>(inner) ||
           inner.getName().getStringRef() == "complex.mul";
  });
}

/// The body's value without the extf ops that widen it.
static Value stripExtensions(Value value, SmallVectorImpl<Operation *> &ops) {
  while (auto ext = value.getDefiningOp<arith::ExtFOp>()) {
    ops.insert(ops.begin(), ext);
    value = ext.getIn();
  }
  return value;
}

/// Looks through ops that move or widen the elements of `operand` and appends
/// the widening ops to `extensions`.
static void lookThrough(AxisTable &table, ChainOperand &operand,
                        SmallVectorImpl<Operation *> &extensions) {
  while (Operation *op = operand.tensor.getDefiningOp()) {
    if (isReshape(op)) {
      FailureOr<TensorAxes> dims = reshapeBackward(table, op, operand.dims);
      if (failed(dims))
        return;
      operand = {op->getOperand(0), *dims};
      continue;
    }
    FailureOr<ElementwiseOp> read = readElementwise(op);
    if (failed(read) || read->operands.size() != 1 ||
        !isa<RankedTensorType>(read->operands[0].value.getType()))
      return;
    SmallVector<Operation *> widening;
    if (!read->body) {
      if (!isa<arith::ExtFOp>(op))
        return;
      widening.push_back(op);
    } else if (stripExtensions(read->yielded, widening) !=
               read->operands[0].argument) {
      return;
    }
    SmallVector<std::optional<DimAxes>> loops(read->numLoops());
    if (failed(assignLoops(read->resultMap, operand.dims, loops)))
      return;
    SmallVector<DimAxes> known;
    for (auto &loop : loops)
      known.push_back(loop.value_or(DimAxes()));
    FailureOr<TensorAxes> dims = readThrough(
        read->operands[0].map, read->operands[0].value.getType(), known);
    if (failed(dims))
      return;
    operand = {read->operands[0].value, *dims};
    extensions.insert(extensions.begin(), widening.begin(), widening.end());
  }
}

/// Records where the extents of the axes of `operand` can be read, preferring
/// the tensor that the fused op will read anyway.
static void recordExtents(AxisTable &table, const ChainOperand &operand) {
  for (auto [dim, axes] : llvm::enumerate(operand.dims))
    if (axes.size() == 1) {
      table[axes[0]].tensor = operand.tensor;
      table[axes[0]].dim = dim;
    }
}

std::optional<RefusalReason> indexer::readContraction(linalg::LinalgOp op,
                                                      HeadGateChain &chain,
                                                      TensorAxes &resultDims,
                                                      bool allowNarrowSum) {
  if (op.getNumDpsInputs() != 2 || op.getNumReductionLoops() != 1)
    return RefusalReason::NotAContraction;
  chain.contraction = op;
  chain.block = op->getBlock();

  for (Value value : op->getOperands())
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      if (type.getEncoding())
        return RefusalReason::EncodedTensor;

  // Types before the body: an integer GEMM has another body.
  OpOperand *inputs[2] = {op.getDpsInputOperand(0), op.getDpsInputOperand(1)};
  Type resultType = getElementTypeOrSelf(op->getResult(0).getType());
  for (OpOperand *input : inputs) {
    Type type = getElementTypeOrSelf(input->get().getType());
    if (!type.isBF16() && !type.isF16() && !type.isF32())
      return RefusalReason::UnsupportedElementType;
  }
  if (!isa<FloatType>(resultType) || resultType.getIntOrFloatBitWidth() > 32)
    return RefusalReason::UnsupportedElementType;
  bool isNarrow = resultType.isBF16() || resultType.isF16();
  if (!resultType.isF32() && !(isNarrow && allowNarrowSum))
    return RefusalReason::LowPrecisionAccumulation;

  // Body: sum + ext(a) * ext(b).
  Block *body = op.getBlock();
  Value oldSum = op.getMatchingBlockArgument(op.getDpsInitOperand(0));
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || (add.getLhs() != oldSum && add.getRhs() != oldSum))
    return RefusalReason::NotAContraction;
  Value product = add.getLhs() == oldSum ? add.getRhs() : add.getLhs();
  auto mul = product.getDefiningOp<arith::MulFOp>();
  if (!mul)
    return RefusalReason::NotAContraction;
  SmallVector<Operation *> extensions[2];
  Value first = stripExtensions(mul.getLhs(), extensions[0]);
  Value second = stripExtensions(mul.getRhs(), extensions[1]);
  bool swapped = false;
  if (first == op.getMatchingBlockArgument(inputs[1]) &&
      second == op.getMatchingBlockArgument(inputs[0])) {
    std::swap(extensions[0], extensions[1]);
    swapped = true;
  } else if (first != op.getMatchingBlockArgument(inputs[0]) ||
             second != op.getMatchingBlockArgument(inputs[1])) {
    return RefusalReason::NotAContraction;
  }
  if (!isZeroTensor(op.getDpsInitOperand(0)->get()))
    return RefusalReason::NonzeroInit;

  // One axis for each loop that is longer than 1.
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<DimAxes> loops(ranges.size());
  for (auto [loop, extent] : llvm::enumerate(ranges))
    if (extent != 1) {
      Axis axis;
      axis.extent = extent;
      loops[loop] = {chain.axes.add(axis)};
    }
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  ChainOperand operands[2];
  for (unsigned i : {0u, 1u}) {
    FailureOr<TensorAxes> dims =
        readThrough(maps[i], inputs[i]->get().getType(), loops);
    if (failed(dims) || !maps[i].isProjectedPermutation(true))
      return RefusalReason::NotAContraction;
    operands[i] = {inputs[i]->get(), *dims};
    recordExtents(chain.axes, operands[i]);
    lookThrough(chain.axes, operands[i], extensions[i]);
    recordExtents(chain.axes, operands[i]);
  }
  FailureOr<TensorAxes> dims =
      readThrough(maps[2], op->getResult(0).getType(), loops);
  if (failed(dims) || !maps[2].isProjectedPermutation(true))
    return RefusalReason::NotAContraction;
  resultDims = *dims;
  for (ChainOperand &operand : operands)
    chain.axes.resolve(operand.dims);

  // Which loop is what: tokens are in one operand, heads in the other. A weight
  // that is broadcast over a batch no longer has the batch's axis here.
  auto uses = [](const ChainOperand &operand, const DimAxes &axes) {
    return llvm::any_of(operand.dims, [&](const DimAxes &dim) {
      return llvm::any_of(
          dim, [&](unsigned axis) { return llvm::is_contained(axes, axis); });
    });
  };
  SmallVector<unsigned> only[2];
  for (unsigned loop = 0; loop < ranges.size(); ++loop) {
    chain.axes.resolve(loops[loop]);
    if (iterators[loop] == utils::IteratorType::reduction) {
      // The epilogue of a sum without terms would never be computed.
      if (ranges[loop] == 0)
        return RefusalReason::EmptyReduction;
      chain.dAxes = loops[loop];
      continue;
    }
    if (loops[loop].empty())
      continue;
    bool first = uses(operands[0], loops[loop]);
    bool second = uses(operands[1], loops[loop]);
    if (first && second)
      return RefusalReason::BatchedWeight;
    if (!first && !second)
      return RefusalReason::NotAContraction;
    only[second].push_back(loop);
  }
  // x is the operand with several token loops. With one each, it is the one
  // whose length is not known, and the first when both are.
  unsigned x = only[1].size() > std::max<size_t>(1, only[0].size()) ? 1 : 0;
  if (only[0].size() == 1 && only[1].size() == 1 &&
      !ShapedType::isDynamic(ranges[only[0][0]]) &&
      ShapedType::isDynamic(ranges[only[1][0]]))
    x = 1;
  if (only[1 - x].size() > 1)
    return RefusalReason::BatchedWeight;
  chain.lhs = operands[x];
  chain.rhs = operands[1 - x];
  chain.lhsExtensions = extensions[x];
  chain.rhsExtensions = extensions[1 - x];
  chain.swappedProduct = swapped != (x == 1);
  for (const DimAxes &axes : chain.lhs.dims)
    for (unsigned axis : axes)
      if (!llvm::is_contained(chain.dAxes, axis))
        chain.tAxes.push_back(axis);
  for (unsigned loop : only[1 - x])
    chain.hAxes.append(loops[loop]);
  for (const ChainOperand *operand : {&chain.lhs, &chain.rhs}) {
    Type type = getElementTypeOrSelf(operand->tensor.getType());
    if (!type.isBF16() && !type.isF16() && !type.isF32())
      return RefusalReason::UnsupportedElementType;
  }
  return std::nullopt;
}
