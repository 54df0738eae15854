//===- Passes.td - Passes of the schedule stage ------------*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_PASSES
#define INDEXER_SCHEDULE_PASSES

include "mlir/Pass/PassBase.td"

def GroupSharedOperand
    : Pass<"indexer-group-shared-operand", "mlir::func::FuncOp"> {
  let summary = "Let fused ops with rows of one weight share a kernel";
  let description = [{
    *Matches* fused `linalg.generic` ops (see `FusedOp`) of one block that read
    the same x, and whose weights are `tensor.extract_slice` of rows of one
    tensor, one run behind the other, as the keys and the gate of a merged weight
    are. Offsets and extents of the rows are known.

    *Produces* the attribute `indexer.group`, an i64 that the ops of a group have
    in common, on each of them. What they depend on is moved in front of the
    first. To the passes behind, the ops are one with the heads of all: they get
    one schedule, one function, and one kernel with a result for each op. A
    remark (passed, category `indexer-schedule`) gives the number of ops and
    heads.

    *Declines*, with a remark (missed) where ops share x and a weight: rows
    between theirs are read by none of them, or by two; an op depends on
    another, or on something that cannot be moved. Ops with `indexer.group` or
    `indexer.schedules` are left alone.

    *Numerics*: bit-identical here. The schedule, and so the order of the sum, is
    that for the heads of all ops, which can be another than an op alone gets.

    *Options*: none.

    *Example*: `test/Schedule/group-shared-operand.mlir`.
  }];
  let dependentDialects = ["::indexer::IndexerDialect"];
}

def SelectSchedule : Pass<"indexer-select-schedule", "mlir::func::FuncOp"> {
  let summary = "Choose the kernels of each fused op by a cost model";
  let description = [{
    *Matches* each fused `linalg.generic` (see `FusedOp`) without the attribute
    `indexer.schedules`.

    *Produces* that attribute: an array of `#indexer.schedule`, one for each
    kernel. Where x and weight are of one 16-bit type with d as their last
    dimension, and H and E are static and divide into tiles, kernels of the
    families `dot`, `register_mma` and, on sm_90a, `cp_async_wgmma` and
    `tma_wgmma` come first, ordered by `max_tokens`; then, in any case, plain kernels for every T, which
    take what those cannot. With a
    static T there is one of each kind. A remark (analysis, category
    `indexer-schedule`) gives family, tile, threads, cluster, token range, number
    of CTAs and shared memory of each.

    Ops with one `indexer.group` get the same schedules, those for the heads of
    all of them.

    *Declines* an op that carries schedules already: a hand-written one is kept;
    so does a group, when one of its ops does.

    *Numerics*: a schedule decides the order of the sum over d (see
    `reductionOrder`). All plain schedules that this pass writes have the same
    `threads`, so where only they run, the bits of a row do not depend on T. With
    the other families a row's bits change from one token range to the next, and
    never within one. With `batch-invariant` all schedules with conditions have
    one order, too, and serve every T: a row's bits depend on H, E, the chip, and
    on whether x and weight lie in memory as those kernels ask for, never on T or
    on what else is in the batch.

    *Options*: `chip` (no unit, default sm_90a) is the GPU that the model knows
    multiprocessors and clusters of; it is fitted to sm_90a, where tables of
    measured schedules cover 64 heads and E = 7168, and any H and E from 73
    tokens of 64 heads on. `weights` (dependent or static,
    default dependent): static is the caller's promise that no kernel in flight
    writes a weight; kernels then start before the one in front of them has
    ended, on chips of compute capability 9.0 and later. `batch-invariant`
    (default false): on sm_90a every kernel with conditions is of the family
    `cp_async_wgmma` and sums 8 parts of d, by clusters of 8 for few tokens down
    to single CTAs for many; elsewhere of the family `register_mma` with one
    cluster and one number of threads, and where there are no clusters all
    kernels are plain. `sm-budget` (multiprocessors, default 0: all of the chip):
    choose as if the chip had no more, so that kernels leave the others to what
    runs beside them. A grid of as many CTAs as fit is filled first; one with
    more, for many tokens, still spreads over every SM that is free, as no launch
    can be kept off an SM.

    *Example*: `test/Schedule/select-schedule.mlir`.
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_90a\"",
           "GPU to choose for, such as sm_90a">,
    Option<"weights", "weights", "std::string", /*default=*/"\"dependent\"",
           "static when no kernel in flight writes a weight, else dependent">,
    Option<"batchInvariant", "batch-invariant", "bool", /*default=*/"false",
           "Give a row of x the same bits whatever T is">,
    Option<"smBudget", "sm-budget", "int64_t", /*default=*/"0",
           "Multiprocessors to choose for; 0: all of the chip">];
  let dependentDialects = ["::indexer::IndexerDialect"];
}

def VerifySchedule : Pass<"indexer-verify-schedule", "mlir::func::FuncOp"> {
  let summary = "Reject schedules that cannot run";
  let description = [{
    *Matches* each op with the attribute `indexer.schedules`.

    *Produces* nothing: the IR is only read.

    *Declines* with an error on the op: the op is not a fused op; the attribute
    is not a non-empty array of `#indexer.schedule`; `max_tokens` does not grow;
    a schedule that sets conditions stands behind one of the family `plain`; the
    last schedule is not `plain` or does not serve every T; the tiles of heads
    exceed the grid's y dimension (65535 CTAs). Of the families `dot` and
    `register_mma`: the types are not two of bf16 or two of f16; H is not a
    static multiple of `tile_h`; E is not a static multiple of what the threads
    take at a time; the loads need more registers than a thread has. Of the
    family `cp_async_wgmma`: the types, in the same way; E is not a static
    multiple of `cluster` x `parts` x `tile_d`; of the family `tma_wgmma` the
    same, with `multicast` times less than `cluster`. With an `indexer.group`:
    its ops do not share x and a weight as `indexer-group-shared-operand` asks
    for, or have other schedules; H above is then the heads of all; of the
    families of `wgmma`, an op begins at a head that is no multiple of 16. With `batch-invariant`: two
    schedules with conditions, or two plain ones, sum in different orders; those
    with conditions do not serve every T. Shared memory is bounded by the verifier
    of the attribute: 48 KiB, which every chip has, or 227 KiB for
    `cp_async_wgmma` and `tma_wgmma`, which run on sm_90a only.

    *Numerics*: none.

    *Options*: `batch-invariant` (default false): also check that a row's bits
    cannot depend on T. What is checked holds for every chip that is accepted;
    clusters of more than one CTA need compute capability 9.0, which
    serialization checks.

    *Example*: `test/Schedule/verify-schedule.mlir`.
  }];
  let options = [
    Option<"batchInvariant", "batch-invariant", "bool", /*default=*/"false",
           "Reject schedules that give a row other bits for another T">];
  let dependentDialects = ["::indexer::IndexerDialect"];
}

#endif // INDEXER_SCHEDULE_PASSES
