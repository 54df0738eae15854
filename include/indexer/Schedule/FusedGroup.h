//===- FusedGroup.h - Fused ops that one kernel computes --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A merged weight has the rows of several fused ops, such as those of the keys
// and of the gate. The ops read the same x, so that one kernel computes all of
// them and reads x once:
//
//   %wk = tensor.extract_slice %w[0, 0] [128, 7168] [1, 1]
//   %wg = tensor.extract_slice %w[128, 0] [64, 7168] [1, 1]
//   %keys:2 = linalg.generic ins(%x, %wk) ... {indexer.group = 0}
//   %gate:2 = linalg.generic ins(%x, %wg, %q) ... {indexer.group = 0}
//
// To a schedule they are one op with the heads of all of them.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_FUSEDGROUP_H
#define INDEXER_SCHEDULE_FUSEDGROUP_H

#include "indexer/Fusion/FusedOp.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace indexer {

/// The dimension of the weight of `fused` that runs over h.
unsigned headDimension(const FusedOp &fused);

/// The fused ops of one kernel: a fused op by itself, or several whose weights
/// are rows of one tensor, one behind the other. It only points into the ops.
struct FusedGroup {
  /// In the order of their heads; never empty.
  mlir::SmallVector<FusedOp, 2> ops;
  /// The first head of each op, among the heads of the group.
  mlir::SmallVector<int64_t, 2> firstHeads;
  /// The tensor with the rows of the weights; of a single op its weight.
  mlir::Value weight;
  /// The row of `weight` that is head 0; of a single op 0.
  int64_t firstRow = 0;

  /// The op whose x, contraction and types are those of all.
  const FusedOp &front() const { return ops.front(); }
  bool isSingle() const { return ops.size() == 1; }
  /// Static extents of t, of all heads, and of d; ShapedType::kDynamic where
  /// unknown, which of several ops only t can be.
  mlir::SmallVector<int64_t, 3> extents() const;
  /// The type of `weight` with the rows of the group alone.
  mlir::RankedTensorType weightType() const;
  /// What a kernel takes, in order: x, the weight, the other inputs of the
  /// ops, the scalars that are no constants. `isConstant` says which are.
  mlir::SmallVector<mlir::Value>
  arguments(llvm::function_ref<bool(mlir::Value)> isConstant) const;

  /// Reads one or more ops as a group. Fails when they are none; then `why`,
  /// if given, says what is missing. All ops are in one block; whether one
  /// depends on another is not looked at.
  static mlir::FailureOr<FusedGroup>
  read(llvm::ArrayRef<mlir::linalg::GenericOp> ops, std::string *why = nullptr);
};

/// The ops of `func` that `isWanted` accepts, in order: those with the same
/// `indexer.group` together, at the place of their first, any other by itself.
mlir::SmallVector<mlir::SmallVector<mlir::linalg::GenericOp>>
collectGroups(mlir::func::FuncOp func,
              llvm::function_ref<bool(mlir::linalg::GenericOp)> isWanted);

} // namespace indexer

#endif // INDEXER_SCHEDULE_FUSEDGROUP_H
