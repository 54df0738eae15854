//===- CpAsyncWgmmaKernel.h - Many tokens on wgmma --------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_CPASYNCWGMMAKERNEL_H
#define INDEXER_CODEGEN_GPU_CPASYNCWGMMAKERNEL_H

#include "indexer/Codegen/GPU/LaunchMetadata.h"
#include "indexer/Schedule/FusedGroup.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace indexer {

/// Builds the kernel `name` of the family `cp_async_wgmma` for `group` in
/// `module`, and returns how it is launched. VerifySchedule has accepted
/// `schedule` for `group`.
KernelLaunchInfo buildCpAsyncWgmmaKernel(mlir::gpu::GPUModuleOp module,
                                         llvm::StringRef name,
                                         const FusedGroup &group,
                                         ScheduleAttr schedule);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_CPASYNCWGMMAKERNEL_H
