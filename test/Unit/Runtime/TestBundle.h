//===- TestBundle.h - A bundle and a call for tests -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_UNIT_RUNTIME_TESTBUNDLE_H
#define INDEXER_UNIT_RUNTIME_TESTBUNDLE_H

#include "indexer-c/Runtime.h"
#include "indexer/Runtime/Bundle.h"

/// head_gate(x [T, 128] bf16, weight [H, 128] bf16, q_scale [T, H, 1] f32,
/// softmax_scale f32) -> gate [T, H, 1] f32, with two kernels: @fma for T up to
/// 16, in clusters of 4, and @plain for the others, heads first. Parameters:
/// all pointers, strides of x and of the result, extents, and two scalars.
indexer::runtime::Bundle makeHeadGate();

/// makeHeadGate() with a first kernel that takes x and weight as tensor maps
/// (parameters 0 and 1) and has 8 CTAs along x at most, and a second one that
/// serves every T.
indexer::runtime::Bundle makeTmaHeadGate();

/// makeHeadGate() with x [B, S, 128], where B and S are collapsed to T.
indexer::runtime::Bundle makeBatchedHeadGate();

/// makeHeadGate() for a merged weight [192, 128]: one kernel with the results
/// keys [T, 128] bf16 and gate [T, 64, 1] f32. Parameters: all pointers,
/// strides of the results, extents, and two scalars.
indexer::runtime::Bundle makeMergedHeadGate();

/// Arguments of one call. Pointers are made up: nothing reads behind them.
struct Call {
  /// A right call of makeHeadGate().
  Call(int64_t t, int64_t h);
  /// A right call of makeMergedHeadGate().
  static Call merged(int64_t t);
  /// Replaces the shape (and strides, if any) of argument or result `tensor`.
  void setShape(IndexerTensor &tensor, std::vector<int64_t> shape,
                std::vector<int64_t> strides = {});
  IndexerTensor &tensor(unsigned argument) {
    return arguments[argument].tensor;
  }

  std::vector<IndexerArgument> arguments;
  std::vector<IndexerTensor> results;

private:
  /// Owns what the tensors point at; each stays until the call goes away.
  std::vector<std::vector<int64_t>> numbers;
};

#endif // INDEXER_UNIT_RUNTIME_TESTBUNDLE_H
