//===- Passes.td - Passes of the GPU code generation stage -*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_PASSES
#define INDEXER_CODEGEN_GPU_PASSES

include "mlir/Pass/PassBase.td"

def OutlineKernels : Pass<"indexer-outline-kernels", "mlir::ModuleOp"> {
  let summary = "Move each scheduled fused op into a function of its own";
  let description = [{
    *Matches* each `linalg.generic` with `indexer.schedules` in the functions of
    the module.

    *Produces* `func.func private @<caller>_gate<N>` and a `func.call` of it at
    the op's place. Arguments: x, weight, the operands of the epilogue, then
    scalars that are no constants (constants are cloned); result: the gate, or
    what `arith.truncf`, on the tensor or in a `linalg.generic`, makes of it where
    nothing else uses it. Ops with one
    `indexer.group` get one function, called at the place of the first: the
    weight is the rows of all, and there is a result for each op, in the order of
    the rows. The function has
    the attributes `llvm.emit_c_interface` and `indexer.outlined`.
    A `linalg.fill` or `tensor.empty` that only served the op is erased.

    *Declines* with an error on the op: it is not a fused op; its running sum
    (result 0) has uses, which no kernel stores; a value that its body takes
    from outside is no float, integer or index; of a group, the ops share no
    kernel (see `indexer-group-shared-operand`), or an operand is not known at
    the place of the first.

    *Numerics*: bit-identical.

    *Options*: none.

    *Example*: `test/Codegen/GPU/outline-kernels.mlir`.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "::indexer::IndexerDialect"];
}

def GenerateKernels : Pass<"indexer-generate-kernels", "mlir::ModuleOp"> {
  let summary = "Build the GPU kernels of each outlined function";
  let description = [{
    *Matches* each function with `indexer.outlined` and a body.

    *Produces* `gpu.module @<name>_kernels` with one `gpu.func` kernel for each
    schedule, named `<name>_<family>`, with a number behind it from the second
    of a family on. Schedules that differ in `max_tokens` alone share one. The function becomes a declaration (`llvm.emit_c_interface`)
    with the launch metadata: `indexer.kernels`, `indexer.launch`,
    `indexer.extents`, `indexer.scalars`, of a group `indexer.heads`
    (LaunchMetadata.h). The kernels of a group compute all of its ops: the heads
    of one follow those of the other, and a head says which epilogue and result
    are its own. The module gets
    `gpu.container_module`. The callers are not touched: they verify, and are
    bufferized and lowered by upstream's passes.

    *Declines* with an error on the op: the body is not one fused op, or the ops
    of one group, with schedules.

    *Numerics*: the sum over d is reordered, and a product and its addition may
    be one FMA; a product of two 16-bit floats is exact either way. The order is
    fixed, and a kernel gives the same bits at every launch. In the family
    `plain` a thread sums every `threads`-th group of
    consecutive elements in ascending order (groups of 16 bytes where both
    operands are contiguous along d and aligned, else single elements), a warp
    sums its lanes by a butterfly, and the warps are added in four interleaved
    chains. In the family `dot` a thread sums its groups in two chains, even and
    odd elements. In the family `register_mma` a warp sums consecutive elements
    of d by mma.sync, 16 at a time in the order of the hardware; the warps are
    added in four interleaved chains, then the CTAs of the cluster pairwise. In
    the families `cp_async_wgmma` and `tma_wgmma` a stage of `tile_d` elements is
    summed by wgmma, from zero and in the order of the hardware; the stages of a
    part are added in ascending order, then parts and CTAs pairwise: with equal
    `tile_d` and as many parts times CTAs that divide d, both give the same bits.
    The order depends on the schedule (see `reductionOrder`), the extent of d, and
    in `plain` on strides and alignment, never on T, H or the row's place in the
    tile. The epilogue is bit-identical: the
    source's ops in the source's order, without fast-math.

    *Options*: `tokens` (a number of tokens T, default 0: all): make of each
    function only the kernel that serves T, the one with conditions where there
    is one. Its name, its code and the tokens that it serves are what they are
    among all kernels. `any-layout` (default false): with `tokens`, make the
    kernel without conditions too, for tokens that no other kernel with
    conditions serves.

    *Example*: `test/Codegen/GPU/generate-kernels.mlir`.
  }];
  let options = [
    Option<"tokens", "tokens", "int64_t", /*default=*/"0",
           "Make only the kernels that serve this many tokens; 0: all">,
    Option<"anyLayout", "any-layout", "bool", /*default=*/"false",
           "With tokens: also make the kernel that serves any layout">];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::gpu::GPUDialect", "mlir::LLVM::LLVMDialect",
    "mlir::memref::MemRefDialect", "mlir::NVVM::NVVMDialect",
    "mlir::scf::SCFDialect", "::indexer::IndexerDialect"];
}

def VerifyDependentLaunch
    : Pass<"indexer-verify-dependent-launch", "mlir::ModuleOp"> {
  let summary = "Reject early accesses to what another kernel may write";
  let description = [{
    *Matches* each kernel that a launch in `indexer.launch` names with
    `starts_early`. It starts while the kernel before it on the stream still
    runs, and may touch nothing that one writes or reads until it has waited.

    *Produces* nothing: the IR is only read.

    *Declines* with an error on the op: it touches global memory where no
    `nvvm.griddepcontrol wait` dominates it, and what it touches is not an operand
    in the launch's `static_operands`; or it stores to such an operand. An op
    touches what its pointers into global memory derive from; arithmetic on
    addresses touches nothing. A pointer that derives from no parameter counts as
    no static operand. With an error on the kernel: it never waits; it is not in
    the module of kernels.

    *Numerics*: none.

    *Options*: none.

    *Example*: `test/Codegen/GPU/verify-dependent-launch.mlir`.
  }];
}

#endif // INDEXER_CODEGEN_GPU_PASSES
