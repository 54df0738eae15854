//===- DynamicShared.h - Dynamic shared memory of a kernel ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of shared memory whose size the launch gives: all beyond 48 KB.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_DYNAMICSHARED_H
#define INDEXER_CODEGEN_GPU_DYNAMICSHARED_H

#include "indexer/Codegen/GPU/KernelBuilder.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace indexer {

/// Adds the dynamic shared memory `<kernel>_<name>` and returns its first
/// address (!llvm.ptr<3>) that is a multiple of `alignment`, a power of two.
/// The alignment is computed: the launch only guarantees 16 bytes. It takes up
/// to `alignment` bytes of what is launched with.
mlir::Value addDynamicShared(KernelBuilder &kernel, mlir::gpu::GPUFuncOp func,
                             llvm::StringRef name, int64_t alignment);

/// Address `offset` (i32) bytes behind `address`.
mlir::Value sharedByte(KernelBuilder &kernel, mlir::Value address,
                       mlir::Value offset);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_DYNAMICSHARED_H
