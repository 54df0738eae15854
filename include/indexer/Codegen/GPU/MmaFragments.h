//===- MmaFragments.h - mma.sync on operands in registers -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Multiplies rows of two 16-bit operands by mma.sync.m16n8k16 without shared
// memory. The instruction (PTX ISA, "Matrix Fragments for mma.m16n8k16 with
// floating point type") gives the thread of row group g = lane / 4 and quad
// q = lane % 4 the columns 2q, 2q + 1, 2q + 8 and 2q + 9 of its rows. A sum
// over columns does not care which columns of memory these are, as long as both
// operands agree: a thread loads 16 bytes, columns 8q ... 8q + 7 of a step of
// 32, and feeds them to two instructions as they lie.
//
//   step of 32 columns:  | q0: 0..7 | q1: 8..15 | q2: 16..23 | q3: 24..31 |
//   instruction 0 takes the first four of each 8, instruction 1 the last four
//
// Rows of weight (heads) are M, rows of x (tokens) are N.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_MMAFRAGMENTS_H
#define INDEXER_CODEGEN_GPU_MMAFRAGMENTS_H

#include "indexer/Codegen/GPU/OperandFragments.h"

namespace indexer {

/// Columns that a warp consumes in one step.
constexpr int64_t mmaStep = 32;

/// Place of a thread in its CTA; all i32.
struct ThreadPosition {
  mlir::Value thread, warp;
  /// lane / 4 and lane % 4.
  mlir::Value group, quad;

  static ThreadPosition create(KernelBuilder &kernel);
};

/// The accumulators of a thread: for each block of 16 heads and block of 8
/// tokens the sums of (head, token) = (g, 2q), (g, 2q + 1), (g + 8, 2q),
/// (g + 8, 2q + 1).
struct MmaSums {
  int64_t headBlocks, tokenBlocks;
  llvm::SmallVector<mlir::Value> values;

  mlir::Value get(int64_t headBlock, int64_t tokenBlock, int64_t part) const {
    return values[(headBlock * tokenBlocks + tokenBlock) * 4 + part];
  }
};

/// Multiplies the rows of `heads` with those of `tokens`, from zero, steps in
/// ascending order. One block of 8 heads alone is padded with zeros.
/// `elementType` is bf16 or f16.
MmaSums multiplyFragments(KernelBuilder &kernel, mlir::Type elementType,
                          const OperandFragments &heads,
                          const OperandFragments &tokens);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_MMAFRAGMENTS_H
