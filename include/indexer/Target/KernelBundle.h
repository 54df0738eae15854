//===- KernelBundle.h - From a compiled module to a bundle ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime launches kernels without the entry function's code. That is only
// right when the entry function does nothing but reshape around its kernels;
// this is where it is proved, and where the reshapes become bindings.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_KERNELBUNDLE_H
#define INDEXER_TARGET_KERNELBUNDLE_H

#include "indexer/Runtime/Bundle.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace indexer {

/// Makes the bundle of function `entry` (without '@') from `module`: outlined
/// kernels are declarations with launch metadata, their code is in
/// `gpu.binary` ops. Binary objects become "cubin", Assembly objects "ptx".
///
/// The entry function may hold calls of outlined kernels, reshapes
/// (tensor.collapse_shape, expand_shape, cast), constants, and index arithmetic
/// for shapes. Fails with one error on the first op that is anything else.
mlir::FailureOr<runtime::Bundle> makeBundle(mlir::ModuleOp module,
                                            llvm::StringRef entry);

/// Name of an argument of `function` for messages and bundles: its attribute
/// `indexer.name`, else the name in its location, else "arg" and the number.
std::string argumentName(mlir::func::FuncOp function, unsigned argument);

} // namespace indexer

#endif // INDEXER_TARGET_KERNELBUNDLE_H
