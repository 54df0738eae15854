//===- IntegerRules.h - Integer instructions --------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integers wrap at their width; they carry only whether they are uncertain.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_INTEGERRULES_H
#define INDEXER_LIB_REFERENCE_INTEGERRULES_H

#include "Program.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <algorithm>

namespace indexer::reference {

/// An integer as `width` bits, sign-extended (0 or 1 for one bit).
inline int64_t signExtend(int64_t value, unsigned width) {
  if (width >= 64)
    return value;
  if (width == 1)
    return value & 1;
  return int64_t(uint64_t(value) << (64 - width)) >> (64 - width);
}

/// An integer as `width` bits, zero-extended.
inline uint64_t zeroExtend(int64_t value, unsigned width) {
  return width >= 64 ? uint64_t(value)
                     : uint64_t(value) & ((uint64_t(1) << width) - 1);
}

inline bool compareIntegers(int64_t a, int64_t b, unsigned width,
                            uint8_t predicate) {
  uint64_t unsignedA = zeroExtend(a, width), unsignedB = zeroExtend(b, width);
  // One bit: true is -1 when it is signed.
  if (width == 1) {
    a = -a;
    b = -b;
  }
  switch (mlir::arith::CmpIPredicate(predicate)) {
  case mlir::arith::CmpIPredicate::eq:
    return a == b;
  case mlir::arith::CmpIPredicate::ne:
    return a != b;
  case mlir::arith::CmpIPredicate::slt:
    return a < b;
  case mlir::arith::CmpIPredicate::sle:
    return a <= b;
  case mlir::arith::CmpIPredicate::sgt:
    return a > b;
  case mlir::arith::CmpIPredicate::sge:
    return a >= b;
  case mlir::arith::CmpIPredicate::ult:
    return unsignedA < unsignedB;
  case mlir::arith::CmpIPredicate::ule:
    return unsignedA <= unsignedB;
  case mlir::arith::CmpIPredicate::ugt:
    return unsignedA > unsignedB;
  case mlir::arith::CmpIPredicate::uge:
    return unsignedA >= unsignedB;
  }
  return false;
}

/// Integer arithmetic with wrap-around. False on a division by zero.
inline bool integerOp(const Instruction &instruction, Slot &result,
                      const Slot &slotA, const Slot &slotB) {
  unsigned width = instruction.width;
  int64_t a = slotA.integer, b = slotB.integer;
  uint64_t ua = zeroExtend(a, width), ub = zeroExtend(b, width);
  int64_t value = 0;
  // The one signed quotient that overflows wraps.
  bool negates = b == -1;
  switch (instruction.opcode) {
  case Opcode::AddI:
    value = int64_t(uint64_t(a) + uint64_t(b));
    break;
  case Opcode::SubI:
    value = int64_t(uint64_t(a) - uint64_t(b));
    break;
  case Opcode::MulI:
    value = int64_t(uint64_t(a) * uint64_t(b));
    break;
  case Opcode::DivS:
  case Opcode::RemS:
  case Opcode::FloorDivS:
  case Opcode::CeilDivS: {
    if (b == 0)
      return false;
    int64_t quotient = negates ? int64_t(0 - uint64_t(a)) : a / b;
    int64_t rest = negates ? 0 : a % b;
    bool sameSign = (rest < 0) == (b < 0);
    value = instruction.opcode == Opcode::RemS ? rest : quotient;
    if (instruction.opcode == Opcode::FloorDivS && rest != 0 && !sameSign)
      --value;
    if (instruction.opcode == Opcode::CeilDivS && rest != 0 && sameSign)
      ++value;
    break;
  }
  case Opcode::DivU:
  case Opcode::RemU:
    if (ub == 0)
      return false;
    value = int64_t(instruction.opcode == Opcode::DivU ? ua / ub : ua % ub);
    break;
  case Opcode::MaxS:
    value = std::max(a, b);
    break;
  case Opcode::MinS:
    value = std::min(a, b);
    break;
  case Opcode::MaxU:
    value = int64_t(std::max(ua, ub));
    break;
  case Opcode::MinU:
    value = int64_t(std::min(ua, ub));
    break;
  case Opcode::And:
    value = a & b;
    break;
  case Opcode::Or:
    value = a | b;
    break;
  case Opcode::Xor:
    value = a ^ b;
    break;
  case Opcode::Shl:
    value = ub < width ? int64_t(ua << ub) : 0;
    break;
  case Opcode::ShrS:
    value = a >> std::min<uint64_t>(ub, 63);
    break;
  default:
    value = ub < width ? int64_t(ua >> ub) : 0;
    break;
  }
  result.integer = signExtend(value, width);
  result.flip = std::max(slotA.flip, slotB.flip);
  return true;
}

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_INTEGERRULES_H
