//===- DecomposeFusedOp.cpp - Contraction and epilogue apart --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: the fused op. Out: a contraction with one result and an elementwise
// epilogue, both plain linalg, ready for upstream's tiling.
//
//===----------------------------------------------------------------------===//

#include "Marks.h"

#include "indexer/Codegen/CPU/Passes.h"
#include "indexer/Fusion/FusedOp.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace indexer {
#define GEN_PASS_DEF_DECOMPOSEFUSEDOP
#include "indexer/Codegen/CPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// Replaces `fused` by its two parts.
static void decompose(RewriterBase &rewriter, const FusedOp &fused) {
  linalg::GenericOp op = fused.op;
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Value sumInit = op.getDpsInits()[0], gateInit = op.getDpsInits()[1];

  auto contraction = linalg::GenericOp::create(
      rewriter, loc, TypeRange{sumInit.getType()},
      ValueRange{fused.lhs, fused.rhs}, ValueRange{sumInit},
      {maps[0], maps[1], fused.resultMap}, op.getIteratorTypesArray(),
      [&](OpBuilder &body, Location bodyLoc, ValueRange args) {
        Value sum = cloneContraction(body, fused, args[2], args[0], args[1]);
        linalg::YieldOp::create(body, bodyLoc, sum);
      });
  contraction->setAttr(marks::contraction, rewriter.getUnitAttr());

  // The epilogue has no loop over d.
  SmallVector<Value> inputs = {contraction.getResult(0)};
  SmallVector<AffineMap> epilogueMaps;
  auto addMap = [&](AffineMap map) {
    epilogueMaps.push_back(
        AffineMap::get(2, 0, map.getResults(), rewriter.getContext()));
  };
  addMap(fused.resultMap);
  for (OpOperand *operand : fused.epilogueOperands) {
    inputs.push_back(operand->get());
    addMap(op.getMatchingIndexingMap(operand));
  }
  addMap(fused.resultMap);
  auto epilogue = linalg::GenericOp::create(
      rewriter, loc, TypeRange{gateInit.getType()}, inputs,
      ValueRange{gateInit}, epilogueMaps,
      SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
      [&](OpBuilder &body, Location bodyLoc, ValueRange args) {
        IRMapping mapping;
        Value gate = cloneEpilogue(body, fused, args[0],
                                   args.slice(1, fused.epilogueOperands.size()),
                                   mapping);
        linalg::YieldOp::create(body, bodyLoc, gate);
      });
  epilogue->setAttr(marks::epilogue, rewriter.getUnitAttr());
  rewriter.replaceOp(op, {contraction.getResult(0), epilogue.getResult(0)});
}

namespace {

struct DecomposeFusedOp
    : indexer::impl::DecomposeFusedOpBase<DecomposeFusedOp> {
  void runOnOperation() override {
    SmallVector<FusedOp, 0> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (FailureOr<FusedOp> fused = FusedOp::read(op); succeeded(fused))
        ops.push_back(*fused);
    });
    IRRewriter rewriter(&getContext());
    for (const FusedOp &fused : ops)
      decompose(rewriter, fused);
  }
};

} // namespace
