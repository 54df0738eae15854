//===- Passes.td - Passes of the CPU code generation -------*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_CPU_PASSES
#define INDEXER_CODEGEN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def DecomposeFusedOp
    : Pass<"indexer-decompose-fused-op", "mlir::func::FuncOp"> {
  let summary = "Take each fused op apart into a contraction and its epilogue";
  let description = [{
    *Matches* the fused op (`FusedOp.h`).

    *Produces* a `linalg.generic` with the contraction's body and one result,
    and an elementwise `linalg.generic` over (t, h) with the epilogue. They carry
    `indexer.contraction` and `indexer.epilogue`, by which the tiling finds them.

    *Declines* nothing; other ops are left alone.

    *Numerics*: bit-identical; the epilogue is applied once, to the whole sum.

    *Example*: `test/Codegen/CPU/decompose-fused-op.mlir`.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

def TileForCPU : Pass<"indexer-tile-for-cpu", "mlir::func::FuncOp"> {
  let summary = "Tile each decomposed gate for registers and fuse its parts";
  let description = [{
    *Matches* the pair that `indexer-decompose-fused-op` makes.

    *Produces* loops over tiles of `tile-t` tokens and `tile-h` heads around the
    epilogue, with the contraction and its zero fill inside. Loops that do not
    divide are peeled, and the rest is tiled by 1, so that every tile is static.
    d is cut into `lanes` partial sums, which one `linalg.reduce` adds behind the
    loop over d.

    *Declines* nothing; other ops are left alone.

    *Numerics*: d is summed in `lanes` interleaved chains, then lane by lane; the
    epilogue is applied once, to the whole sum.

    *Example*: `test/Codegen/CPU/tile-for-cpu.mlir`.
  }];
  let options = [
    Option<"tileT", "tile-t", "int64_t", "4", "Tokens of a register tile">,
    Option<"tileH", "tile-h", "int64_t", "4", "Heads of a register tile">,
    Option<"lanes", "lanes", "int64_t", "16",
           "Partial sums along d, in f32 elements of a vector">
  ];
  let dependentDialects = ["mlir::affine::AffineDialect",
                           "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect",
                           "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

def VectorizeForCPU : Pass<"indexer-vectorize-for-cpu", "mlir::func::FuncOp"> {
  let summary = "Vectorize the tiles of each gate and keep the sums in registers";
  let description = [{
    *Matches* static linalg ops inside the loops that `indexer-tile-for-cpu`
    makes (marked `indexer.tile`).

    *Produces* vector ops; the partial sums become iteration arguments of the
    loop over d.

    *Declines* tiles with a dynamic extent (the rest of d): they stay linalg and
    become scalar loops.

    *Numerics*: bit-identical to the tiled form.

    *Example*: `test/Codegen/CPU/vectorize-for-cpu.mlir`.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::tensor::TensorDialect",
                           "mlir::vector::VectorDialect"];
}

def LowerVectorsForCPU
    : Pass<"indexer-lower-vectors-for-cpu", "mlir::func::FuncOp"> {
  let summary = "Lower vectors on buffers to one-dimensional vectors";
  let description = [{
    *Matches* vector ops on memrefs of any rank.

    *Produces* one-dimensional transfers, broadcasts and reductions, the form
    that `convert-vector-to-llvm` takes.

    *Declines* nothing.

    *Numerics*: bit-identical; reductions keep the order of the lanes.

    *Example*: `test/Codegen/CPU/lower-vectors-for-cpu.mlir`.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect",
                           "mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

def ExpandDynamicShapes
    : Pass<"indexer-expand-dynamic-shapes", "mlir::func::FuncOp"> {
  let summary = "Lower expand_shape where several extents of a group are unknown";
  let description = [{
    *Matches* `memref.expand_shape` that cuts a dimension into two or more of
    unknown extent, such as tokens into batch and sequence.

    *Produces* `memref.reinterpret_cast` with the extents that the op names.

    *Declines* other reshapes: upstream's `expand-strided-metadata` lowers them,
    and fails on these.

    *Numerics*: bit-identical.

    *Example*: `test/Codegen/CPU/expand-dynamic-shapes.mlir`.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect"];
}

#endif // INDEXER_CODEGEN_CPU_PASSES
