//===- FragmentOutputs.h - Outputs of a wgmma tile, by thread ---*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Outputs of a tile, as the accumulators of wgmma lie in registers, so that
// sums are sent and stored without a detour: 4 outputs are a group, those that
// a lane of a warp has in a block of 8 tokens and its 16 heads.
//
// TileOutputs is the counterpart for tiles whose sums are in shared memory.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_FRAGMENTOUTPUTS_H
#define INDEXER_CODEGEN_GPU_FRAGMENTOUTPUTS_H

#include "indexer/Codegen/GPU/TileOutputs.h"

namespace indexer {

/// Outputs of a group.
constexpr int64_t groupOutputs = 4;

/// Which group of a tile: number of the block of 8 tokens, of the block of 16
/// heads, and of the lane; i32.
struct OutputGroup {
  mlir::Value tokenBlock, headBlock, lane;
};

/// The outputs that one thread finishes, in two halves as in TileOutputs.
class FragmentOutputs {
public:
  /// `lastH` (i32) is the last head, null when all heads of the tile exist.
  FragmentOutputs(KernelBuilder &kernel, const FusedGroup &fusedGroup,
                  const KernelArguments &arguments, const TilePlace &place,
                  mlir::Value lastH)
      : kernel(kernel), fusedGroup(fusedGroup), arguments(arguments),
        place(place), lastH(lastH) {}

  /// Takes the group `group`, one of the tile, and loads the operands of its
  /// epilogues. Threads where `exists` (i1) is false do not finish it; null
  /// when all do.
  void prepare(const OutputGroup &group, mlir::Value exists);
  /// Takes the groups of `blocks` blocks of 8 tokens from `group` on, all of
  /// which exist. They are finished in the same order.
  void prepareBlocks(const OutputGroup &group, int64_t blocks);

  /// The number of groups taken.
  int64_t size() const { return groups.size(); }

  /// Group `index` of those taken: epilogue of the 4 sums that `collect` gives,
  /// store of the outputs that are inside. Sums are asked for in threads that
  /// finish the group only.
  void finish(int64_t index,
              llvm::function_ref<llvm::SmallVector<mlir::Value>()> collect);

private:
  /// The first token and head of a group, i32; outputs (t, h), (t + 1, h),
  /// (t, h + 8), (t + 1, h + 8) have `operands`.
  struct Group {
    mlir::Value t, h, exists;
    llvm::SmallVector<mlir::Value> operands[groupOutputs];
    /// Address of the first output, in the result of each fused op; until it is
    /// finished none, when the group before it is that of the 8 tokens before.
    llvm::SmallVector<mlir::Value, 2> addresses;
  };
  void take(const OutputGroup &group, mlir::Value exists);
  void storeGates(const Group &group, size_t op,
                  llvm::ArrayRef<mlir::Value> gates);

  KernelBuilder &kernel;
  const FusedGroup &fusedGroup;
  const KernelArguments &arguments;
  TilePlace place;
  mlir::Value lastH;
  llvm::SmallVector<Group, 0> groups;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_FRAGMENTOUTPUTS_H
