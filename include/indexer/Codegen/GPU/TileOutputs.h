//===- TileOutputs.h - Outputs of a tile, by thread -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Hands the outputs of a tile, or a share of them, to the threads of a CTA. An
// output is finished in two halves: prepare() loads the operands of its
// epilogue while the operands of the sums are on their way, finish() takes the
// sum. Outputs of a tile are numbered token by token, heads fastest, so that
// neighbouring threads store neighbouring heads.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_TILEOUTPUTS_H
#define INDEXER_CODEGEN_GPU_TILEOUTPUTS_H

#include "indexer/Codegen/GPU/Epilogue.h"

#include <limits>

namespace indexer {

/// Where the tile of a CTA lies; i32. All its heads exist, its last tokens may
/// lie past the end.
struct TilePlace {
  /// Largest T whose token numbers fit, also those of a last tile past the end.
  static constexpr int64_t maxTokens =
      std::numeric_limits<int32_t>::max() - 256;

  mlir::Value firstT, firstH;
  /// T, and T - 1.
  mlir::Value endT, lastT;
  int64_t tileH = 1;

  /// Sets firstT, and endT and lastT from the extents.
  void setTokens(KernelBuilder &kernel, const KernelArguments &arguments,
                 mlir::Value first);
};

/// The outputs that the threads of one CTA finish.
class TileOutputs {
public:
  TileOutputs(KernelBuilder &kernel, const FusedGroup &group,
              const KernelArguments &arguments, const TilePlace &place,
              mlir::Value thread, int64_t threads)
      : kernel(kernel), group(group), arguments(arguments), place(place),
        thread(thread), threads(threads) {}

  /// Takes the `count` outputs from number `first` (i32; null for 0) on, and
  /// loads the operands of their epilogues.
  void prepare(mlir::Value first, int64_t count);

  /// True in the threads that finish an output; null when that cannot be said
  /// of a thread, as it has several, or is true of all. It is true of the first
  /// thread in any case.
  mlir::Value hasOutput() const {
    return outputs.size() == 1 ? outputs.front().exists : mlir::Value();
  }

  /// For each output whose token exists: the sum that `collect` gives for its
  /// number, counted from the first one taken (i32), epilogue, store.
  void finish(llvm::function_ref<mlir::Value(mlir::Value)> collect);

private:
  struct Output {
    mlir::Value number, t, h;
    /// False in threads that have no such output; null where all have.
    mlir::Value exists;
    llvm::SmallVector<mlir::Value> operands;
  };
  llvm::SmallVector<mlir::Value> loadOperands(const Output &output);

  KernelBuilder &kernel;
  const FusedGroup &group;
  const KernelArguments &arguments;
  TilePlace place;
  mlir::Value thread;
  int64_t threads;
  llvm::SmallVector<Output> outputs;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_TILEOUTPUTS_H
