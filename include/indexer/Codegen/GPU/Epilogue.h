//===- Epilogue.h - From the sum to the stored gate -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every family does with a sum: load the operands of the epilogue at
// (t, h), clone the epilogue of the fused op, store the gate. Loading is apart,
// so that a kernel can do it while the operands of the sum are on their way.
// With several fused ops in a kernel, h decides which one's epilogue, operands
// and result they are.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_EPILOGUE_H
#define INDEXER_CODEGEN_GPU_EPILOGUE_H

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/KernelBuilder.h"

namespace indexer {

/// Emits `emit` with the number of the fused op of `group` that head `h` (any
/// integer) belongs to: once, or for each op under the condition that it is.
void forOpOfHead(KernelBuilder &kernel, const FusedGroup &group, mlir::Value h,
                 llvm::function_ref<void(size_t)> emit);

/// Loads the operands of the epilogues at `t`, `h` (i64, inside the extents).
/// Those of the fused ops that `h` does not belong to are zeros.
llvm::SmallVector<mlir::Value>
loadEpilogueOperands(KernelBuilder &kernel, const FusedGroup &group,
                     const KernelArguments &args, mlir::Value t, mlir::Value h);

/// A zero of the type of each of `operands`.
llvm::SmallVector<mlir::Value> zerosFor(KernelBuilder &kernel,
                                        llvm::ArrayRef<KernelOperand> operands);

/// The gate as it is stored: the epilogue of op `op` of `group`, run on the
/// whole sum. `operands` are those of all ops.
mlir::Value finishSum(KernelBuilder &kernel, const FusedGroup &group, size_t op,
                      const KernelArguments &args, mlir::Value sum,
                      mlir::ValueRange operands);

/// Address of the result of op `op` of `group` at `t`, `h` (i64); of another
/// op's head it is none.
mlir::Value resultAddress(KernelBuilder &kernel, const FusedGroup &group,
                          size_t op, const KernelArguments &args, mlir::Value t,
                          mlir::Value h);

/// Stores the gate of a whole sum at `t`, `h`.
void storeGate(KernelBuilder &kernel, const FusedGroup &group,
               const KernelArguments &args, mlir::Value sum,
               mlir::ValueRange operands, mlir::Value t, mlir::Value h);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_EPILOGUE_H
