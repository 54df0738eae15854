//===- FusedOp.cpp - The fused op, read back ------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/FusedOp.h"

#include "indexer/Normalize/ElementwiseOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace indexer;

Value FusedOp::result() const { return linalg::GenericOp(op).getResult(1); }

AffineMap FusedOp::inputMap(unsigned input) const {
  return linalg::GenericOp(op).getIndexingMapsArray()[input];
}

SmallVector<int64_t, 3> FusedOp::extents() const {
  auto ranges = linalg::GenericOp(op).getStaticLoopRanges();
  return SmallVector<int64_t, 3>(ranges.begin(), ranges.end());
}

/// True when `map` is (a, b) or (b, a).
static bool isPermutationOf(AffineMap map, unsigned a, unsigned b) {
  if (map.getNumResults() != 2 || !map.isProjectedPermutation())
    return false;
  unsigned first = map.getDimPosition(0), second = map.getDimPosition(1);
  return (first == a && second == b) || (first == b && second == a);
}

static bool isOperandType(Type type) {
  return type.isBF16() || type.isF16() || type.isF32();
}

/// The input that `value` widens: `value` itself or the source of extf.
static Value stripExtension(Value value) {
  while (auto ext = value.getDefiningOp<arith::ExtFOp>())
    value = ext.getIn();
  return value;
}

FailureOr<FusedOp> FusedOp::read(linalg::GenericOp op, std::string *why) {
  auto refuse = [&](const char *reason) -> FailureOr<FusedOp> {
    if (why)
      *why = reason;
    return failure();
  };
  if (op.getNumDpsInits() != 2 || op.getNumDpsInputs() < 2 ||
      op->getNumResults() != 2)
    return refuse("expected two inputs or more and two tensor results");
  auto iterators = op.getIteratorTypesArray();
  if (iterators.size() != 3 ||
      iterators[tLoop] != utils::IteratorType::parallel ||
      iterators[hLoop] != utils::IteratorType::parallel ||
      iterators[dLoop] != utils::IteratorType::reduction)
    return refuse("expected the loops (t, h, d) = (parallel, parallel, "
                  "reduction)");
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!isPermutationOf(maps[0], tLoop, dLoop) ||
      !isPermutationOf(maps[1], hLoop, dLoop))
    return refuse("expected input 0 indexed by (t, d) and input 1 by (h, d)");
  AffineMap resultMap = maps[op.getNumDpsInputs()];
  if (!isPermutationOf(resultMap, tLoop, hLoop) || maps.back() != resultMap)
    return refuse("expected both results indexed by (t, h), in one order");
  for (Type type : op->getResultTypes())
    if (!cast<RankedTensorType>(type).getElementType().isF32())
      return refuse("expected f32 results");
  if (!isZeroTensor(op.getDpsInits()[0]))
    return refuse("expected the sum to start from linalg.fill with 0.0");

  FusedOp fused;
  fused.op = op;
  fused.lhs = op.getDpsInputs()[0];
  fused.rhs = op.getDpsInputs()[1];
  fused.resultMap = resultMap;
  for (Value operand : {fused.lhs, fused.rhs})
    if (!isOperandType(getElementTypeOrSelf(operand)))
      return refuse("expected bf16, f16 or f32 operands");
  for (unsigned input = 2; input < op.getNumDpsInputs(); ++input) {
    AffineMap map = maps[input];
    if (!map.isProjectedPermutation() || map.isFunctionOfDim(dLoop))
      return refuse("expected epilogue operands indexed by t and h alone");
    fused.epilogueOperands.push_back(op.getDpsInputOperand(input));
  }

  Block *body = op.getBody();
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  fused.sum = yield.getOperand(0);
  fused.gate = yield.getOperand(1);
  BlockArgument lhs = body->getArgument(0), rhs = body->getArgument(1);
  BlockArgument oldSum = body->getArgument(op.getNumDpsInputs());
  BlockArgument oldGate = body->getArgument(op.getNumDpsInputs() + 1);

  auto add = fused.sum.getDefiningOp<arith::AddFOp>();
  if (!add || add->getBlock() != body)
    return refuse("expected the first yielded value to be an arith.addf");
  Value product = add.getLhs() == oldSum ? add.getRhs() : add.getLhs();
  if (add.getLhs() != oldSum && add.getRhs() != oldSum)
    return refuse("expected the sum to be added to the first destination");
  auto mul = product.getDefiningOp<arith::MulFOp>();
  if (!mul || mul->getBlock() != body)
    return refuse("expected a product of the two operands");
  Value a = stripExtension(mul.getLhs()), b = stripExtension(mul.getRhs());
  if (!(a == lhs && b == rhs) && !(a == rhs && b == lhs))
    return refuse("expected a product of the two operands");

  // Whatever the sum needs is contraction, the rest is epilogue.
  llvm::SmallPtrSet<Operation *, 8> needed = {add, mul};
  for (Value operand : mul->getOperands())
    while (auto ext = operand.getDefiningOp<arith::ExtFOp>()) {
      needed.insert(ext);
      operand = ext.getIn();
    }
  for (Operation &bodyOp : body->without_terminator()) {
    if (needed.contains(&bodyOp)) {
      fused.contraction.push_back(&bodyOp);
      continue;
    }
    if (bodyOp.getNumRegions() != 0 || !isPure(&bodyOp) ||
        isa<linalg::IndexOp>(bodyOp))
      return refuse("expected a pure elementwise epilogue");
    fused.epilogue.push_back(&bodyOp);
  }
  auto useOf = [&](Value value) {
    if (value == lhs || value == rhs || value == oldSum || value == oldGate)
      return false;
    if (value.getParentBlock() != body)
      fused.scalars.insert(value);
    return value == fused.sum || !needed.contains(value.getDefiningOp());
  };
  for (Operation *bodyOp : fused.epilogue)
    for (Value operand : bodyOp->getOperands())
      if (!useOf(operand))
        return refuse("expected an epilogue of the whole sum and of operands "
                      "that do not depend on d");
  if (!useOf(fused.gate))
    return refuse("expected the second yielded value to come from the sum");
  return fused;
}

