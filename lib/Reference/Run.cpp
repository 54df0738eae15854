//===- Run.cpp - Instructions and their error channels --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One instruction: its value in double and the rules of Value.h for its
// magnitude and flip allowance.
//
//===----------------------------------------------------------------------===//
#include "FloatRules.h"
#include "IntegerRules.h"
#include "Program.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace indexer::reference {

void writeSlot(Slot &slot, const RefScalar &scalar) {
  slot.value = scalar.element.value;
  slot.magnitude = scalar.element.magnitude;
  slot.flip = scalar.element.flip;
  slot.roundings = scalar.element.roundings;
  slot.integer = scalar.integer;
}

RefScalar readSlot(const Slot &slot, Type type) {
  RefScalar scalar;
  scalar.element.flip = slot.flip;
  scalar.isInteger = getElementTypeOrSelf(type).isIntOrIndex();
  if (scalar.isInteger) {
    scalar.integer = slot.integer;
    return scalar;
  }
  scalar.element.value = slot.value;
  scalar.element.magnitude = slot.magnitude;
  scalar.element.roundings = slot.roundings;
  return scalar;
}

/// A float from an integer; an uncertain integer says nothing about the value,
/// except that a bit is 0 or 1.
static void fromInteger(const Instruction &instruction, Slot &result,
                        const Slot &a, bool isUnsigned) {
  unsigned width = instruction.width;
  if (isUnsigned)
    result.value = double(zeroExtend(a.integer, width));
  else
    result.value = double(width == 1 ? -a.integer : a.integer);
  result.flip = a.flip == 0 ? 0 : width == 1 ? 1 : kInfinity;
  result.magnitude = std::fabs(result.value) + result.flip;
}

/// An integer from a float, towards zero; saturated, which C++ leaves open.
static void toInteger(const Instruction &instruction, Slot &result,
                      const Slot &a) {
  auto convert = [](double value) {
    double whole = std::trunc(value);
    if (!(std::fabs(whole) < 0x1p63))
      return whole < 0 ? INT64_MIN : std::isnan(whole) ? 0 : INT64_MAX;
    return int64_t(whole);
  };
  double delta = a.flip + instruction.errorA * a.magnitude;
  result.integer = signExtend(convert(a.value), instruction.width);
  result.flip =
      delta > 0 && convert(a.value - delta) != convert(a.value + delta) ? 1 : 0;
}

/// Reads an element of a captured tensor. False when out of bounds.
static bool extract(const Program &program, const Instruction &instruction,
                    Slot *slots, const RunContext &context) {
  const RefTensor &tensor = *context.tensors[instruction.tensor];
  int64_t offset = 0;
  for (unsigned dim = 0; dim < instruction.numIndices; ++dim) {
    int64_t index =
        slots[program.indexSlots[instruction.firstIndex + dim]].integer;
    if (index < 0 || index >= tensor.shape[dim])
      return false;
    offset = offset * tensor.shape[dim] + index;
  }
  writeSlot(slots[instruction.result], tensor.scalar(offset));
  return true;
}

