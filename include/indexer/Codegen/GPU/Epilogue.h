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
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_EPILOGUE_H
#define INDEXER_CODEGEN_GPU_EPILOGUE_H

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/KernelBuilder.h"

namespace indexer {

/// Loads the operands of the epilogue at `t`, `h` (i64, inside the extents).
llvm::SmallVector<mlir::Value> loadEpilogueOperands(KernelBuilder &kernel,
                                                    const KernelArguments &args,
                                                    mlir::Value t,
                                                    mlir::Value h);

/// The gate: the epilogue of `fused`, run on the whole sum.
mlir::Value finishSum(KernelBuilder &kernel, const FusedOp &fused,
                      const KernelArguments &args, mlir::Value sum,
                      mlir::ValueRange operands);

/// Stores the gate of a whole sum at `t`, `h`.
void storeGate(KernelBuilder &kernel, const FusedOp &fused,
               const KernelArguments &args, mlir::Value sum,
               mlir::ValueRange operands, mlir::Value t, mlir::Value h);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_EPILOGUE_H
