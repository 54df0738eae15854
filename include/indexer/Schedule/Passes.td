//===- Passes.td - Passes of the schedule stage -*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_PASSES
#define INDEXER_SCHEDULE_PASSES

include "mlir/Pass/PassBase.td"

def SelectSchedule : Pass<"indexer-select-schedule", "mlir::func::FuncOp"> {
  let summary = "Choose the kernels of each fused op by a cost model";
  let description = [{
    *Matches* each fused `linalg.generic` (see `FusedOp`) without the attribute
    `indexer.schedules`.

    *Produces* that attribute: an array of `#indexer.schedule`, one for each
    kernel, ordered by `max_tokens`; the last one serves every larger T. With a
    static T there is one schedule. A remark (analysis, category
    `indexer-schedule`) gives tile, threads, token range, number of CTAs and
    shared memory of each.

    *Declines* an op that carries schedules already: a hand-written one is kept.

    *Numerics*: a schedule decides the order of the sum over d through `threads`
    alone, and all schedules that this pass writes have the same `threads`, so
    the bits of a row do not depend on T.

    *Options*: `chip` (no unit, default sm_90a) is the GPU that the model counts
    multiprocessors of.

    *Example*: `test/Schedule/select-schedule.mlir`.
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_90a\"",
           "GPU to choose for, such as sm_90a">];
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
    take at a time; the loads need more registers than a thread has. Shared memory is bounded by the verifier
    of the attribute: 48 KiB, which every chip has.

    *Numerics*: none.

    *Options*: none. What is checked holds for every chip that is accepted;
    clusters of more than one CTA need compute capability 9.0, which
    serialization checks.

    *Example*: `test/Schedule/verify-schedule.mlir`.
  }];
  let dependentDialects = ["::indexer::IndexerDialect"];
}

#endif // INDEXER_SCHEDULE_PASSES
