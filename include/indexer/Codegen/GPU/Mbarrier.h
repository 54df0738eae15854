//===- Mbarrier.h - Barriers in shared memory -------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_MBARRIER_H
#define INDEXER_CODEGEN_GPU_MBARRIER_H

#include "indexer/Codegen/GPU/KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace indexer {

/// Waits until the phase of parity `parity` (i32) of the mbarrier `barrier`
/// (!llvm.ptr<3>) is complete. The waiting thread then sees what threads of
/// `scope` had written before they arrived, and what was copied.
void waitForPhase(KernelBuilder &kernel, mlir::Value barrier,
                  mlir::Value parity, mlir::NVVM::MemScopeKind scope);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_MBARRIER_H
