//===- LowerVectorsForCPU.cpp - Vectors to one dimension ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: vectors of rank 2 and 3 on memrefs. Out: vectors of rank 1.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/CPU/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace indexer {
#define GEN_PASS_DEF_LOWERVECTORSFORCPU
#include "indexer/Codegen/CPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

namespace {

struct LowerVectorsForCPU
    : indexer::impl::LowerVectorsForCPUBase<LowerVectorsForCPU> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    auto apply = [&](auto populate) {
      RewritePatternSet patterns(context);
      populate(patterns);
      return applyPatternsGreedily(getOperation(), std::move(patterns));
    };
    if (failed(apply([](RewritePatternSet &patterns) {
          vector::populateVectorMultiReductionLoweringPatterns(
              patterns, vector::VectorMultiReductionLowering::InnerReduction);
          vector::populateVectorTransferPermutationMapLoweringPatterns(
              patterns);
        })) ||
        failed(apply([](RewritePatternSet &patterns) {
          VectorTransferToSCFOptions options;
          options.enableFullUnroll().setTargetRank(1);
          populateVectorToSCFConversionPatterns(patterns, options);
        })) ||
        failed(apply([](RewritePatternSet &patterns) {
          vector::populateVectorBroadcastLoweringPatterns(patterns);
          vector::populateVectorShapeCastLoweringPatterns(patterns);
          vector::populateVectorTransposeLoweringPatterns(
              patterns, vector::VectorTransposeLowering::EltWise);
          vector::populateVectorTransferLoweringPatterns(patterns,
                                                         /*maxTransferRank=*/1);
        })))
      return signalPassFailure();
  }
};

} // namespace
