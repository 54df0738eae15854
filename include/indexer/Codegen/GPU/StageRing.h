//===- StageRing.h - Blocks of both operands in flight ----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A ring of stages in dynamic shared memory. A stage holds `blocks` blocks of
// the rows of weight, then as many of the rows of x. All threads copy, and all
// wait for the copies of all:
//
//   wait for my copies of the stage (commit groups complete in order)
//   fence: what cp.async wrote is read by wgmma, through another proxy
//   barrier
//   ... wgmma reads the stage; the stage before it is free, since every thread
//       has waited for its wgmma before the barrier; copies into it start ...
//
// When the ring has room for all steps, all copies start at once and no stage
// is used twice. Then a stage may be long: it is waited for and multiplied in
// pieces, whose products form one chain.
//
// The steps may be summed in several parts, each by itself, which are added
// pairwise as they are complete: (0 + 1) + (2 + 3), the order in which
// ClusterReduction adds CTAs. So the same bits come of one CTA with all parts
// and of a cluster that divides them.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_STAGERING_H
#define INDEXER_CODEGEN_GPU_STAGERING_H

#include "indexer/Codegen/GPU/StagedRows.h"
#include "indexer/Codegen/GPU/WgmmaTile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace indexer {

/// The stages of one kernel.
class StageRing {
public:
  /// A ring of up to `stages` stages of `blocks` blocks for `steps` steps, a
  /// multiple of `parts`, which is a power of two.
  StageRing(KernelBuilder &kernel, mlir::gpu::GPUFuncOp func,
            const StagedRows &heads, const StagedRows &tokens, int64_t blocks,
            int64_t stages, int64_t steps, int64_t parts);

  /// Dynamic shared memory of a ring, in bytes, with what aligns it.
  int64_t sharedBytes() const;

  /// Starts the copies of the first steps, of as many as may be in flight.
  /// `beforeTokens`, when given, is called after the rows of weight and before
  /// those of x.
  void fill(KernelBuilder &kernel,
            llvm::function_ref<void()> beforeTokens = nullptr);

  /// Walks over all steps after fill(), multiplies each as `tile`, and returns
  /// the sums (f32).
  llvm::SmallVector<mlir::Value> run(KernelBuilder &kernel, WgmmaTile &tile);

private:
  int64_t stageBytes() const {
    return blocks * (heads.blockBytes() + tokens.blockBytes());
  }
  bool isResident() const { return stages == steps; }
  /// Steps whose copies are in flight before the first one is multiplied.
  int64_t ahead() const { return isResident() ? steps : stages - 1; }
  /// The stage at `offset` (i32) bytes of the ring.
  Stage stageAt(KernelBuilder &kernel, mlir::Value offset) const;
  /// Blocks that are waited for at a time.
  int64_t pieceBlocks() const;
  void waitForCopies(KernelBuilder &kernel, int64_t pending);
  llvm::SmallVector<mlir::Value> runResident(KernelBuilder &kernel,
                                             WgmmaTile &tile);
  /// Which steps of a loop start the copies of a later one: all, none, or those
  /// before the last columns are copied.
  enum class Copies { All, None, UntilEnd };
  /// Sums and positions, carried over `count` steps of a ring that is used more
  /// than once.
  void runSteps(KernelBuilder &kernel, int64_t count, Copies copies,
                WgmmaTile &tile, llvm::SmallVectorImpl<mlir::Value> &carried);
  /// The same for `count` parts (a power of two), whose halves are summed by
  /// themselves: loops in loops, since unrolled they spill registers. What is
  /// carried in are sums of nothing.
  void runParts(KernelBuilder &kernel, int64_t count, WgmmaTile &tile,
                llvm::SmallVectorImpl<mlir::Value> &carried);

  const StagedRows &heads, &tokens;
  int64_t blocks, stages, steps, parts;
  mlir::Value base;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_STAGERING_H
