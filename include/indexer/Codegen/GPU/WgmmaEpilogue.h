//===- WgmmaEpilogue.h - From the sums of wgmma to the gate -----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finishes a tile whose sums are in the registers of warpgroups, in two halves:
// prepare() loads the operands of the epilogue and computes where sums go,
// while the operands of the sums are on their way; finish() takes the sums.
// With a cluster that divides d they are sent to their owners first, straight
// from the accumulators, and a thread finishes what its CTA owns; else it
// finishes what it has. Where a thread has too many sums for the operands to
// wait beside them, prepare() leaves the loads to finish().
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_WGMMAEPILOGUE_H
#define INDEXER_CODEGEN_GPU_WGMMAEPILOGUE_H

#include "indexer/Codegen/GPU/ClusterReduction.h"
#include "indexer/Codegen/GPU/FragmentOutputs.h"
#include "indexer/Codegen/GPU/WgmmaTile.h"

namespace indexer {

/// Where the tile of CTA `block` along x (i32) lies. Tiles of heads are
/// neighbours in x, so that the CTAs which share a tile of x run at the same
/// time, and it comes from global memory once; not so with a single one, and
/// when CTAs share the weight or go on to other tiles.
TilePlace wgmmaPlace(KernelBuilder &kernel, const FusedGroup &group,
                     const KernelArguments &arguments, ScheduleAttr schedule,
                     mlir::Value block);

/// Says in `launch` what that takes for granted.
void setHeadsFirst(KernelLaunchInfo &launch, const FusedGroup &group,
                   ScheduleAttr schedule);

/// The last head (i32) of `group`; null when all heads of every tile exist.
mlir::Value lastHead(KernelBuilder &kernel, const FusedGroup &group,
                     const KernelArguments &arguments, ScheduleAttr schedule);

/// The outputs of one tile.
class WgmmaEpilogue {
public:
  /// `thread` (i32) is one of those that multiply, whose warpgroups have
  /// `shares`. `cluster` is null when sums are whole; else this CTA is number
  /// `rank` (i32) of it.
  WgmmaEpilogue(KernelBuilder &kernel, const FusedGroup &group,
                const KernelArguments &arguments, const TilePlace &place,
                mlir::Value lastHead, mlir::Value thread,
                const TileShares &shares, ClusterReduction *cluster,
                mlir::Value rank);

  void prepare();
  /// `sums` are those of the thread, as WgmmaTile gives them.
  void finish(llvm::ArrayRef<mlir::Value> sums);

private:
  void prepareOwn();
  void prepareShare();
  void prepareDestinations();
  void finishShare(llvm::ArrayRef<mlir::Value> sums);
  /// The group of this thread in block `block` of the 8 tokens of its
  /// warpgroup.
  OutputGroup ownGroup(int64_t block);
  /// Outputs of a block of 8 tokens.
  int64_t blockOutputs() const;

  KernelBuilder &kernel;
  mlir::Value thread;
  TileShares shares;
  ClusterReduction *cluster;
  mlir::Value rank;
  FragmentOutputs outputs;
  llvm::SmallVector<ClusterReduction::Destination> destinations;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_WGMMAEPILOGUE_H
