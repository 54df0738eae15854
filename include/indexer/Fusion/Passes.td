//===- Passes.td - Passes of the fusion stage --------------*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_FUSION_PASSES
#define INDEXER_FUSION_PASSES

include "mlir/Pass/PassBase.td"

def FuseHeadGate : Pass<"indexer-fuse-head-gate", "mlir::func::FuncOp"> {
  let summary = "Fuse each GEMM and the scales behind it into one linalg op";
  let description = [{
    *Matches* a contraction of two operands over one dimension (`linalg.matmul`,
    `contract`, `batch_matmul`, `generic` ...; bf16, f16 or f32 operands, f32
    accumulation from +0.0) whose result flows, by single uses, through
    elementwise ops and reshapes of the token and unit dimensions. An
    intermediate that several such ops read is no end when all of them come
    together in one op (`s * sigmoid(s)`). Operands may be widened, transposed or
    reshaped before the GEMM. Nothing is rewritten while matching: each op is
    read as index maps and a scalar body.

    *Produces* one `linalg.generic` over (t, h, d) with two f32 results, the
    running sum and the epilogue of that sum, at the place of the last op of the
    chain; where slices take the heads of a merged GEMM apart, one such op for
    each slice, of the same x and of rows of the weight; reshapes around it, and
    `linalg.fill` of its accumulator.

    *Declines* with a remark (category `indexer-fusion`): `not-a-contraction`,
    `unsupported-element-type`, `encoded-tensor`, `empty-reduction`,
    `bf16-accumulation`, `nonzero-init`, `batched-weight`, `no-epilogue`,
    `multiple-uses`, `epilogue-not-elementwise`, `other-block`,
    `operand-depends-on-reduction`, `operand-layout`, `reshape-not-understood`,
    `slice-not-understood`, `result-layout`, `result-type`.
    A function in which every chain is declined is not touched.

    *Numerics*: bit-identical to the source chain when d is summed in the same
    order; every scalar op of the epilogue is kept, in its order, with its
    roundings. What is the same for every element is computed once, before the
    fused op; a constant that is cast is a constant. Fast-math flags are dropped.
    An unknown number of hidden elements is taken to be at least one.

    *Options*: `scalars` is `keep` (default) or `fold`: fold multiplies the f32
    constants of each product in double and rounds once, so that one
    multiplication remains, at the place of the first; bits may differ unless the
    constants are powers of two. `allow-precision` (default off) computes in f32
    what the source rounds to bf16 or f16 between the GEMM and the gate, or
    accumulates so; the remark counts the roundings that went away. How far a
    result may move is in `docs/numerics.md`.

    *Example*: `test/Fusion/fuse-head-gate-example.mlir`.
  }];
  let options = [
    Option<"scalars", "scalars", "::indexer::ScalarMode",
           "::indexer::ScalarMode::Keep",
           "What becomes of constant factors: keep them in order, or fold them "
           "into one",
           [{::llvm::cl::values(
               clEnumValN(::indexer::ScalarMode::Keep, "keep",
                          "every multiplication of the source, in its order"),
               clEnumValN(::indexer::ScalarMode::Fold, "fold",
                          "one constant a product, multiplied in double"))}]>,
    Option<"allowPrecision", "allow-precision", "bool", "false",
           "Compute in f32 what the source rounds or accumulates in bf16 or f16">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

def FuseScales : Pass<"indexer-fuse-scales", "mlir::func::FuncOp"> {
  let summary = "Fuse each chain of scales without a GEMM into one linalg op";
  let description = [{
    *Matches* two multiplications or more, and casts and reshapes between them,
    that end in an f32 tensor: the scales of a gate whose GEMM is elsewhere, in
    another function or behind other uses. Run it behind
    `indexer-fuse-head-gate`.

    *Produces* one elementwise `linalg.generic` over the dimensions of the result
    that are longer than 1, and reshapes around it.

    *Declines*, without a remark, what is no such chain: a single multiplication,
    another op between (it ends the chain), an operand that is not indexed by
    whole dimensions of the result.

    *Numerics*: bit-identical; every multiplication and every rounding is kept,
    in its order.

    *Example*: `test/Fusion/fuse-scales.mlir`.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

#endif // INDEXER_FUSION_PASSES
