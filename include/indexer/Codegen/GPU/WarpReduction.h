//===- WarpReduction.h - Sum of the warps of a CTA --------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums mma accumulators over the warps of a CTA through shared memory. Outputs
// of a tile are numbered token by token, heads fastest. A token's heads are
// padded by 4, so that the threads of a warp, whose outputs lie 2 tokens apart,
// write to different banks.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_WARPREDUCTION_H
#define INDEXER_CODEGEN_GPU_WARPREDUCTION_H

#include "indexer/Codegen/GPU/MmaFragments.h"
#include "indexer/Codegen/GPU/SharedMemory.h"

namespace indexer {

/// The reduction of one kernel.
class WarpReduction {
public:
  /// Adds a buffer of `warps` x `tileT` x (`tileH` + 4) f32 to `func`.
  WarpReduction(KernelBuilder &kernel, mlir::gpu::GPUFuncOp func, int64_t warps,
                int64_t tileT, int64_t tileH);

  /// Writes the accumulators of this thread and waits for all warps.
  void deposit(KernelBuilder &kernel, const ThreadPosition &position,
               const MmaSums &sums);

  /// The sums of `width` (1, 2 or 4) outputs from `output` (i32, a multiple of
  /// `width`) on, warps in the order of KernelBuilder::sum; after deposit().
  llvm::SmallVector<mlir::Value> collect(KernelBuilder &kernel,
                                         mlir::Value output, int64_t width);

private:
  int64_t warps, tileT, tileH;
  mlir::Value buffer;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_WARPREDUCTION_H
