//===- PtxCompiler.h - The PTX assembler in this process --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's PTX compiler library does what the ptxas program does, without a
// process and without files. A build has it where INDEXER_NVPTXCOMPILER_DIR
// says where it is; else these functions are there and do nothing.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_PTXCOMPILER_H
#define INDEXER_TARGET_PTXCOMPILER_H

#include "indexer/Target/Assembler.h"

namespace indexer {

/// "nvptxcompiler 13.5", or "" for a build without the library.
std::string ptxCompilerVersion();

/// Assembles `ptx` for `chip`, as Assembler::assemble says; for builds with
/// the library only.
AssemblerResult assembleInProcess(llvm::StringRef ptx, llvm::StringRef chip,
                                  llvm::StringRef name);

} // namespace indexer

#endif // INDEXER_TARGET_PTXCOMPILER_H
