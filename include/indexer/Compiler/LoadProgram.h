//===- LoadProgram.h - A program's kernels on a device ----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_COMPILER_LOADPROGRAM_H
#define INDEXER_COMPILER_LOADPROGRAM_H

#include "indexer-c/Runtime.h"
#include "indexer/Compiler/Program.h"

namespace indexer {

/// Loads the kernels of `program` on CUDA device `device`, for a first call
/// with `arguments`. Where the whole bundle is neither made nor in the cache,
/// `kernel` is there as soon as what that call needs is compiled; a thread
/// compiles the whole, and until that is there a call that needs more compiles
/// its own (BackgroundKernel).
IndexerStatus loadProgram(Program &program, int device,
                          llvm::ArrayRef<ProgramArgument> arguments,
                          IndexerKernel *&kernel);

} // namespace indexer

#endif // INDEXER_COMPILER_LOADPROGRAM_H
