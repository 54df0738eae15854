//===- EmitPtx.h - From a kernel module to PTX ------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_EMITPTX_H
#define INDEXER_TARGET_EMITPTX_H

#include "indexer/Schedule/Chips.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include <string>

namespace indexer {

/// What a target asks for.
struct CheckedTarget {
  const Chip *chip;
  /// Of the text that is emitted, 86 for 8.6.
  unsigned ptxVersion;
};

/// Checks that LLVM can make code for `target` out of `module`: LLVM ends the
/// process on a chip, a PTX version or an instruction that it cannot select.
/// Fails with one error on the op that is wrong.
mlir::FailureOr<CheckedTarget> checkTarget(mlir::gpu::GPUModuleOp module,
                                           mlir::NVVM::NVVMTargetAttr target);

/// Translates `module` (LLVM and NVVM dialects) to LLVM IR, optimises it at the
/// target's level and emits PTX. `checkTarget` has accepted it. Functions of
/// libdevice (`__nv_expf` and the like, from ops of math) are linked in from
/// the bitcode file `libdevice`, which is read only then. Errors are reported
/// at the module.
mlir::FailureOr<std::string> emitPtx(mlir::gpu::GPUModuleOp module,
                                     mlir::NVVM::NVVMTargetAttr target,
                                     llvm::StringRef libdevice);

/// Registers the translations to LLVM IR that `emitPtx` needs.
void registerPtxTranslations(mlir::DialectRegistry &registry);

} // namespace indexer

#endif // INDEXER_TARGET_EMITPTX_H