Value indexer::cloneEpilogue(OpBuilder &builder, const FusedOp &fused,
                             Value sum, ValueRange operands,
                             IRMapping &mapping) {
  assert(operands.size() == fused.epilogueOperands.size());
  linalg::GenericOp op = fused.op;
  mapping.map(fused.sum, sum);
  for (auto [operand, value] : llvm::zip(fused.epilogueOperands, operands))
    mapping.map(op.getMatchingBlockArgument(operand), value);
  for (Operation *bodyOp : fused.epilogue) {
    Operation *clone = builder.clone(*bodyOp, mapping);
    if (auto fastMath = dyn_cast<arith::ArithFastMathInterface>(clone))
      clone->setAttr(fastMath.getFastMathAttrName(),
                     arith::FastMathFlagsAttr::get(clone->getContext(),
                                                   arith::FastMathFlags::none));
  }
  return mapping.lookupOrDefault(fused.gate);
}

Value indexer::cloneContraction(OpBuilder &builder, const FusedOp &fused,
                                Value sum, Value lhs, Value rhs) {
  linalg::GenericOp op = fused.op;
  Block *body = op.getBody();
  IRMapping mapping;
  mapping.map(body->getArgument(0), lhs);
  mapping.map(body->getArgument(1), rhs);
  mapping.map(body->getArgument(op.getNumDpsInputs()), sum);
  // The product of two 16-bit floats is exact in f32, so that a fused
  // multiply-add gives the same bits as the two ops.
  bool exact = getElementTypeOrSelf(fused.lhs).getIntOrFloatBitWidth() == 16 &&
               getElementTypeOrSelf(fused.rhs).getIntOrFloatBitWidth() == 16;
  auto flags = arith::FastMathFlagsAttr::get(
      builder.getContext(),
      exact ? arith::FastMathFlags::contract : arith::FastMathFlags::none);
  for (Operation *bodyOp : fused.contraction) {
    if (auto extension = dyn_cast<arith::ExtFOp>(bodyOp)) {
      Value value = mapping.lookupOrDefault(extension.getIn());
      if (value.getType() == extension.getType()) {
        mapping.map(extension, value);
        continue;
      }
    }
    Operation *clone = builder.clone(*bodyOp, mapping);
    if (isa<arith::MulFOp, arith::AddFOp>(clone))
      clone->setAttr(
          cast<arith::ArithFastMathInterface>(clone).getFastMathAttrName(),
          flags);
  }
  return mapping.lookup(fused.sum);
}