const Instruction *run(const Program &program, Slot *slots,
                       const RunContext &context) {
  for (const Instruction &instruction : program.instructions) {
    Slot &result = slots[instruction.result];
    const Slot &a = slots[instruction.a];
    const Slot &b = slots[instruction.b];
    double error = instruction.errorA;
    auto monotone = [&](auto function, double lowest = -kInfinity) {
      applyMonotone(result, a, error, lowest, function);
    };
    switch (instruction.opcode) {
    case Opcode::Add:
      result.value = a.value + b.value;
      result.magnitude = a.magnitude + b.magnitude;
      result.flip = a.flip + b.flip;
      normalize(result);
      break;
    case Opcode::Sub:
      result.value = a.value - b.value;
      result.magnitude = a.magnitude + b.magnitude;
      result.flip = a.flip + b.flip;
      normalize(result);
      break;
    case Opcode::Mul:
      multiply(result, a.value, a.magnitude, a.flip, b.value, b.magnitude,
               b.flip);
      break;
    case Opcode::Fma: {
      const Slot &c = slots[instruction.c];
      multiply(result, a.value, a.magnitude, a.flip, b.value, b.magnitude,
               b.flip);
      result.value = std::fma(a.value, b.value, c.value);
      result.magnitude += c.magnitude;
      result.flip += c.flip;
      normalize(result);
      break;
    }
    case Opcode::Div:
      divide(result, a, b, instruction.errorB);
      break;
    case Opcode::Max:
      extremum(result, a, b, /*larger=*/true, /*ignoresNaN=*/false);
      break;
    case Opcode::Min:
      extremum(result, a, b, /*larger=*/false, /*ignoresNaN=*/false);
      break;
    case Opcode::MaxNum:
      extremum(result, a, b, /*larger=*/true, /*ignoresNaN=*/true);
      break;
    case Opcode::MinNum:
      extremum(result, a, b, /*larger=*/false, /*ignoresNaN=*/true);
      break;
    case Opcode::Neg:
      result.value = -a.value;
      result.magnitude = a.magnitude;
      result.flip = a.flip;
      break;
    case Opcode::Abs:
      result.value = std::fabs(a.value);
      result.magnitude = a.magnitude;
      result.flip = a.flip;
      break;
    case Opcode::RoundNarrow:
      monotone([&](double v) { return roundTo(v, instruction.format); });
      break;
    case Opcode::RoundF32:
      result.value = roundTo(a.value, Format::F32);
      result.magnitude =
          a.magnitude + (std::fabs(result.value) - std::fabs(a.value));
      result.flip = a.flip;
      normalize(result);
      break;
    case Opcode::Sqrt:
      monotone([](double v) { return std::sqrt(v); }, 0);
      break;
    case Opcode::Rsqrt:
      monotone([](double v) { return 1 / std::sqrt(v); }, 0);
      break;
    case Opcode::Exp:
      monotone([](double v) { return std::exp(v); });
      break;
    case Opcode::Exp2:
      monotone([](double v) { return std::exp2(v); });
      break;
    case Opcode::ExpM1:
      monotone([](double v) { return std::expm1(v); });
      break;
    case Opcode::Log:
      monotone([](double v) { return std::log(v); }, 0);
      break;
    case Opcode::Log2:
      monotone([](double v) { return std::log2(v); }, 0);
      break;
    case Opcode::Log1P:
      monotone([](double v) { return std::log1p(v); }, -1);
      break;
    case Opcode::Tanh:
      monotone([](double v) { return std::tanh(v); });
      break;
    case Opcode::Erf:
      monotone([](double v) { return std::erf(v); });
      break;
    case Opcode::Sin:
      applyLipschitz(result, a, error, std::sin(a.value));
      break;
    case Opcode::Cos:
      applyLipschitz(result, a, error, std::cos(a.value));
      break;
    case Opcode::Pow:
      power(result, a, b, error, instruction.errorB);
      break;
    case Opcode::Floor:
      monotone([](double v) { return std::floor(v); });
      break;
    case Opcode::Ceil:
      monotone([](double v) { return std::ceil(v); });
      break;
    case Opcode::RoundEven:
      monotone([](double v) { return std::nearbyint(v); });
      break;
    case Opcode::IntToFloat:
      fromInteger(instruction, result, a, /*isUnsigned=*/false);
      break;
    case Opcode::UnsignedToFloat:
      fromInteger(instruction, result, a, /*isUnsigned=*/true);
      break;
    case Opcode::FloatToInt:
      toInteger(instruction, result, a);
      break;
    case Opcode::CompareFloat:
      compareFloats(result, a, b, instruction);
      break;
    case Opcode::Select:
      select(result, a, b, slots[instruction.c]);
      break;
    case Opcode::CompareInt:
      result.integer = compareIntegers(a.integer, b.integer, instruction.width,
                                       instruction.predicate);
      result.flip = std::max(a.flip, b.flip);
      break;
    case Opcode::ExtS:
      // Only here is a true bit -1.
      result.integer = instruction.width == 1
                           ? -(a.integer & 1)
                           : signExtend(a.integer, instruction.width);
      result.flip = a.flip;
      break;
    case Opcode::ExtU:
      result.integer = int64_t(zeroExtend(a.integer, instruction.width));
      result.flip = a.flip;
      break;
    case Opcode::TruncI:
      result.integer = signExtend(a.integer, instruction.width);
      result.flip = a.flip;
      break;
    case Opcode::Extract:
      if (!extract(program, instruction, slots, context))
        return &instruction;
      break;
    case Opcode::Assert:
      if (a.integer == 0)
        return &instruction;
      break;
    default:
      if (!integerOp(instruction, result, a, b))
        return &instruction;
      break;
    }
  }
  return nullptr;
}

void reportFailure(const Instruction &instruction) {
  InFlightDiagnostic error = instruction.op->emitError();
  if (auto assertion = dyn_cast<cf::AssertOp>(instruction.op))
    error << "assertion failed: " << assertion.getMsg();
  else if (instruction.opcode == Opcode::Extract)
    error << "'" << instruction.op->getName()
          << "' reads an element out of bounds";
  else
    error << "'" << instruction.op->getName() << "' divides by zero";
}

} // namespace indexer::reference
