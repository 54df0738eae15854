//===- TmaBlocks.h - Blocks of an operand copied by TMA ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Copies rows of a 16-bit operand into shared memory as StagedRows does, in
// blocks of 64 columns with the 128-byte swizzle, by the copy engine: one
// thread names the box, and the bytes arrive at an mbarrier. Rows past the end
// are zeros.
//
// With multicast each CTA of a cluster copies its part of the rows into the
// shared memory of all of them, at the same place, and the bytes arrive at the
// mbarrier of each.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_TMABLOCKS_H
#define INDEXER_CODEGEN_GPU_TMABLOCKS_H

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/KernelBuilder.h"

namespace indexer {

/// What the L2 cache is told about the lines of a copy.
enum class CacheHint { None, EvictLast };

/// The blocks of one operand that a CTA copies.
class TmaBlocks {
public:
  /// Blocks of `rows` rows, a multiple of 8, from tensor map number `map` of
  /// the kernel. With `multicast` CTAs, this one is number `rank` (i32; null
  /// with 1) of them.
  TmaBlocks(const KernelArguments &arguments, unsigned map, int64_t rows,
            CacheHint hint, int64_t multicast = 1, mlir::Value rank = {})
      : tensorMap(arguments.tensorMaps[map]), rows(rows), hint(hint),
        multicast(multicast), rank(rank) {}

  /// The parameter that a kernel needs for blocks of `operand` in boxes of
  /// `boxRows` rows.
  static KernelParameterInfo parameter(unsigned operand, int64_t boxRows);

  /// Fetches the tensor map, before its first use.
  void prefetchMap(KernelBuilder &kernel) const;

  /// Starts the copies of `blocks` blocks from row `row` and column `column`
  /// (i32) on, to `target` (!llvm.ptr<3>) and the bytes behind it; they arrive
  /// at `barrier` (!llvm.ptr<3>).
  void copy(KernelBuilder &kernel, mlir::Value target, mlir::Value row,
            mlir::Value column, int64_t blocks, mlir::Value barrier) const;

  /// Brings what copy() would copy into L2. That changes nothing that a kernel
  /// can see: L2 is where the writes of all kernels meet.
  void prefetch(KernelBuilder &kernel, mlir::Value row, mlir::Value column,
                int64_t blocks) const;

  /// Bytes of a block, all parts of it.
  int64_t blockBytes() const;

private:
  mlir::Value tensorMap;
  int64_t rows;
  CacheHint hint;
  int64_t multicast;
  mlir::Value rank;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_TMABLOCKS_H
