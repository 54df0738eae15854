//===- LoopNest.cpp - A program over an iteration space -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds roundings and channels, allocates the results and starts the threads.
//
//===----------------------------------------------------------------------===//
#include "LoopNest.h"
#include "Execution.h"
#include "llvm/ADT/SmallBitVector.h"
#include <algorithm>
#include <thread>

using namespace mlir;

namespace indexer::reference {

/// Below this many points a thread costs more than it saves.
static constexpr int64_t kPointsPerThread = 1 << 14;

std::shared_ptr<RefTensor> undefinedTensor(ArrayRef<int64_t> shape,
                                           bool isInteger) {
  auto tensor = std::make_shared<RefTensor>();
  tensor->shape.assign(shape.begin(), shape.end());
  tensor->isInteger = isInteger;
  if (isInteger)
    tensor->integers.assign(tensor->size(), 0);
  else
    tensor->values.assign(tensor->size(),
                          std::numeric_limits<double>::quiet_NaN());
  return tensor;
}

bool isTooLarge(ArrayRef<int64_t> shape) {
  int64_t size = 1, limit = int64_t(1) << 32;
  bool isEmpty = llvm::is_contained(shape, 0);
  for (int64_t extent : shape) {
    if (extent < 0 || (!isEmpty && extent > limit / size))
      return true;
    size *= isEmpty ? 1 : extent;
  }
  return false;
}

void Execution::prepareSlots() {
  Program &program = nest.program;
  for (LoopOutput &output : nest.outputs)
    stateSlots.push_back(output.slot ? *output.slot : program.numSlots++);
  initialSlots.resize(program.numSlots);
  channels.resize(program.numSlots);
  auto setScalar = [&](unsigned slot, const RefScalar &scalar) {
    writeSlot(initialSlots[slot], scalar);
    RefElement exact = RefElement::exact(scalar.element.value);
    channels[slot] = {scalar.element.magnitude != exact.magnitude,
                      scalar.element.flip != 0};
  };
  for (auto &[slot, scalar] : program.constants)
    setScalar(slot, scalar);
  for (auto [capture, scalar] : llvm::zip(program.captures, nest.captures))
    setScalar(capture.first, scalar);
  for (auto &tensor : nest.tensors)
    tensors.push_back(tensor.get());
  context.tensors = tensors;
  for (auto [number, input] : llvm::enumerate(nest.inputs)) {
    if (!input.slot)
      continue;
    if (auto *scalar = std::get_if<RefScalar>(&input.value)) {
      setScalar(*input.slot, *scalar);
      continue;
    }
    const RefTensor &tensor = *std::get<0>(input.value);
    initialSlots[*input.slot].roundings = tensor.roundings;
    channels[*input.slot] = {!tensor.magnitude.empty(), !tensor.flip.empty()};
    reads.push_back({*input.slot, unsigned(number), Source(tensor)});
  }
  for (auto [number, output] : llvm::enumerate(nest.outputs)) {
    if (!output.slot)
      continue;
    const RefTensor &init = *output.init;
    initialSlots[stateSlots[number]].roundings = init.roundings;
    channels[stateSlots[number]] = {!init.magnitude.empty(),
                                    !init.flip.empty()};
  }
}

void Execution::countRoundings() {
  SmallVector<double> before(stateSlots.size()), step(stateSlots.size());
  int64_t count = space.innerSize();
  for (int64_t done = 0; done < count; ++done) {
    propagateRoundings(nest.program, initialSlots.data(), context);
    bool isSteady = done > 8;
    for (auto [number, output] : llvm::enumerate(nest.outputs)) {
      double &state = initialSlots[stateSlots[number]].roundings;
      double now = initialSlots[output.result].roundings;
      // So many roundings say nothing; what comes after them does not matter.
      bool isUseless = !(now * kUnitRoundoff < 1);
      isSteady &= isUseless || now - before[number] == step[number];
      step[number] = isUseless ? 0 : now - before[number];
      before[number] = now;
      if (done + 1 < count && output.slot)
        state = now;
    }
    if (!isSteady || done + 2 >= count)
      continue;
    // The same step at every further iteration: skip all but the last.
    for (auto [number, output] : llvm::enumerate(nest.outputs)) {
      before[number] += step[number] * double(count - done - 2);
      if (output.slot)
        initialSlots[stateSlots[number]].roundings = before[number];
    }
    propagateRoundings(nest.program, initialSlots.data(), context);
    break;
  }
}

void Execution::findChannels() {
  // A channel once needed stays needed: a few rounds reach the fixed point.
  for (bool changed = true; changed;) {
    changed = false;
    propagateChannels(nest.program, channels, context);
    for (auto [number, output] : llvm::enumerate(nest.outputs)) {
      Channels &state = channels[stateSlots[number]];
      Channels next = {state.magnitude || channels[output.result].magnitude,
                       state.flip || channels[output.result].flip};
      changed |= next.magnitude != state.magnitude || next.flip != state.flip;
      state = next;
    }
  }
}

void Execution::allocateResults() {
  bool isEmpty = space.innerSize() == 0;
  for (auto [number, output] : llvm::enumerate(nest.outputs)) {
    auto result = std::make_shared<RefTensor>();
    result->shape = output.init->shape;
    result->isInteger = output.init->isInteger;
    Channels needed = channels[stateSlots[number]];
    if (isEmpty || !space.heldOutputs)
      *result = *output.init;
    if (isEmpty) {
      results.push_back(std::move(result));
      continue;
    }
    int64_t size = result->size();
    if (result->isInteger)
      result->integers.resize(size);
    else
      result->values.resize(size);
    bool fills = result->magnitude.empty();
    if (needed.magnitude && !result->isInteger) {
      result->magnitude.resize(size);
      if (fills && !space.heldOutputs)
        for (int64_t index = 0; index < size; ++index)
          result->magnitude[index] =
              RefElement::exact(result->values[index]).magnitude;
    }
    if (needed.flip)
      result->flip.resize(size);
    result->roundings =
        std::max(initialSlots[output.result].roundings,
                 space.heldOutputs ? 0.0 : output.init->roundings);
    results.push_back(std::move(result));
  }
}

/// Whether an instruction must run at every point because it may report an
/// error.
static bool canFail(Opcode opcode) {
  switch (opcode) {
  case Opcode::DivS:
  case Opcode::DivU:
  case Opcode::RemS:
  case Opcode::RemU:
  case Opcode::FloorDivS:
  case Opcode::CeilDivS:
  case Opcode::Extract:
  case Opcode::Assert:
    return true;
  default:
    return false;
  }
}

void Execution::splitProgram() {
  running = nest.program;
  llvm::SmallBitVector needed(nest.program.numSlots);
  for (const LoopOutput &output : nest.outputs)
    if (output.slot)
      needed.set(output.result);
  SmallVector<Instruction> kept;
  for (const Instruction &instruction :
       llvm::reverse(nest.program.instructions)) {
    if (!needed.test(instruction.result) && !canFail(instruction.opcode))
      continue;
    kept.push_back(instruction);
    needed.set(instruction.a);
    needed.set(instruction.b);
    needed.set(instruction.c);
    for (unsigned index = 0; index < instruction.numIndices; ++index)
      needed.set(nest.program.indexSlots[instruction.firstIndex + index]);
  }
  running.instructions.assign(kept.rbegin(), kept.rend());
  hasTail = kept.size() != nest.program.instructions.size();
}

std::optional<MultiplyAdd> Execution::matchMultiplyAdd() const {
  if (running.instructions.size() != 2 || !space.heldOutputs ||
      space.extents.size() == space.numOuter)
    return std::nullopt;
  const Instruction &mul = running.instructions[0];
  const Instruction &add = running.instructions[1];
  if (mul.opcode != Opcode::Mul || add.opcode != Opcode::Add)
    return std::nullopt;
  std::optional<unsigned> state;
  for (auto [number, output] : llvm::enumerate(nest.outputs)) {
    if (!output.slot)
      continue;
    if (state || output.result != add.result)
      return std::nullopt;
    state = stateSlots[number];
  }
  bool isSum = state && ((add.a == *state && add.b == mul.result) ||
                         (add.b == *state && add.a == mul.result));
  auto readOf = [&](unsigned slot) -> const Read * {
    return llvm::find_if(reads,
                         [&](const Read &read) { return read.slot == slot; });
  };
  const Read *a = readOf(mul.a), *b = readOf(mul.b);
  if (!isSum || a == reads.end() || b == reads.end())
    return std::nullopt;
  return MultiplyAdd{*state, unsigned(a - reads.begin()),
                     unsigned(b - reads.begin())};
}

FailureOr<SmallVector<RefValue>> Execution::run(unsigned threads) {
  prepareSlots();
  countRoundings();
  findChannels();
  allocateResults();
  splitProgram();
  multiplyAdd = matchMultiplyAdd();
  int64_t outer = space.outerSize(), inner = space.innerSize();
  if (outer > 0 && inner > 0) {
    // Few points are worth a thread only when there are enough of them.
    int64_t useful = std::max<int64_t>(1, outer * inner / kPointsPerThread);
    int64_t count = std::min({int64_t(threads), useful, outer});
    SmallVector<std::thread> pool;
    for (int64_t thread = 1; thread < count; ++thread)
      pool.emplace_back([this, outer, count, thread] {
        runRange(outer * thread / count, outer * (thread + 1) / count);
      });
    runRange(0, outer / count);
    for (std::thread &thread : pool)
      thread.join();
  }
  if (const Instruction *failed = failure) {
    reportFailure(*failed);
    return mlir::failure();
  }
  SmallVector<RefValue> values;
  for (auto &result : results)
    values.push_back(std::shared_ptr<const RefTensor>(std::move(result)));
  return values;
}

FailureOr<SmallVector<RefValue>> runLoopNest(LoopNest &nest, unsigned threads) {
  FailureOr<IterationSpace> space = makeIterationSpace(nest);
  if (failed(space))
    return failure();
  return Execution(nest, *space).run(threads);
}

} // namespace indexer::reference
