//===- BlockReduction.h - Sum of the threads of a CTA -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums f32 values over the threads of a CTA in an order that never changes: a
// butterfly over the lanes of each warp (distances 16, 8, 4, 2, 1; every lane
// gets the same bits, because addition commutes), then the warps through shared
// memory in the order of KernelBuilder::sum.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_BLOCKREDUCTION_H
#define INDEXER_CODEGEN_GPU_BLOCKREDUCTION_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Builders.h"

namespace indexer {

/// The reduction of one kernel: `outputs` values of each of `warps` warps.
class BlockReduction {
public:
  /// Gives `kernel` a workgroup buffer of warps x outputs f32.
  BlockReduction(mlir::gpu::GPUFuncOp kernel, int64_t warps, int64_t outputs);

  /// Reduces `values` (one f32 for each output) over the lanes, writes them to
  /// shared memory and waits for all warps. `thread` is the i64 thread number;
  /// all threads call this together.
  void deposit(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value thread,
               mlir::ValueRange values);

  /// The sum of output `output` (i32 or i64) over all warps; any thread may
  /// ask, after deposit().
  mlir::Value collect(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value output);

private:
  int64_t warps;
  mlir::Value buffer;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_BLOCKREDUCTION_H
