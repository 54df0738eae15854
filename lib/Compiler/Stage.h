//===- Stage.h - An artefact and how it is made -----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_COMPILER_STAGE_H
#define INDEXER_LIB_COMPILER_STAGE_H

#include "indexer/Compiler/Program.h"
#include "mlir/Pass/PassManager.h"

namespace indexer {

/// An artefact, the one it is made of, and how. "input" is what the user gave.
struct Program::Stage {
  llvm::StringLiteral name, from;
  void (*build)(mlir::OpPassManager &, const ProgramOptions &);
};

} // namespace indexer

#endif // INDEXER_LIB_COMPILER_STAGE_H
