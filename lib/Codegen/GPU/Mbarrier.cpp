//===- Mbarrier.cpp - Barriers in shared memory ---------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/Mbarrier.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

void indexer::waitForPhase(KernelBuilder &kernel, Value barrier, Value parity,
                           NVVM::MemScopeKind scope) {
  scf::WhileOp::create(
      kernel.builder, kernel.loc, TypeRange(), ValueRange(),
      [&](OpBuilder &builder, Location loc, ValueRange) {
        Value isDone = NVVM::MBarrierTryWaitOp::create(
            builder, loc, builder.getI1Type(), barrier, parity,
            /*ticks=*/Value(), scope, /*relaxed=*/false);
        Value isMissing = arith::XOrIOp::create(
            builder, loc, isDone,
            arith::ConstantIntOp::create(builder, loc, 1, 1));
        scf::ConditionOp::create(builder, loc, isMissing, ValueRange());
      },
      [&](OpBuilder &builder, Location loc, ValueRange) {
        scf::YieldOp::create(builder, loc);
      });
}
