//===- Passes.h - Passes of the schedule stage ------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_PASSES_H
#define INDEXER_SCHEDULE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class ModuleOp;
namespace func {
class FuncOp;
} // namespace func
} // namespace mlir

namespace indexer {

#define GEN_PASS_DECL
#include "indexer/Schedule/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "indexer/Schedule/Passes.h.inc"

} // namespace indexer

#endif // INDEXER_SCHEDULE_PASSES_H
