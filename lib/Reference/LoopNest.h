//===- LoopNest.h - A program over an iteration space -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs a program at every point of a linalg op's iteration space. Operands are
// walked as linear offsets with one increment for each loop. Loops that every
// output is indexed by run outside and are split over threads; the others keep
// their order inside, with the running results in slots.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_LOOPNEST_H
#define INDEXER_LIB_REFERENCE_LOOPNEST_H

#include "Program.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include <optional>

namespace indexer::reference {

/// An operand: a tensor read through an affine map, or a scalar.
struct LoopInput {
  RefValue value;
  /// Loops to dimensions of the tensor; no results for a scalar.
  mlir::AffineMap map;
  /// Slot of the element; none when it is not read.
  std::optional<unsigned> slot;
};

/// A destination. Its initial contents are an operand of the program.
struct LoopOutput {
  std::shared_ptr<const RefTensor> init;
  mlir::AffineMap map;
  /// Slot of the element before, none when it is not read.
  std::optional<unsigned> slot;
  /// Slot of the element after.
  unsigned result = 0;
};

struct LoopNest {
  /// Where errors are reported.
  mlir::Operation *op = nullptr;
  Program program;
  mlir::SmallVector<mlir::utils::IteratorType> iterators;
  mlir::SmallVector<LoopInput> inputs;
  mlir::SmallVector<LoopOutput> outputs;
  /// Values of program.captures and program.tensors, in order.
  mlir::SmallVector<RefScalar> captures;
  mlir::SmallVector<std::shared_ptr<const RefTensor>> tensors;
};

/// Runs `nest` and returns one tensor for each output. Emits an error when the
/// extents do not fit together or a point fails.
mlir::FailureOr<mlir::SmallVector<RefValue>> runLoopNest(LoopNest &nest,
                                                         unsigned threads);

/// A tensor with every element undefined: NaN, or 0 for integers.
std::shared_ptr<RefTensor> undefinedTensor(mlir::ArrayRef<int64_t> shape,
                                           bool isInteger);

/// Whether a tensor of `shape` has a negative extent or more elements than the
/// reference accepts, 2^32.
bool isTooLarge(mlir::ArrayRef<int64_t> shape);

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_LOOPNEST_H
