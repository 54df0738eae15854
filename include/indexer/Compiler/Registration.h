//===- Registration.h - Everything that a program may hold ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_COMPILER_REGISTRATION_H
#define INDEXER_COMPILER_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace indexer {

/// Registers the dialects that input IR may use, ours, and what the pipelines
/// need of each. Registers our passes and pipelines with MLIR's registry, once
/// in a process.
void registerEverything(mlir::DialectRegistry &registry);

} // namespace indexer

#endif // INDEXER_COMPILER_REGISTRATION_H
