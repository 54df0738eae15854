//===- Interpreter.h - The float64 reference --------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the user's module as it came, every op in double, and says how far a
// float32 execution may be from it. What every test trusts, so it knows nothing
// of the stages that it judges.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_REFERENCE_INTERPRETER_H
#define INDEXER_REFERENCE_INTERPRETER_H

#include "indexer/Reference/Value.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace indexer::reference {

/// Calls `entry` with `arguments` and returns its results.
///
/// Roundings to bf16 and f16 that the IR asks for are done, those of f32 ops
/// are not. Dynamic extents are taken from the arguments; float scalars are
/// rounded to their argument's type. An op that it does not know, a failed
/// cf.assert and an access out of bounds are errors at that op. Elements of a
/// tensor.empty are NaN. Branches and indices are taken as they come out in
/// double: an uncertain one is not followed both ways.
///
/// \param threads threads for large ops; 0 means one for each processor. The
///                result does not depend on it.
mlir::FailureOr<llvm::SmallVector<RefValue>>
interpret(mlir::func::FuncOp entry, llvm::ArrayRef<RefValue> arguments,
          unsigned threads = 0);

} // namespace indexer::reference

#endif // INDEXER_REFERENCE_INTERPRETER_H
