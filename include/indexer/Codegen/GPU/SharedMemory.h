//===- SharedMemory.h - Static shared memory of a kernel --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Static shared variables as llvm.mlir.global ops beside the kernel: barriers
// and vectors are addressed as pointers, which a memref does not give.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_SHAREDMEMORY_H
#define INDEXER_CODEGEN_GPU_SHAREDMEMORY_H

#include "indexer/Codegen/GPU/KernelBuilder.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace indexer {

/// Adds the shared variable `<kernel>_<name>` of `type`, aligned to `alignment`
/// bytes, and returns its address (!llvm.ptr<3>) in the kernel.
mlir::Value addSharedVariable(KernelBuilder &kernel, mlir::gpu::GPUFuncOp func,
                              llvm::StringRef name, mlir::Type type,
                              int64_t alignment);

/// Address of f32 element `index` (i32) behind `base`.
mlir::Value sharedElement(KernelBuilder &kernel, mlir::Value base,
                          mlir::Value index);

/// Loads `width` (1, 2 or 4) consecutive f32 elements, aligned to all of them.
llvm::SmallVector<mlir::Value> loadShared(KernelBuilder &kernel,
                                          mlir::Value address, int64_t width);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_SHAREDMEMORY_H
