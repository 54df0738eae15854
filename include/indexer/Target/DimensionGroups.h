//===- DimensionGroups.h - Reshapes composed into a binding -----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reshape chain between an entry argument and a kernel operand, composed into
// the groups of runtime::TensorBinding. Pure functions on shapes.
//
//   arg [B, S, E] --collapse [[0, 1], [2]]--> operand [T, E]
//   groups {{0, 1}, {2}}
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_DIMENSIONGROUPS_H
#define INDEXER_TARGET_DIMENSIONGROUPS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include <vector>

namespace indexer {

/// For each dimension of a kernel operand, the dimensions of another tensor
/// that it runs over, outermost first. A dimension of that tensor in no group
/// has extent 1.
using DimensionGroups = std::vector<std::vector<unsigned>>;

/// Every dimension of a tensor of rank `rank` runs over itself.
DimensionGroups identityGroups(unsigned rank);

/// Groups over a tensor, rewritten over the tensor that it is collapsed from:
/// dimension j becomes the dimensions `reassociation[j]` of `source`. Static
/// unit dimensions vanish from groups with other members.
void composeSplit(DimensionGroups &groups,
                  llvm::ArrayRef<mlir::ReassociationIndices> reassociation,
                  mlir::ShapedType source);

/// Groups over tensor `expanded`, rewritten over the tensor that it is expanded
/// from: the dimensions `reassociation[k]` become dimension k. Fails when a
/// dimension would be cut: more than one of its parts has an extent other than
/// 1, and they are not all in one group, adjacent and in order.
mlir::LogicalResult
composeMerge(DimensionGroups &groups,
             llvm::ArrayRef<mlir::ReassociationIndices> reassociation,
             mlir::ShapedType expanded);

/// True for tensor.collapse_shape, expand_shape, and a cast between ranked
/// tensors.
bool isFreeReshape(mlir::Operation *op);

/// Composes `groups` over the result of reshape `op` into groups over its
/// source (towards an argument).
mlir::LogicalResult composeTowardsSource(mlir::Operation *op,
                                         DimensionGroups &groups);

/// Composes `groups` over the source of reshape `op` into groups over its
/// result (towards a returned value).
mlir::LogicalResult composeTowardsResult(mlir::Operation *op,
                                         DimensionGroups &groups);

} // namespace indexer

#endif // INDEXER_TARGET_DIMENSIONGROUPS_H
