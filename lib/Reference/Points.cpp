//===- Points.cpp - The points of a loop nest -----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops that run at every point. Results that only outer loops index are
// held in slots over the inner ones, and acc + a * b, the body of every
// contraction, has a loop of its own.
//
//===----------------------------------------------------------------------===//
#include "Execution.h"
#include <cmath>

using namespace mlir;

namespace indexer::reference {

/// Where one thread is: its slots, the iteration of each level and the offset
/// of each operand.
struct Execution::Point {
  SmallVector<Slot> slots;
  SmallVector<int64_t> counters;
  SmallVector<int64_t> offsets;
  /// Results of the program, before they become the next running elements.
  SmallVector<Slot> next;
  SmallVector<Source> inits;
};

void Execution::moveTo(Point &point, int64_t outer) const {
  point.counters.assign(space.loops.size(), 0);
  point.offsets = space.bases;
  for (unsigned level = space.numOuter; level-- > 0;) {
    point.counters[level] = outer % space.extents[level];
    outer /= space.extents[level];
    for (unsigned operand = 0; operand < point.offsets.size(); ++operand)
      point.offsets[operand] +=
          point.counters[level] * space.increments[operand][level];
  }
}

bool Execution::advance(Point &point, unsigned first, unsigned last) const {
  for (unsigned level = last; level-- > first;) {
    bool wraps = ++point.counters[level] == space.extents[level];
    int64_t steps = wraps ? 1 - space.extents[level] : 1;
    for (unsigned operand = 0; operand < point.offsets.size(); ++operand)
      point.offsets[operand] += steps * space.increments[operand][level];
    if (!wraps)
      return true;
    point.counters[level] = 0;
  }
  return false;
}

bool Execution::isLast(const Point &point, unsigned first,
                       unsigned last) const {
  for (unsigned level = first; level < last; ++level)
    if (point.counters[level] + 1 != space.extents[level])
      return false;
  return true;
}

void Execution::runMultiplyAdd(Point &point, int64_t count) const {
  const Read &readA = reads[multiplyAdd->readA];
  const Read &readB = reads[multiplyAdd->readB];
  int64_t stepA = space.increments[readA.operand].back();
  int64_t stepB = space.increments[readB.operand].back();
  int64_t a = point.offsets[readA.operand], b = point.offsets[readB.operand];
  const Source &sourceA = readA.source, &sourceB = readB.source;
  Slot &sum = point.slots[multiplyAdd->state];
  double value = sum.value, magnitude = sum.magnitude, flip = sum.flip;
  bool isPlain = !sourceA.magnitude && !sourceB.magnitude && !sourceA.flip &&
                 !sourceB.flip;
  if (isPlain) {
    const double *dataA = sourceA.values + a, *dataB = sourceB.values + b;
    for (int64_t index = 0; index < count; ++index) {
      double product = dataA[index * stepA] * dataB[index * stepB];
      value += product;
      magnitude += std::fabs(product);
    }
  } else {
    for (int64_t index = 0; index < count; ++index, a += stepA, b += stepB) {
      double valueA = sourceA.values[a], valueB = sourceB.values[b];
      double flipA = sourceA.flip ? sourceA.flip[a] : 0;
      double flipB = sourceB.flip ? sourceB.flip[b] : 0;
      value += valueA * valueB;
      magnitude += sourceA.magnitudeAt(a) * sourceB.magnitudeAt(b);
      flip +=
          std::fabs(valueA) * flipB + std::fabs(valueB) * flipA + flipA * flipB;
    }
  }
  if (!std::isfinite(value)) {
    magnitude = 0;
    flip = 0;
  } else if (std::isnan(magnitude) || std::isnan(flip)) {
    magnitude = flip = std::numeric_limits<double>::infinity();
  }
  sum.value = value;
  sum.magnitude = magnitude;
  sum.flip = flip;
}

bool Execution::runProgram(Point &point, const Program &program) {
  for (const Read &read : reads)
    read.source.load(point.slots[read.slot], point.offsets[read.operand]);
  for (auto [slot, loop] : program.loopIndices)
    for (unsigned level = 0; level < space.loops.size(); ++level)
      if (space.loops[level] == loop)
        point.slots[slot].integer = point.counters[level];
  if (const Instruction *failed =
          reference::run(program, point.slots.data(), context)) {
    failure = failed;
    return false;
  }
  // A result may be the running element of another output.
  for (unsigned output = 0; output < nest.outputs.size(); ++output)
    point.next[output] = point.slots[nest.outputs[output].result];
  for (unsigned output = 0; output < nest.outputs.size(); ++output)
    point.slots[stateSlots[output]] = point.next[output];
  return true;
}

void Execution::loadStates(Point &point) const {
  for (unsigned output = 0; output < nest.outputs.size(); ++output)
    if (nest.outputs[output].slot)
      point.inits[output].load(point.slots[stateSlots[output]],
                               point.offsets[nest.inputs.size() + output]);
}

void Execution::store(unsigned output, const Point &point, const Slot &slot) {
  int64_t offset = point.offsets[nest.inputs.size() + output];
  RefTensor &tensor = *results[output];
  if (!tensor.flip.empty())
    tensor.flip[offset] = slot.flip;
  if (tensor.isInteger) {
    tensor.integers[offset] = slot.integer;
    return;
  }
  tensor.values[offset] = slot.value;
  if (!tensor.magnitude.empty())
    tensor.magnitude[offset] = slot.magnitude;
}

bool Execution::runHeld(Point &point) {
  unsigned first = space.numOuter, last = space.loops.size();
  loadStates(point);
  if (multiplyAdd) {
    unsigned level = last - 1;
    int64_t extent = space.extents[level];
    do {
      bool endsHere = hasTail && isLast(point, first, level);
      runMultiplyAdd(point, extent - endsHere);
      if (!endsHere)
        continue;
      Point end = point;
      end.counters[level] = extent - 1;
      for (unsigned operand = 0; operand < end.offsets.size(); ++operand)
        end.offsets[operand] += (extent - 1) * space.increments[operand][level];
      if (!runProgram(end, nest.program))
        return false;
      point.slots = end.slots;
    } while (advance(point, first, level));
  } else {
    do {
      bool isWhole = !hasTail || isLast(point, first, last);
      if (!runProgram(point, isWhole ? nest.program : running))
        return false;
    } while (advance(point, first, last));
  }
  for (unsigned output = 0; output < nest.outputs.size(); ++output)
    store(output, point, point.slots[stateSlots[output]]);
  return true;
}

bool Execution::runStored(Point &point) {
  do {
    loadStates(point);
    if (!runProgram(point, nest.program))
      return false;
    for (unsigned output = 0; output < nest.outputs.size(); ++output)
      store(output, point, point.slots[stateSlots[output]]);
  } while (advance(point, space.numOuter, space.loops.size()));
  return true;
}

void Execution::runRange(int64_t begin, int64_t end) {
  Point point;
  point.slots = initialSlots;
  point.next.resize(nest.outputs.size());
  for (unsigned output = 0; output < nest.outputs.size(); ++output)
    point.inits.push_back(Source(space.heldOutputs ? *nest.outputs[output].init
                                                   : *results[output]));
  moveTo(point, begin);
  for (int64_t outer = begin; outer < end; ++outer) {
    if (failure.load(std::memory_order_relaxed))
      return;
    if (!(space.heldOutputs ? runHeld(point) : runStored(point)))
      return;
    advance(point, 0, space.numOuter);
  }
}

} // namespace indexer::reference
