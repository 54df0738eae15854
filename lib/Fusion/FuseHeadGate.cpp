//===- FuseHeadGate.cpp - Fuse each GEMM and its scales -------------------===//
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

#include "ErasedOps.h"

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

struct FuseHeadGate : indexer::impl::FuseHeadGateBase<FuseHeadGate> {
  using FuseHeadGateBase::FuseHeadGateBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> candidates;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (isCandidate(op))
        candidates.push_back(op);
    });
    ErasedOps erased;
    IRRewriter rewriter(&getContext(), &erased);
    for (linalg::LinalgOp candidate : candidates)
      if (!erased.contains(candidate))
        fuse(rewriter, candidate);
  }

private:
  void fuse(RewriterBase &rewriter, linalg::LinalgOp candidate);
  bool relax(HeadGateChain &chain, std::string &what);

  remark::RemarkOpts remarkOptions() {
    return remark::RemarkOpts::name("FuseHeadGate")
        .category("indexer-fusion")
        .function(getOperation().getName());
  }
};

} // namespace

/// Applies the modes that change bits and appends what they did to `what`.
/// False when the chain needs one that cannot be applied.
bool FuseHeadGate::relax(HeadGateChain &chain, std::string &what) {
  llvm::raw_string_ostream text(what);
  if (allowPrecision) {
    std::optional<unsigned> dropped = dropRoundings(chain);
    if (!dropped &&
        !getElementTypeOrSelf(chain.contraction->getResult(0).getType())
             .isF32())
      return false;
    if (dropped.value_or(0))
      text << "; " << *dropped << " roundings to less than f32 dropped";
  }
  if (scalars == ScalarMode::Fold)
    if (unsigned folded = foldConstants(chain))
      text << "; " << folded << " constants folded into others";
  return true;
}

/// Fuses the chains of `candidate`, or says why there are none.
void FuseHeadGate::fuse(RewriterBase &rewriter, linalg::LinalgOp candidate) {
  Location loc = candidate.getLoc();
  HeadGateMatch match = matchHeadGate(candidate, allowPrecision);
  SmallVector<std::string> relaxed(match.chains.size());
  for (auto [chain, what] : llvm::zip(match.chains, relaxed))
    if (!relax(chain, what)) {
      match.refusal = {RefusalReason::LowPrecisionAccumulation, candidate};
      break;
    }
  if (match.refusal) {
    RefusalReason reason = match.refusal->reason;
    remark::missed(match.refusal->op->getLoc(), remarkOptions())
        << remark::reason("{0}: {1}", refusalName(reason).str(),
                          refusalSentence(reason).str())
        << remark::suggest("{0}", refusalSuggestion(reason).str());
    return;
  }
  for (auto [chain, what] : llvm::zip(match.chains, relaxed)) {
    linalg::GenericOp fused = buildFusedOp(rewriter, chain);
    FailureOr<FusedOp> read = FusedOp::read(fused);
    assert(succeeded(read) && "the builder builds what the reader reads");
    remark::passed(loc, remarkOptions()) << remark::add(
        "fused {0} ops into one linalg.generic: {1} scalar ops "
        "of the sum, {2} operands and {3} scalars{4}",
        chain.links.size(), read->epilogue.size(),
        read->epilogueOperands.size(), read->scalars.size(), what);
  }
  eraseChains(rewriter, match.chains);
}
