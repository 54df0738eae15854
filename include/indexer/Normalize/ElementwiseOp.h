//===- ElementwiseOp.h - One spelling for elementwise ops -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Frontends spell one elementwise op in many ways: a named linalg op, a
// linalg.generic, map, transpose or broadcast, an arith op on tensors. This
// reads each of them as the same thing, without rewriting anything:
//
//   for every point of the loops:
//     result[resultMap] = body(operand0[map0], operand1[map1], ...)
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_NORMALIZE_ELEMENTWISEOP_H
#define INDEXER_NORMALIZE_ELEMENTWISEOP_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Operation.h"

namespace indexer {

/// An operand of an elementwise op: tensor or scalar.
struct ElementwiseOperand {
  mlir::Value value;
  /// From the loops to the operand's indices; no results for a scalar.
  mlir::AffineMap map;
  /// What stands for the element inside the body; null when `body` is null.
  mlir::BlockArgument argument;
};

/// An op read as loops, maps and a scalar body.
struct ElementwiseOp {
  mlir::Operation *op = nullptr;
  llvm::SmallVector<ElementwiseOperand> operands;
  mlir::AffineMap resultMap;
  /// Body of a linalg op. Null for an arith op on tensors, which is itself the
  /// scalar op (operand i of the op is operand i here).
  mlir::Block *body = nullptr;
  /// The value that the body yields; null when `body` is null.
  mlir::Value yielded;

  /// Number of loops, all parallel.
  unsigned numLoops() const { return resultMap.getNumDims(); }
};

/// Reads `op`, or fails when it is not elementwise: several results, a
/// reduction, a result that is not written whole, a body that uses the
/// destination's old value, linalg.index, or an op with side effects, regions
/// or operands that are no scalars. Maps may hold constants (unit dimensions).
mlir::FailureOr<ElementwiseOp> readElementwise(mlir::Operation *op);

/// True when every element of `value` is known to be +0.0: a constant, a splat
/// or a fill in any spelling, possibly reshaped.
bool isZeroTensor(mlir::Value value);

} // namespace indexer

#endif // INDEXER_NORMALIZE_ELEMENTWISEOP_H
