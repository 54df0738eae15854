//===- Axes.cpp - Dimensions followed through reshapes --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Normalize/Axes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace indexer;

unsigned AxisTable::add(Axis axis) {
  axes.push_back(axis);
  parts.emplace_back();
  return axes.size() - 1;
}

void AxisTable::truncate(unsigned size) {
  axes.truncate(size);
  parts.truncate(size);
  // The parts of an axis are younger than the axis, and of one age.
  for (DimAxes &cut : parts)
    if (!cut.empty() && cut.front() >= size)
      cut.clear();
}

bool AxisTable::isExtent(unsigned axis, OpFoldResult extent) const {
  if (!extent)
    return false;
  const Axis &known = axes[axis];
  if (!ShapedType::isDynamic(known.extent))
    return isConstantIntValue(extent, known.extent);
  if (known.size && known.size == extent)
    return true;
  auto value = dyn_cast<Value>(extent);
  auto dimOp = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  return dimOp && known.tensor && dimOp.getSource() == known.tensor &&
         dimOp.getConstantIndex() == std::optional<int64_t>(known.dim);
}

void AxisTable::resolve(DimAxes &dims) const {
  DimAxes resolved;
  // Parts may have been cut again: a stack keeps their order.
  SmallVector<unsigned> stack(llvm::reverse(dims));
  while (!stack.empty()) {
    unsigned axis = stack.pop_back_val();
    if (parts[axis].empty())
      resolved.push_back(axis);
    else
      stack.append(parts[axis].rbegin(), parts[axis].rend());
  }
  dims = resolved;
}

void AxisTable::resolve(TensorAxes &dims) const {
  for (DimAxes &dim : dims)
    resolve(dim);
}

FailureOr<TensorAxes> AxisTable::expand(const DimAxes &source,
                                        ArrayRef<int64_t> shape,
                                        ArrayRef<OpFoldResult> sizes) {
  DimAxes from = source;
  resolve(from);
  TensorAxes to(shape.size());
  SmallVector<unsigned> wide;
  for (auto [dim, extent] : llvm::enumerate(shape))
    if (extent != 1)
      wide.push_back(dim);
  if (wide.empty()) {
    if (!from.empty())
      return failure();
    return to;
  }
  if (wide.size() == 1) {
    to[wide.front()] = from;
    return to;
  }
  // Undoing a collapse: one axis a dimension, extents known to agree. Two
  // unknown extents could be shared out in another way.
  if (from.size() == wide.size()) {
    unsigned unknown = 0;
    for (auto [dim, axis] : llvm::zip(wide, from)) {
      int64_t extent = axes[axis].extent;
      if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(shape[dim]))
        unknown += !isExtent(axis, sizes[dim]);
      else if (extent != shape[dim])
        return failure();
      to[dim] = {axis};
    }
    if (unknown > 1)
      return failure();
    return to;
  }
  if (from.size() != 1)
    return failure();
  // Cut the axis.
  DimAxes cut;
  for (unsigned dim : wide) {
    unsigned part = add({shape[dim], sizes[dim], {}, 0});
    to[dim] = {part};
    cut.push_back(part);
  }
  parts[from.front()] = cut;
  return to;
}

/// True when `slice` takes its whole source: it can only drop unit dimensions.
static bool takesAll(tensor::ExtractSliceOp slice) {
  if (!slice.hasUnitStride() ||
      !llvm::all_of(slice.getMixedOffsets(),
                    [](OpFoldResult o) { return isConstantIntValue(o, 0); }))
    return false;
  for (auto [dim, size] : llvm::enumerate(slice.getMixedSizes())) {
    int64_t extent = slice.getSourceType().getDimSize(dim);
    if (!ShapedType::isDynamic(extent)) {
      if (!isConstantIntValue(size, extent))
        return false;
      continue;
    }
    auto value = dyn_cast<Value>(size);
    auto dimOp = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    if (!dimOp || dimOp.getSource() != slice.getSource() ||
        dimOp.getConstantIndex() != std::optional<int64_t>(dim))
      return false;
  }
  return true;
}

