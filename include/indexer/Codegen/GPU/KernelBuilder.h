//===- KernelBuilder.h - Ops of a kernel body -------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A builder with its location, and the arithmetic that every kernel needs.
// Thread numbers are i32, offsets and extents in global memory i64.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_KERNELBUILDER_H
#define INDEXER_CODEGEN_GPU_KERNELBUILDER_H

#include "mlir/IR/Builders.h"

namespace indexer {

/// Emits ops at the insertion point of a builder. Constant operands are folded.
class KernelBuilder {
public:
  KernelBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value i32(int64_t value);
  mlir::Value i64(int64_t value);

  /// Operands of one type; division and remainder are unsigned.
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value multiply(mlir::Value a, mlir::Value b);
  mlir::Value divide(mlir::Value a, int64_t divisor);
  mlir::Value remainder(mlir::Value a, int64_t divisor);
  mlir::Value minimum(mlir::Value a, mlir::Value b);
  mlir::Value lessThan(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  /// `a` plus or times a constant.
  mlir::Value add(mlir::Value a, int64_t b);
  mlir::Value multiply(mlir::Value a, int64_t b);

  /// An i32 that is not negative, as i64.
  mlir::Value widen(mlir::Value value);

  /// Number of this thread in its CTA, and of this CTA along x or y; i32.
  mlir::Value threadNumber();
  mlir::Value blockNumber(unsigned dimension);

  /// Emits what `emit` emits under `condition` (i1); at once when it is null.
  void ifTrue(mlir::Value condition, llvm::function_ref<void()> emit);

  /// The f32 sum of `terms` by four interleaved chains, which are then added
  /// pairwise: short, and in an order that never changes.
  mlir::Value sum(mlir::ArrayRef<mlir::Value> terms);
  /// The f32 sum of `terms`, neighbours first: ((0 + 1) + (2 + 3)) + ... With a
  /// power of two of terms it is also the sum of the sums of equal runs of
  /// them, whose number is a power of two.
  mlir::Value sumPairs(mlir::ArrayRef<mlir::Value> terms);

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  /// A constant of the type of `like`.
  mlir::Value constantLike(mlir::Value like, int64_t value);
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_KERNELBUILDER_H
