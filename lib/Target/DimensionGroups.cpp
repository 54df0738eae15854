//===- DimensionGroups.cpp - Reshapes composed into a binding -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both directions need the same two steps. A collapse seen from its result, and
// an expand seen from its source, split a dimension into several
// (composeSplit); the other two merge several into one (composeMerge). Only a
// merge can fail.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/DimensionGroups.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace indexer {

DimensionGroups identityGroups(unsigned rank) {
  DimensionGroups groups(rank);
  for (unsigned dim = 0; dim < rank; ++dim)
    groups[dim] = {dim};
  return groups;
}

/// Erases the static unit dimensions of `type` from groups; a group of nothing
/// else keeps one.
static void dropUnits(DimensionGroups &groups, ShapedType type) {
  for (std::vector<unsigned> &group : groups) {
    auto isUnit = [&](unsigned dim) { return type.getDimSize(dim) == 1; };
    if (group.empty())
      continue;
    if (llvm::all_of(group, isUnit))
      group.resize(1);
    else
      llvm::erase_if(group, isUnit);
  }
}

void composeSplit(DimensionGroups &groups,
                  ArrayRef<ReassociationIndices> reassociation,
                  ShapedType source) {
  for (std::vector<unsigned> &group : groups) {
    std::vector<unsigned> split;
    for (unsigned dim : group)
      split.insert(split.end(), reassociation[dim].begin(),
                   reassociation[dim].end());
    group = std::move(split);
  }
  dropUnits(groups, source);
}

LogicalResult composeMerge(DimensionGroups &groups,
                           ArrayRef<ReassociationIndices> reassociation,
                           ShapedType expanded) {
  // The expanded dimensions that are more than 1, and of which dimension.
  SmallVector<SmallVector<unsigned>> parts(reassociation.size());
  SmallVector<unsigned> whole(expanded.getRank(), 0);
  for (auto [dim, pieces] : llvm::enumerate(reassociation))
    for (int64_t piece : pieces) {
      whole[piece] = dim;
      if (expanded.getDimSize(piece) != 1)
        parts[dim].push_back(piece);
    }

  for (std::vector<unsigned> &group : groups) {
    std::vector<unsigned> merged;
    ArrayRef<unsigned> rest(group);
    while (!rest.empty()) {
      unsigned dim = whole[rest.front()];
      ArrayRef<unsigned> needed = parts[dim];
      if (expanded.getDimSize(rest.front()) == 1) {
        // A unit part stands for its dimension only where all of them are.
        if (needed.empty() && !llvm::is_contained(merged, dim))
          merged.push_back(dim);
        rest = rest.drop_front();
        continue;
      }
      // Unit parts in between do not disturb the order.
      for (unsigned part : needed) {
        while (!rest.empty() && expanded.getDimSize(rest.front()) == 1)
          rest = rest.drop_front();
        if (rest.empty() || rest.front() != part)
          return failure();
        rest = rest.drop_front();
      }
      merged.push_back(dim);
    }
    group = std::move(merged);
  }
  return success();
}

bool isFreeReshape(Operation *op) {
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return isa<RankedTensorType>(cast.getSource().getType()) &&
           isa<RankedTensorType>(cast.getType());
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
}

LogicalResult composeTowardsSource(Operation *op, DimensionGroups &groups) {
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    composeSplit(groups, collapse.getReassociationIndices(),
                 collapse.getSrcType());
  else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return composeMerge(groups, expand.getReassociationIndices(),
                        expand.getResultType());
  return success();
}

LogicalResult composeTowardsResult(Operation *op, DimensionGroups &groups) {
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    composeSplit(groups, expand.getReassociationIndices(),
                 expand.getResultType());
  else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return composeMerge(groups, collapse.getReassociationIndices(),
                        collapse.getSrcType());
  return success();
}

} // namespace indexer
