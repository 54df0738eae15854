//===- FuseHeadGate.cpp - Fuse each GEMM and its scales ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: linalg on tensors. Out: each chain that the matcher accepts is one fused
// op (FusedOp.h); every other op is untouched, and each declined GEMM has a
// remark with its reason.
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/FusedOp.h"
#include "indexer/Fusion/HeadGateChain.h"
#include "indexer/Fusion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

namespace indexer {
#define GEN_PASS_DEF_FUSEHEADGATE
#include "indexer/Fusion/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

namespace {

/// Remembers what was erased: a fused chain may take another candidate with it.
struct ErasedOps : RewriterBase::Listener {
  void notifyOperationErased(Operation *op) override { ops.insert(op); }
  llvm::DenseSet<Operation *> ops;
};

struct FuseHeadGate : indexer::impl::FuseHeadGateBase<FuseHeadGate> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    SmallVector<linalg::LinalgOp> candidates;
    function.walk([&](linalg::LinalgOp op) {
      if (isCandidate(op))
        candidates.push_back(op);
    });
    ErasedOps erased;
    IRRewriter rewriter(&getContext(), &erased);
    auto remark = remark::RemarkOpts::name("FuseHeadGate")
                      .category("indexer-fusion")
                      .function(function.getName());
    for (linalg::LinalgOp candidate : candidates) {
      if (erased.ops.contains(candidate))
        continue;
      Location loc = candidate.getLoc();
      HeadGateMatch match = matchHeadGate(candidate);
      if (!match.chain) {
        RefusalReason reason = match.refusal->reason;
        remark::missed(match.refusal->op->getLoc(), remark)
            << remark::reason("{0}: {1}", refusalName(reason).str(),
                              refusalSentence(reason).str())
            << remark::suggest("{0}", refusalSuggestion(reason).str());
        continue;
      }
      unsigned links = match.chain->links.size();
      linalg::GenericOp fused = buildFusedOp(rewriter, *match.chain);
      FailureOr<FusedOp> read = FusedOp::read(fused);
      assert(succeeded(read) && "the builder builds what the reader reads");
      remark::passed(loc, remark) << remark::add(
          "fused {0} ops into one linalg.generic: {1} scalar ops "
          "of the sum, {2} operands and {3} scalars",
          links, read->epilogue.size(), read->epilogueOperands.size(),
          read->scalars.size());
    }
  }
};

} // namespace
