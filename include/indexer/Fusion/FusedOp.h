//===- FusedOp.h - The fused op, read back ----------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fused op is a plain linalg.generic with two f32 results over the loops
// (t, h, d): the running sum over d, and the epilogue of that sum.
//
//   %r:2 = linalg.generic {indexing_maps = [(t,h,d)->(t,d), (t,h,d)->(h,d),
//                                           (t,h,d)->(t,h) ...],
//                          iterator_types = [parallel, parallel, reduction]}
//       ins(%x, %w, %q...) outs(%zero, %empty : f32, f32) {
//     s = addf(sum, mulf(extf x, extf w))       // contraction
//     g = mulf(mulf(mulf(s, %a), q), %b)        // epilogue of the running sum
//     linalg.yield s, g
//   }                                           // %r#1 is the gate
//
// Its value at %r#1 is the epilogue of the whole sum: the last step of d wins.
// Code generation never runs it as loops; it takes it apart with this reader.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_FUSION_FUSEDOP_H
#define INDEXER_FUSION_FUSEDOP_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

namespace indexer {

/// A fused op taken apart. It only points into the op and owns nothing.
///
/// Loops are always 0 = t (tokens), 1 = h (heads), 2 = d (hidden, reduced).
struct FusedOp {
  static constexpr unsigned tLoop = 0, hLoop = 1, dLoop = 2;

  mlir::linalg::GenericOp op;

  /// `x`, input 0: a map to (t, d) in some order; bf16, f16 or f32.
  mlir::Value lhs;
  /// `weight`, input 1: a map to (h, d) in some order; bf16, f16 or f32.
  mlir::Value rhs;
  /// Inputs 2...: operands of the epilogue, each a map to a projected
  /// permutation of (t, h): [T], [H], [T, H], [H, T]; any float type.
  mlir::SmallVector<mlir::OpOperand *> epilogueOperands;
  /// Scalars that the body takes from outside (block arguments or constants
  /// defined outside), in order of first use. Scalar constants are not
  /// isolated: a constant outside the body is one of these.
  llvm::SetVector<mlir::Value> scalars;
  /// Map of both results: (t, h) or (h, t).
  mlir::AffineMap resultMap;

  /// Body ops up to the new sum, in order. The last one is the add.
  mlir::SmallVector<mlir::Operation *> contraction;
  /// Body ops after it, in order: the epilogue.
  mlir::SmallVector<mlir::Operation *> epilogue;
  /// First yielded value: the new running sum (f32).
  mlir::Value sum;
  /// Second yielded value: the gate (f32).
  mlir::Value gate;

  /// The gate as a tensor: result 1.
  mlir::Value result() const;
  /// Input number `input` (0-based) and the affine map that reads it.
  mlir::AffineMap inputMap(unsigned input) const;
  /// Static extents of t, h, d; ShapedType::kDynamic where unknown.
  mlir::SmallVector<int64_t, 3> extents() const;

  /// Reads `op` back. Fails when it is not a fused op; then `why`, if given,
  /// says what is missing. Two results, zero-filled first destination, loops,
  /// maps, types and the single yield order are all checked.
  static mlir::FailureOr<FusedOp> read(mlir::linalg::GenericOp op,
                                       std::string *why = nullptr);
};

/// Clones the epilogue of `fused` at the builder's insertion point, in the
/// order of the source and without fast-math flags.
///
/// \param sum      the whole sum over d (f32, or a vector/tensor element of
/// it).
/// \param operands one value for each of `fused.epilogueOperands`, the element
///                 at this (t, h).
/// \returns the gate. `mapping` may pre-map `fused.scalars` to other values.
mlir::Value cloneEpilogue(mlir::OpBuilder &builder, const FusedOp &fused,
                          mlir::Value sum, mlir::ValueRange operands,
                          mlir::IRMapping &mapping);

/// Clones the contraction's body: the new sum from `sum`, `lhs` and `rhs`
/// elements, each of the operand's type or extended to the sum's already.
mlir::Value cloneContraction(mlir::OpBuilder &builder, const FusedOp &fused,
                             mlir::Value sum, mlir::Value lhs, mlir::Value rhs);

} // namespace indexer

#endif // INDEXER_FUSION_FUSEDOP_H
