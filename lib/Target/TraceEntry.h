//===- TraceEntry.h - What an entry does beside its kernels ----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_TARGET_TRACEENTRY_H
#define INDEXER_LIB_TARGET_TRACEENTRY_H

#include "indexer/Runtime/Bundle.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <functional>

namespace indexer {

/// The function that a bundle is made for. All members report one error, on the
/// op that is in the way, when they fail.
class EntryTrace {
public:
  /// `isKernel` says whether a call is one of an outlined kernel.
  EntryTrace(mlir::func::FuncOp entry,
             std::function<bool(mlir::func::CallOp)> isKernel)
      : entry(entry), isKernel(std::move(isKernel)) {}

  /// Fails at the first op that is neither a kernel call, a reshape, a
  /// constant, arithmetic on scalars nor a cf.assert; returns the calls in
  /// order.
  mlir::FailureOr<llvm::SmallVector<mlir::func::CallOp>> collectCalls();

  /// Fails at a cf.assert that a launch of `kernels` does not check by itself:
  /// that two dimensions of arguments, which are the same loop of a kernel,
  /// have the same extent.
  mlir::LogicalResult
  checkAsserts(llvm::ArrayRef<runtime::FusedKernel> kernels);

  /// Traces a tensor operand of a kernel to an argument. The binding has no
  /// loops yet.
  mlir::FailureOr<runtime::TensorBinding> traceOperand(mlir::Value operand);

  /// Traces a result of a kernel's call to the one returned value that is made
  /// of it; `argument` counts the entry's results.
  mlir::FailureOr<runtime::TensorBinding> traceResult(mlir::Value result);

  /// Traces a scalar of a kernel to an argument, or to a constant.
  mlir::FailureOr<runtime::ScalarBinding> traceScalar(mlir::Value scalar);

  /// Fails when a returned value comes from anything but a kernel.
  mlir::LogicalResult checkReturn();

private:
  /// Error at `op`: the entry does more than reshape.
  mlir::InFlightDiagnostic refuse(mlir::Operation *op);

  mlir::func::FuncOp entry;
  std::function<bool(mlir::func::CallOp)> isKernel;
};

/// The runtime's name of float type `type`; fails silently on any other.
mlir::FailureOr<runtime::ElementType> elementTypeOf(mlir::Type type);

} // namespace indexer

#endif // INDEXER_LIB_TARGET_TRACEENTRY_H
