//===- Pipelines.h - Names and orders of passes -----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_PIPELINES_PIPELINES_H
#define INDEXER_PIPELINES_PIPELINES_H

#include "indexer/Codegen/GPU/Passes.h"
#include "indexer/Fusion/Passes.h"
#include "indexer/Schedule/Passes.h"

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace indexer {

/// Registers every pass of ours, each under its own flag.
void registerPasses();

/// --indexer-fuse: frontend linalg on tensors -> fused ops (FusedOp.h), and one
/// elementwise op for each chain of scales without a GEMM.
void buildFusePipeline(mlir::OpPassManager &pm,
                       const FuseHeadGateOptions &options = {});

/// --indexer-to-cpu: any module on tensors, fused or not -> LLVM dialect that
/// LLVM's JIT or a stock mlir-runner executes. Tensors at function boundaries
/// become contiguous memrefs; returned ones are the caller's to free.
void buildToCPUPipeline(mlir::OpPassManager &pm);

/// --indexer-to-kernel: any earlier stage -> `gpu.module` with kernels for
/// the chip of `select`; each gate is a call of a private function with a C
/// interface. `generate` may leave kernels out.
void buildToKernelPipeline(mlir::OpPassManager &pm,
                           const SelectScheduleOptions &select,
                           const GenerateKernelsOptions &generate = {});

/// --indexer-to-nvvm: the same, kernels in the NVVM and LLVM dialects.
void buildToNVVMPipeline(mlir::OpPassManager &pm,
                         const SelectScheduleOptions &select);

/// Registers the pipelines that users type: --indexer-fuse,
/// --indexer-to-kernel, --indexer-to-nvvm, --indexer-to-cubin and
/// --indexer-to-cpu.
void registerPipelines();

/// Registers the dialects and interface implementations that the pipelines need
/// beside what a pass declares by itself.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace indexer

#endif // INDEXER_PIPELINES_PIPELINES_H
