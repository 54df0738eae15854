//===- IterationSpace.h - Extents, order and strides of loops ---*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The geometry of a loop nest, apart from what it computes.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_ITERATIONSPACE_H
#define INDEXER_LIB_REFERENCE_ITERATIONSPACE_H

#include "LoopNest.h"

namespace indexer::reference {

/// Loops in the order in which they run: `numOuter` that every output is
/// indexed by, then the others.
struct IterationSpace {
  /// Loop of the op at each level, and its extent.
  mlir::SmallVector<unsigned> loops;
  mlir::SmallVector<int64_t> extents;
  unsigned numOuter = 0;
  /// Whether every output is indexed by outer loops only.
  bool heldOutputs = true;
  /// Linear offset of each operand (inputs, then outputs) at the first point,
  /// and its increment at each level.
  mlir::SmallVector<int64_t> bases;
  mlir::SmallVector<mlir::SmallVector<int64_t>> increments;

  int64_t outerSize() const;
  int64_t innerSize() const;
};

/// Emits an error at the op when the extents do not fit together or when a map
/// is not a sum of multiples of loops.
mlir::FailureOr<IterationSpace> makeIterationSpace(const LoopNest &nest);

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_ITERATIONSPACE_H
