//===- Passes.h - Passes of the Target stage --------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_PASSES_H
#define INDEXER_TARGET_PASSES_H

#include "mlir/Pass/Pass.h"

namespace indexer {

#define GEN_PASS_DECL
#include "indexer/Target/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "indexer/Target/Passes.h.inc"

} // namespace indexer

#endif // INDEXER_TARGET_PASSES_H
