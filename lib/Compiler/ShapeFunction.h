//===- ShapeFunction.h - Extents of a function's results --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_COMPILER_SHAPEFUNCTION_H
#define INDEXER_LIB_COMPILER_SHAPEFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <vector>

namespace indexer {

/// A module whose function computes the extents of `entry`'s results from the
/// extents of its arguments, and checks by cf.assert that the arguments fit
/// together. Null, with a diagnostic, when upstream's passes fail.
mlir::OwningOpRef<mlir::ModuleOp> makeShapeFunction(mlir::func::FuncOp entry);

/// Calls it for arguments of these shapes (empty for scalars). Fails with a
/// diagnostic when they do not fit together.
mlir::FailureOr<std::vector<std::vector<int64_t>>>
runShapeFunction(mlir::ModuleOp module, mlir::func::FuncOp entry,
                 const std::vector<std::vector<int64_t>> &shapes);

} // namespace indexer

#endif // INDEXER_LIB_COMPILER_SHAPEFUNCTION_H
