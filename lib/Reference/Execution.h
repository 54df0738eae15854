//===- Execution.h - A loop nest while it runs ------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the threads of one loop nest share.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_EXECUTION_H
#define INDEXER_LIB_REFERENCE_EXECUTION_H

#include "IterationSpace.h"
#include <atomic>

namespace indexer::reference {

/// The channels of a tensor as plain pointers; null where there is none.
struct Source {
  explicit Source(const RefTensor &tensor)
      : values(tensor.values.data()), integers(tensor.integers.data()),
        magnitude(tensor.magnitude.empty() ? nullptr : tensor.magnitude.data()),
        flip(tensor.flip.empty() ? nullptr : tensor.flip.data()),
        isInteger(tensor.isInteger) {}

  /// Puts the element at `offset` into `slot`.
  void load(Slot &slot, int64_t offset) const {
    slot.flip = flip ? flip[offset] : 0;
    if (isInteger) {
      slot.integer = integers[offset];
      return;
    }
    double value = values[offset];
    slot.value = value;
    slot.magnitude = magnitudeAt(offset);
  }
  /// Magnitude of the float element at `offset`.
  double magnitudeAt(int64_t offset) const {
    if (magnitude)
      return magnitude[offset];
    double size = std::fabs(values[offset]);
    return size <= std::numeric_limits<double>::max() ? size : 0;
  }

  const double *values;
  const int64_t *integers;
  const double *magnitude;
  const double *flip;
  bool isInteger;
};

/// acc + a * b: the slot of acc, and which reads a and b are.
struct MultiplyAdd {
  unsigned state, readA, readB;
};

/// What all threads share.
class Execution {
public:
  Execution(LoopNest &nest, const IterationSpace &space)
      : nest(nest), space(space) {}

  /// Runs all points. Emits an error if one fails.
  mlir::FailureOr<mlir::SmallVector<RefValue>> run(unsigned threads);

private:
  /// Puts constants, captures and scalars into the slots.
  void prepareSlots();
  /// Counts along the inner loops, in which a running result gains roundings at
  /// each step; the last step has the most.
  void countRoundings();
  /// Finds which channels the results need, over all iterations.
  void findChannels();
  /// Makes the results; they start as the initial contents where a point may
  /// read them or leave them.
  void allocateResults();
  /// Finds the instructions that running results depend on.
  void splitProgram();
  /// Whether that part is acc + a * b of two tensors' elements.
  std::optional<MultiplyAdd> matchMultiplyAdd() const;

  /// Runs outer points `begin` to `end`; one call for each thread.
  void runRange(int64_t begin, int64_t end);

  struct Point;
  /// Moves to the first inner point of outer point `outer`.
  void moveTo(Point &point, int64_t outer) const;
  /// Moves to the next point of levels `first` to `last`; false after the last.
  bool advance(Point &point, unsigned first, unsigned last) const;
  /// Whether levels `first` to `last` are at their last iteration.
  bool isLast(const Point &point, unsigned first, unsigned last) const;
  /// Runs all inner points of one outer point with the running elements in
  /// slots, or each loaded and stored. False when a point fails.
  bool runHeld(Point &point);
  bool runStored(Point &point);
  /// Runs `program` at this point and updates the running elements.
  bool runProgram(Point &point, const Program &program);
  /// The first `count` iterations of the innermost loop of acc + a * b.
  void runMultiplyAdd(Point &point, int64_t count) const;
  /// Loads the running elements that the program reads.
  void loadStates(Point &point) const;
  void store(unsigned output, const Point &point, const Slot &slot);

  LoopNest &nest;
  const IterationSpace &space;
  RunContext context;
  mlir::SmallVector<const RefTensor *> tensors;
  /// Slots before the first point: constants, captures, scalars.
  mlir::SmallVector<Slot> initialSlots;
  mlir::SmallVector<Channels> channels;
  /// Slot of each output's running element.
  mlir::SmallVector<unsigned> stateSlots;
  /// Tensors that are read at each point: slot, operand number, channels.
  struct Read {
    unsigned slot, operand;
    Source source;
  };
  mlir::SmallVector<Read> reads;
  mlir::SmallVector<std::shared_ptr<RefTensor>> results;
  /// The part of the program that running results depend on: with results
  /// held in slots, the rest is only needed at the last inner point.
  Program running;
  bool hasTail = false;
  std::optional<MultiplyAdd> multiplyAdd;
  std::atomic<const Instruction *> failure{nullptr};
};

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_EXECUTION_H
