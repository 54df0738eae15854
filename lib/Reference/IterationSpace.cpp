//===- IterationSpace.cpp - Extents, order and strides of loops -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Extents come from the shapes of the operands: a loop has the extent of the
// dimensions that it alone indexes, and all of them must agree.
//
//===----------------------------------------------------------------------===//
#include "IterationSpace.h"
#include "mlir/IR/AffineExpr.h"

using namespace mlir;

namespace indexer::reference {

int64_t IterationSpace::outerSize() const {
  return sizeOf(ArrayRef(extents).take_front(numOuter));
}

int64_t IterationSpace::innerSize() const {
  return sizeOf(ArrayRef(extents).drop_front(numOuter));
}

/// Splits `expr` into a constant and a coefficient for each loop. False when it
/// is not linear. Expressions are walked with a worklist of (factor, expr).
static bool linearize(AffineExpr expr, SmallVectorImpl<int64_t> &coefficients,
                      int64_t &constant) {
  SmallVector<std::pair<int64_t, AffineExpr>> worklist = {{1, expr}};
  while (!worklist.empty()) {
    auto [factor, current] = worklist.pop_back_val();
    if (auto dim = dyn_cast<AffineDimExpr>(current)) {
      coefficients[dim.getPosition()] += factor;
      continue;
    }
    if (auto value = dyn_cast<AffineConstantExpr>(current)) {
      constant += factor * value.getValue();
      continue;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(current);
    if (!binary)
      return false;
    AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
    if (binary.getKind() == AffineExprKind::Add) {
      worklist.push_back({factor, lhs});
      worklist.push_back({factor, rhs});
      continue;
    }
    auto scale = dyn_cast<AffineConstantExpr>(rhs);
    if (binary.getKind() != AffineExprKind::Mul || !scale)
      return false;
    worklist.push_back({factor * scale.getValue(), lhs});
  }
  return true;
}

namespace {
/// An operand as the geometry sees it.
struct Access {
  ArrayRef<int64_t> shape;
  AffineMap map;
};
} // namespace

/// The extent of each loop, or failure with an error.
static FailureOr<SmallVector<int64_t>> findExtents(const LoopNest &nest,
                                                   ArrayRef<Access> accesses) {
  SmallVector<int64_t> extents(nest.iterators.size(), -1);
  for (const Access &access : accesses) {
    for (auto [extent, expr] :
         llvm::zip(access.shape, access.map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        continue;
      int64_t &known = extents[dim.getPosition()];
      if (known >= 0 && known != extent)
        return nest.op->emitError("loop ")
               << dim.getPosition() << " has extent " << known
               << " by one operand and " << extent << " by another";
      known = extent;
    }
  }
  for (auto [loop, extent] : llvm::enumerate(extents))
    if (extent < 0)
      return nest.op->emitError("no operand gives the extent of loop ") << loop;
  return extents;
}

/// Whether some result of `map` is the loop itself.
static bool isIndexedBy(AffineMap map, unsigned loop) {
  return llvm::any_of(map.getResults(), [&](AffineExpr expr) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    return dim && dim.getPosition() == loop;
  });
}

/// Orders the loops: outer ones first.
static void orderLoops(const LoopNest &nest, ArrayRef<int64_t> extents,
                       IterationSpace &space) {
  SmallVector<unsigned> inner;
  for (unsigned loop = 0; loop < nest.iterators.size(); ++loop) {
    bool isOuter = nest.iterators[loop] == utils::IteratorType::parallel &&
                   llvm::all_of(nest.outputs, [&](const LoopOutput &output) {
                     return isIndexedBy(output.map, loop);
                   });
    (isOuter ? space.loops : inner).push_back(loop);
  }
  space.numOuter = space.loops.size();
  for (unsigned loop : inner) {
    for (const LoopOutput &output : nest.outputs)
      space.heldOutputs &= !output.map.isFunctionOfDim(loop);
    space.loops.push_back(loop);
  }
  for (unsigned loop : space.loops)
    space.extents.push_back(extents[loop]);
}

/// Adds the offsets of one operand to `space`. Fails, with an error, when it
/// would leave the shape.
static LogicalResult addAccess(const LoopNest &nest, const Access &access,
                               ArrayRef<int64_t> extents,
                               IterationSpace &space) {
  bool isEmpty = llvm::is_contained(extents, 0);
  SmallVector<int64_t> strides(extents.size(), 0);
  int64_t base = 0, stride = 1;
  for (int64_t dim = int64_t(access.shape.size()) - 1; dim >= 0; --dim) {
    SmallVector<int64_t> coefficients(extents.size(), 0);
    int64_t constant = 0;
    if (!linearize(access.map.getResult(dim), coefficients, constant))
      return nest.op->emitError("the reference cannot interpret the indexing "
                                "map ")
             << AffineMapAttr::get(access.map)
             << ": a dimension is not a sum of multiples of loops";
    int64_t lowest = constant, highest = constant;
    for (auto [loop, coefficient] : llvm::enumerate(coefficients)) {
      strides[loop] += coefficient * stride;
      int64_t last = coefficient * (extents[loop] - 1);
      (last < 0 ? lowest : highest) += last;
    }
    if (!isEmpty && (lowest < 0 || highest >= access.shape[dim]))
      return nest.op->emitError("dimension ")
             << dim << " of an operand has extent " << access.shape[dim]
             << ", but is indexed from " << lowest << " to " << highest;
    base += constant * stride;
    stride *= access.shape[dim];
  }
  space.bases.push_back(base);
  space.increments.emplace_back();
  for (unsigned loop : space.loops)
    space.increments.back().push_back(strides[loop]);
  return success();
}

FailureOr<IterationSpace> makeIterationSpace(const LoopNest &nest) {
  SmallVector<Access> accesses;
  for (const LoopInput &input : nest.inputs) {
    auto *tensor = std::get_if<0>(&input.value);
    accesses.push_back(
        {tensor ? ArrayRef((*tensor)->shape) : ArrayRef<int64_t>(), input.map});
  }
  for (const LoopOutput &output : nest.outputs)
    accesses.push_back({output.init->shape, output.map});
  FailureOr<SmallVector<int64_t>> extents = findExtents(nest, accesses);
  if (failed(extents))
    return failure();
  IterationSpace space;
  orderLoops(nest, *extents, space);
  for (const Access &access : accesses)
    if (failed(addAccess(nest, access, *extents, space)))
      return failure();
  return space;
}

} // namespace indexer::reference