bool indexer::isReshape(Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return takesAll(slice);
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
      op);
}

FailureOr<TensorAxes> indexer::reshapeForward(AxisTable &table, Operation *op,
                                              const TensorAxes &source) {
  TensorAxes result;
  if (isa<tensor::CastOp>(op))
    return source;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [dim, axes] : llvm::enumerate(source))
      if (!dropped.test(dim))
        result.push_back(axes);
    return result;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    for (ReassociationIndicesRef group : collapse.getReassociationIndices()) {
      DimAxes &axes = result.emplace_back();
      for (int64_t dim : group)
        axes.append(source[dim]);
    }
    return result;
  }
  auto expand = cast<tensor::ExpandShapeOp>(op);
  ArrayRef<int64_t> shape = expand.getResultType().getShape();
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  for (auto [dim, group] : llvm::enumerate(expand.getReassociationIndices())) {
    auto first = group.front();
    FailureOr<TensorAxes> dims =
        table.expand(source[dim], shape.slice(first, group.size()),
                     ArrayRef(sizes).slice(first, group.size()));
    if (failed(dims))
      return failure();
    result.append(*dims);
  }
  return result;
}

FailureOr<TensorAxes> indexer::reshapeBackward(AxisTable &table, Operation *op,
                                               const TensorAxes &result) {
  TensorAxes source;
  if (isa<tensor::CastOp>(op))
    return result;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    unsigned next = 0;
    for (int64_t dim : llvm::seq(slice.getSourceType().getRank()))
      source.push_back(dropped.test(dim) ? DimAxes() : result[next++]);
    return source;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (ReassociationIndicesRef group : expand.getReassociationIndices()) {
      DimAxes &axes = source.emplace_back();
      for (int64_t dim : group)
        axes.append(result[dim]);
    }
    return source;
  }
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  RankedTensorType type = collapse.getSrcType();
  // The source's run-time extents are not needed as values here: an axis that
  // has to be cut reads them from the source itself.
  for (auto [dim, group] :
       llvm::enumerate(collapse.getReassociationIndices())) {
    auto shape = type.getShape().slice(group.front(), group.size());
    SmallVector<OpFoldResult> sizes(group.size());
    for (auto [i, extent] : llvm::enumerate(shape))
      if (!ShapedType::isDynamic(extent))
        sizes[i] = Builder(op->getContext()).getIndexAttr(extent);
    FailureOr<TensorAxes> dims = table.expand(result[dim], shape, sizes);
    if (failed(dims))
      return failure();
    for (auto [i, axes] : llvm::enumerate(*dims))
      if (axes.size() == 1 && !table[axes[0]].size && !table[axes[0]].tensor) {
        table[axes[0]].tensor = collapse.getSrc();
        table[axes[0]].dim = group.front() + i;
      }
    source.append(*dims);
  }
  return source;
}

LogicalResult
indexer::assignLoops(AffineMap map, const TensorAxes &dims,
                     SmallVectorImpl<std::optional<DimAxes>> &loops) {
  for (auto [expr, axes] : llvm::zip_equal(map.getResults(), dims)) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0 || !axes.empty())
        return failure();
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return failure();
    std::optional<DimAxes> &loop = loops[dim.getPosition()];
    if (loop && *loop != axes)
      return failure();
    loop = axes;
  }
  return success();
}

FailureOr<TensorAxes> indexer::readThrough(AffineMap map, Type type,
                                           ArrayRef<DimAxes> loops) {
  TensorAxes dims;
  llvm::SmallBitVector seen(map.getNumDims());
  for (auto [index, expr] : llvm::enumerate(map.getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0 ||
          cast<ShapedType>(type).getDimSize(index) != 1)
        return failure();
      dims.emplace_back();
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || seen.test(dim.getPosition()))
      return failure();
    seen.set(dim.getPosition());
    dims.push_back(loops[dim.getPosition()]);
  }
  return dims;
}
