//===- StagedRows.h - Rows copied into shared memory ------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Copies rows of a 16-bit operand into shared memory as wgmma reads them:
// blocks of 64 columns, a row of a block is 128 bytes, and within each 8 rows
// the 16-byte chunks change places (PTX ISA, "Matrix Descriptor Format",
// 128-byte swizzle):
//
//   chunk c of row r of a block lies at byte 128 * r + 16 * (c xor r % 8)
//
// A block is aligned to 1024 bytes, 8 rows. A thread copies 16 bytes at a time
// by cp.async, always the same chunk of a row: 8 neighbours read a whole line
// of global memory. Rows past the end are copied from the last row.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_STAGEDROWS_H
#define INDEXER_CODEGEN_GPU_STAGEDROWS_H

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/KernelBuilder.h"

namespace indexer {

/// Columns, bytes of a row, of a block in shared memory.
constexpr int64_t swizzleColumns = 64, swizzleRowBytes = 128;

/// A stage that is ready for wgmma: addresses of its first block of weight and
/// of x, !llvm.ptr<3>.
struct Stage {
  mlir::Value heads, tokens;
};

/// The rows of one operand that a CTA copies.
class StagedRows {
public:
  /// Rows of `operand` from `first` on along `loop` (i32), `count` of them, a
  /// multiple of 8; no row after `last` (i32) is read, null when all exist.
  /// Columns start at `firstD` (i32). `threads` copy, a multiple of 64; this
  /// one is number `thread` (i32).
  StagedRows(KernelBuilder &kernel, const KernelOperand &operand, unsigned loop,
             mlir::Value first, int64_t count, mlir::Value last,
             mlir::Value firstD, mlir::Value thread, int64_t threads);

  /// Starts the copies of `blocks` blocks, from column `column` (i64, counted
  /// from firstD) on, to `target` (!llvm.ptr<3>) and the bytes behind it.
  void copy(KernelBuilder &kernel, mlir::Value target, mlir::Value column,
            int64_t blocks) const;

  /// Bytes of a block.
  int64_t blockBytes() const { return count * swizzleRowBytes; }

private:
  const KernelOperand &operand;
  int64_t count;
  /// Rows between two copies of a thread.
  int64_t rowStep;
  /// Number of the thread's first row in a block, i32, and where its chunk of
  /// that row lies in a block, in bytes, i32.
  mlir::Value row, place;
  /// Address of the thread's chunk of each of its rows.
  llvm::SmallVector<mlir::Value> sources;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_STAGEDROWS_H
