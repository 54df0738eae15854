//===- DependentLaunch.h - Start before the end of another ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programmatic dependent launch. With `weights = static` a kernel starts while
// the one before it on the stream still runs, which may be writing x, the
// operands of the epilogue, or reading what this kernel stores. Loads of the
// weight come first, then the wait, then everything else. The kernel behind
// this one is let in at once: it waits in the same way, for all of this
// kernel's stores.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_DEPENDENTLAUNCH_H
#define INDEXER_CODEGEN_GPU_DEPENDENTLAUNCH_H

#include "indexer/Codegen/GPU/KernelBuilder.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"

namespace indexer {

/// Lets the next kernel on the stream start, when `schedule` says that kernels
/// start early.
void letNextKernelStart(KernelBuilder &kernel, ScheduleAttr schedule);

/// Waits for the end of the kernel before this one, in the same case.
void waitForPreviousKernel(KernelBuilder &kernel, ScheduleAttr schedule);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_DEPENDENTLAUNCH_H
