//===- Diagnostics.h - Diagnostics and remarks as text ----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_COMPILER_DIAGNOSTICS_H
#define INDEXER_LIB_COMPILER_DIAGNOSTICS_H

#include "indexer/Compiler/Program.h"
#include "mlir/IR/Diagnostics.h"

namespace indexer {

/// Collects what a context reports: errors and warnings as lines of text,
/// remarks of our categories as a list.
class Program::Diagnostics {
public:
  Diagnostics(mlir::MLIRContext &context, std::vector<ProgramRemark> &remarks);

  /// Everything reported since the last call, as an error.
  llvm::Error takeError();

  /// The lines of everything reported since the last call, where there was no
  /// error.
  std::vector<std::string> takeWarnings();

private:
  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};

/// "file:line:column" of `loc`, or what it prints as.
std::string locationText(mlir::Location loc);

} // namespace indexer

#endif // INDEXER_LIB_COMPILER_DIAGNOSTICS_H
