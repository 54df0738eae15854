//===- Limits.h - How large a bundle may be ---------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A launch keeps everything in arrays on the stack, so it allocates nothing.
// These are their sizes; validate() rejects a bundle that needs more.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_LIMITS_H
#define INDEXER_RUNTIME_LIMITS_H

namespace indexer::runtime {

/// Loops of a fused op: t, h, d. An operand has at most as many dimensions.
constexpr unsigned kLoops = 3;
/// Dimensions of an argument or result of the entry function.
constexpr unsigned kMaxRank = 16;
/// Fused ops of the entry function.
constexpr unsigned kMaxKernels = 8;
/// Operands of a fused op, the result included.
constexpr unsigned kMaxOperands = 32;
/// Scalars of a fused op.
constexpr unsigned kMaxScalars = 32;
/// Parameters of one kernel.
constexpr unsigned kMaxParameters = 192;
/// Tensor maps among them.
constexpr unsigned kMaxTensorMaps = 4;
/// Rows or columns of the box of a tensor map (CUDA driver API,
/// cuTensorMapEncodeTiled).
constexpr unsigned kMaxBoxExtent = 256;
/// Bytes of a row of the box: the span of the 128-byte swizzle.
constexpr unsigned kMaxBoxRowBytes = 128;
/// Threads of a block: a limit of every CUDA device (CUDA C++ programming
/// guide, table of technical specifications).
constexpr unsigned kMaxThreads = 1024;
/// CTAs of a cluster: the non-portable limit of compute capability 9.0 and up.
constexpr unsigned kMaxCluster = 16;

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_LIMITS_H
