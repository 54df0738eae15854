//===- Roundings.cpp - What is known of a program's errors ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The count of roundings is the same for all elements, so it is found once
// before a program runs; likewise, which channels need storage at all.
//
//===----------------------------------------------------------------------===//
#include "Program.h"
#include <algorithm>

using namespace mlir;

namespace indexer::reference {

/// Roundings of an op that the hardware rounds within 2 ulp, and within 4 ulp:
/// an ulp is at most 2 u of the value.
static constexpr double kRoundingsOfRoot = 4, kRoundingsOfFunction = 8;

/// Roundings of the result of `instruction`, from those of its operands.
static double countRoundings(const Instruction &instruction, double a, double b,
                             double c, const RunContext &context) {
  switch (instruction.opcode) {
  case Opcode::Add:
  case Opcode::Sub:
    return std::max(a, b) + 1;
  case Opcode::Mul:
    return a + b + 1;
  case Opcode::Fma:
    return std::max(a + b, c) + 1;
  case Opcode::Div:
    return a + 1;
  case Opcode::Max:
  case Opcode::Min:
  case Opcode::MaxNum:
  case Opcode::MinNum:
    return std::max(a, b);
  case Opcode::Neg:
  case Opcode::Abs:
    return a;
  case Opcode::RoundF32:
    return a == 0 ? 0 : a + 1;
  case Opcode::Sqrt:
  case Opcode::Rsqrt:
    return kRoundingsOfRoot;
  case Opcode::Exp:
  case Opcode::Exp2:
  case Opcode::ExpM1:
  case Opcode::Log:
  case Opcode::Log2:
  case Opcode::Log1P:
  case Opcode::Tanh:
  case Opcode::Erf:
  case Opcode::Sin:
  case Opcode::Cos:
    return kRoundingsOfFunction;
  case Opcode::Pow:
    return 2 * kRoundingsOfFunction;
  case Opcode::IntToFloat:
  case Opcode::UnsignedToFloat:
    return instruction.format != Format::None && instruction.width > 24 ? 1 : 0;
  case Opcode::Select:
    return std::max(b, c);
  case Opcode::Extract:
    return context.tensors[instruction.tensor]->roundings;
  default:
    return 0;
  }
}

void propagateRoundings(Program &program, Slot *slots,
                        const RunContext &context) {
  for (Instruction &instruction : program.instructions) {
    double a = slots[instruction.a].roundings;
    double b = slots[instruction.b].roundings;
    double c = slots[instruction.c].roundings;
    instruction.errorA = gamma(a);
    instruction.errorB = gamma(b);
    slots[instruction.result].roundings =
        countRoundings(instruction, a, b, c, context);
  }
}

void propagateChannels(const Program &program,
                       MutableArrayRef<Channels> channels,
                       const RunContext &context) {
  for (const Instruction &instruction : program.instructions) {
    Channels a = channels[instruction.a];
    Channels b = channels[instruction.b];
    Channels c = channels[instruction.c];
    bool uncertain = a.flip || a.magnitude || instruction.errorA > 0;
    Channels result;
    switch (instruction.opcode) {
    case Opcode::Mul:
      // |a b| is |a| |b| in double, too.
      result = {a.magnitude || b.magnitude, a.flip || b.flip};
      break;
    case Opcode::Neg:
    case Opcode::Abs:
    case Opcode::RoundF32:
      result = a;
      break;
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Max:
    case Opcode::Min:
    case Opcode::MaxNum:
    case Opcode::MinNum:
      result = {true, a.flip || b.flip};
      break;
    case Opcode::Fma:
      result = {true, a.flip || b.flip || c.flip};
      break;
    case Opcode::Div:
      result = {true, a.flip || b.flip || instruction.errorB > 0};
      break;
    case Opcode::Pow:
    case Opcode::CompareFloat:
      uncertain |= b.flip || b.magnitude || instruction.errorB > 0;
      result = {uncertain, uncertain};
      break;
    case Opcode::Select:
      result = {a.flip || b.magnitude || c.magnitude,
                a.flip || b.flip || c.flip};
      break;
    case Opcode::Extract: {
      const RefTensor &tensor = *context.tensors[instruction.tensor];
      result = {!tensor.magnitude.empty(), !tensor.flip.empty()};
      break;
    }
    case Opcode::RoundNarrow:
    case Opcode::Floor:
    case Opcode::Ceil:
    case Opcode::RoundEven:
    case Opcode::Sqrt:
    case Opcode::Rsqrt:
    case Opcode::Exp:
    case Opcode::Exp2:
    case Opcode::ExpM1:
    case Opcode::Log:
    case Opcode::Log2:
    case Opcode::Log1P:
    case Opcode::Tanh:
    case Opcode::Erf:
    case Opcode::Sin:
    case Opcode::Cos:
    case Opcode::FloatToInt:
      result = {uncertain, uncertain};
      break;
    default:
      // Integers and conversions from them.
      result.flip = a.flip || b.flip;
      result.magnitude = result.flip;
      break;
    }
    channels[instruction.result] = result;
  }
}

} // namespace indexer::reference
