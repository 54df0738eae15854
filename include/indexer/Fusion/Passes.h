//===- Passes.h - Passes of the fusion stage --------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_FUSION_PASSES_H
#define INDEXER_FUSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace indexer {

/// What fusion does with the scalars of an epilogue.
enum class ScalarMode {
  /// Every multiplication of the source, in its order.
  Keep,
  /// The constants of a product are one constant, multiplied in double.
  Fold
};

#define GEN_PASS_DECL
#include "indexer/Fusion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "indexer/Fusion/Passes.h.inc"

} // namespace indexer

#endif // INDEXER_FUSION_PASSES_H
