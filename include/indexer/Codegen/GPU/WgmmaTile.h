//===- WgmmaTile.h - wgmma on blocks in shared memory -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multiplies blocks that StagedRows has laid out, by wgmma.m64nNk16: 64 heads
// are M, tokens are N, f32 sums are in the registers of the 4 warps of a
// warpgroup. The warpgroups of a CTA divide the tokens or the heads of its
// tile.
//
// The tensor core cuts off low bits at every addition inside one chain of
// wgmma, so a chain over all of d would lose much of f32. A chain is one stage
// long here, maxChainColumns at most; addTo() adds the chains in f32.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_WGMMATILE_H
#define INDEXER_CODEGEN_GPU_WGMMATILE_H

#include "indexer/Codegen/GPU/StagedRows.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"

namespace indexer {

/// Threads of a warpgroup.
constexpr int64_t warpgroupThreads = 128;

/// What the warpgroups of a CTA have of its tile: of 64 heads all of them the
/// same, and each the next tokens; of more, each the next 64 heads, and all of
/// them the same tokens.
struct TileShares {
  /// `threads` multiply.
  TileShares(ScheduleAttr schedule, int64_t threads);

  bool divideHeads() const { return tileH > wgmmaHeads; }

  int64_t tileT, tileH, threads;
  /// Of a warpgroup, a multiple of 8, up to 256.
  int64_t tokens;
};

/// The multiplication of one warpgroup's part of a tile.
class WgmmaTile {
public:
  /// Multiplies stages of `blocks` blocks. `elementType` is bf16 or f16;
  /// `warpgroup` (i32) is the number of the warpgroup.
  WgmmaTile(KernelBuilder &kernel, mlir::Type elementType,
            const TileShares &shares, int64_t blocks, mlir::Value warpgroup)
      : kernel(kernel), elementType(elementType), shares(shares),
        blocks(blocks), warpgroup(warpgroup) {}

  /// Sums of a thread.
  int64_t sums() const { return shares.tokens / 2; }

  /// Starts the multiplication of a stage, from zero; returns the accumulators,
  /// under way.
  mlir::Value start(const Stage &stage) {
    return start(stage, /*firstBlock=*/0, blocks, /*accumulators=*/{});
  }
  /// Starts that of `count` blocks of a stage from `firstBlock` on, added to
  /// `accumulators`, which may be under way; null: from zero.
  mlir::Value start(const Stage &stage, int64_t firstBlock, int64_t count,
                    mlir::Value accumulators);
  /// Waits for the multiplication, and returns the sums of this thread: for
  /// each block of 8 tokens those of (head, token) = (g, 2q), (g, 2q + 1),
  /// (g + 8, 2q), (g + 8, 2q + 1), where g = lane / 4, q = lane % 4, and each
  /// warp has the next 16 heads (PTX ISA, "wgmma.mma_async: Register Fragments
  /// and Shared Memory Matrix Layouts").
  llvm::SmallVector<mlir::Value> finish(mlir::Value accumulators);

private:
  mlir::Value descriptor(mlir::Value address);

  KernelBuilder &kernel;
  mlir::Type elementType;
  TileShares shares;
  int64_t blocks;
  mlir::Value warpgroup;
};

/// Adds `terms` to `sums`, one by one, in f32.
void addTo(KernelBuilder &kernel, llvm::MutableArrayRef<mlir::Value> sums,
           mlir::ValueRange terms);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_WGMMATILE_H
