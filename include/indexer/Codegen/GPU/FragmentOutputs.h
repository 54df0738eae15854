//===- FragmentOutputs.h - Outputs of a wgmma tile, by thread ---*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Outputs of a tile of 64 heads, numbered as the accumulators of wgmma lie in
// registers, so that sums are sent and stored without a detour. 4 outputs,
// those of one thread in a block of 8 tokens, are a group:
//
//   group = (block of 8 tokens * 4 + block of 16 heads) * 32 + lane
//
// TileOutputs is the counterpart for tiles whose sums are in shared memory.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_FRAGMENTOUTPUTS_H
#define INDEXER_CODEGEN_GPU_FRAGMENTOUTPUTS_H

#include "indexer/Codegen/GPU/TileOutputs.h"

namespace indexer {

/// Outputs of a group, and groups of a block of 8 tokens.
constexpr int64_t groupOutputs = 4, blockGroups = 128;

/// The outputs that one thread finishes, in two halves as in TileOutputs.
class FragmentOutputs {
public:
  /// `lastH` (i32) is the last head, null when all heads of the tile exist.
  FragmentOutputs(KernelBuilder &kernel, const FusedOp &fused,
                  const KernelArguments &arguments, const TilePlace &place,
                  mlir::Value lastH)
      : kernel(kernel), fused(fused), arguments(arguments), place(place),
        lastH(lastH) {}

  /// Takes the group `group` (i32, one of the tile), and loads the operands of
  /// its epilogues. Threads where `exists` (i1) is false do not finish it; null
  /// when all do.
  void prepare(mlir::Value group, mlir::Value exists);

  /// The number of groups taken.
  int64_t size() const { return groups.size(); }

  /// Group `index` of those taken: epilogue of the 4 sums that `collect` gives,
  /// store of the outputs that are inside. Sums are asked for in threads that
  /// finish the group only.
  void finish(int64_t index,
              llvm::function_ref<llvm::SmallVector<mlir::Value>()> collect);

private:
  struct Output {
    mlir::Value t, h;
    llvm::SmallVector<mlir::Value> operands;
  };
  struct Group {
    mlir::Value exists;
    llvm::SmallVector<Output, 0> outputs;
  };

  KernelBuilder &kernel;
  const FusedOp &fused;
  const KernelArguments &arguments;
  TilePlace place;
  mlir::Value lastH;
  llvm::SmallVector<Group, 0> groups;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_FRAGMENTOUTPUTS_H
