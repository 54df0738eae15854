//===- FloatRules.h - Float instructions with their channels ----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules of Value.h for the value, the magnitude and the flip allowance of a
// float. They run once for each point, hence inline.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_FLOATRULES_H
#define INDEXER_LIB_REFERENCE_FLOATRULES_H

#include "Program.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <algorithm>

namespace indexer::reference {

/// The one that an allowance is when nothing can be said.
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Brings the channels of a result into their normal form: infinities and NaN
/// are exact, an allowance that is not a number is infinite.
inline void normalize(Slot &slot) {
  if (!std::isfinite(slot.value)) {
    slot.magnitude = 0;
    slot.flip = 0;
  } else if (std::isnan(slot.magnitude) || std::isnan(slot.flip)) {
    slot.magnitude = kInfinity;
    slot.flip = kInfinity;
  }
}

/// Larger of two distances from `center`; infinite when one is not a number.
inline double spread(double center, double low, double high) {
  if (low == high && low == center)
    return 0;
  double result = std::max(std::fabs(low - center), std::fabs(high - center));
  return std::isnan(low - center) || std::isnan(high - center) ? kInfinity
                                                               : result;
}

/// Applies a monotone `function` to `a`: its uncertainty becomes flip.
template <typename Function>
inline void applyMonotone(Slot &result, const Slot &a, double error,
                          double lowest, Function function) {
  double value = a.value;
  result.value = function(value);
  double delta = a.flip + (error == 0 ? 0 : error * a.magnitude);
  double flip = 0;
  if (delta > 0 && std::isfinite(value))
    flip = spread(result.value, function(std::max(value - delta, lowest)),
                  function(value + delta));
  result.flip = flip;
  result.magnitude = std::fabs(result.value) + flip;
  if (std::isnan(result.value)) {
    result.magnitude = 0;
    result.flip = 0;
  } else if (std::isinf(result.value)) {
    // A positive flip stays: the execution may have a finite value there.
    result.magnitude = 0;
  }
}

/// Sine and cosine: no step is larger than that of the argument.
inline void applyLipschitz(Slot &result, const Slot &a, double error,
                           double value) {
  result.value = value;
  result.flip = std::min(a.flip + error * a.magnitude, 2.0);
  result.magnitude = std::fabs(value) + result.flip;
  normalize(result);
}

/// a * b, with the channels of a and b.
inline void multiply(Slot &result, double a, double magnitudeA, double flipA,
                     double b, double magnitudeB, double flipB) {
  result.value = a * b;
  result.magnitude = magnitudeA * magnitudeB;
  result.flip =
      flipA == 0 && flipB == 0
          ? 0
          : std::fabs(a) * flipB + std::fabs(b) * flipA + flipA * flipB;
  normalize(result);
}

/// a / b: the reciprocal of b takes all uncertainty of b.
inline void divide(Slot &result, const Slot &a, const Slot &b, double errorB) {
  double delta = b.flip + (errorB == 0 ? 0 : errorB * b.magnitude);
  double size = std::fabs(b.value);
  double reciprocal = 1 / b.value;
  double flip = delta == 0     ? 0
                : size > delta ? delta / (size * (size - delta))
                               : kInfinity;
  multiply(result, a.value, a.magnitude, a.flip, reciprocal,
           std::fabs(reciprocal) + flip, flip);
  result.value = a.value / b.value;
  normalize(result);
}

/// pow: monotone in each operand for a positive base, so the corners bound it.
inline void power(Slot &result, const Slot &a, const Slot &b, double errorA,
                  double errorB) {
  result.value = std::pow(a.value, b.value);
  double deltaA = a.flip + errorA * a.magnitude;
  double deltaB = b.flip + errorB * b.magnitude;
  result.flip = 0;
  if (deltaA > 0 || deltaB > 0) {
    double low = std::max(a.value - deltaA, a.value >= 0 ? 0.0 : -kInfinity);
    for (double exponent : {b.value - deltaB, b.value + deltaB})
      result.flip =
          std::max(result.flip, spread(result.value, std::pow(low, exponent),
                                       std::pow(a.value + deltaA, exponent)));
  }
  result.magnitude = std::fabs(result.value) + result.flip;
  normalize(result);
}

/// The larger (or smaller) of two floats.
inline void extremum(Slot &result, const Slot &a, const Slot &b, bool larger,
                     bool ignoresNaN) {
  double value;
  if (std::isnan(a.value) || std::isnan(b.value))
    value = !ignoresNaN ? a.value + b.value
                        : (std::isnan(a.value) ? b.value : a.value);
  else
    value = (a.value < b.value) == larger ? b.value : a.value;
  result.value = value;
  result.magnitude = std::max(a.magnitude, b.magnitude);
  result.flip = std::max(a.flip, b.flip);
  normalize(result);
}

inline void compareFloats(Slot &result, const Slot &a, const Slot &b,
                          const Instruction &instruction) {
  double x = a.value, y = b.value;
  bool unordered = std::isnan(x) || std::isnan(y);
  bool holds = false;
  switch (mlir::arith::CmpFPredicate(instruction.predicate)) {
  case mlir::arith::CmpFPredicate::AlwaysFalse:
    break;
  case mlir::arith::CmpFPredicate::AlwaysTrue:
    holds = true;
    break;
  case mlir::arith::CmpFPredicate::OEQ:
    holds = x == y;
    break;
  case mlir::arith::CmpFPredicate::OGT:
    holds = x > y;
    break;
  case mlir::arith::CmpFPredicate::OGE:
    holds = x >= y;
    break;
  case mlir::arith::CmpFPredicate::OLT:
    holds = x < y;
    break;
  case mlir::arith::CmpFPredicate::OLE:
    holds = x <= y;
    break;
  case mlir::arith::CmpFPredicate::ONE:
    holds = !unordered && x != y;
    break;
  case mlir::arith::CmpFPredicate::ORD:
    holds = !unordered;
    break;
  case mlir::arith::CmpFPredicate::UEQ:
    holds = unordered || x == y;
    break;
  case mlir::arith::CmpFPredicate::UGT:
    holds = unordered || x > y;
    break;
  case mlir::arith::CmpFPredicate::UGE:
    holds = unordered || x >= y;
    break;
  case mlir::arith::CmpFPredicate::ULT:
    holds = unordered || x < y;
    break;
  case mlir::arith::CmpFPredicate::ULE:
    holds = unordered || x <= y;
    break;
  case mlir::arith::CmpFPredicate::UNE:
    holds = unordered || x != y;
    break;
  case mlir::arith::CmpFPredicate::UNO:
    holds = unordered;
    break;
  }
  double delta = a.flip + b.flip + instruction.errorA * a.magnitude +
                 instruction.errorB * b.magnitude;
  result.integer = holds;
  result.flip = delta > 0 && std::fabs(x - y) <= delta ? 1 : 0;
}

/// Chooses a case; an uncertain choice may execute the other one.
inline void select(Slot &result, const Slot &condition, const Slot &a,
                   const Slot &b) {
  Slot chosen = condition.integer ? a : b;
  if (condition.flip > 0) {
    const Slot &other = condition.integer ? b : a;
    bool same = chosen.value == other.value ||
                (std::isnan(chosen.value) && std::isnan(other.value));
    double distance = same ? 0 : std::fabs(chosen.value - other.value);
    chosen.flip = std::max(chosen.flip, other.flip + distance);
    if (chosen.integer != other.integer)
      chosen.flip = std::max(chosen.flip, 1.0);
    chosen.magnitude = std::max({chosen.magnitude, other.magnitude,
                                 std::fabs(chosen.value) + chosen.flip});
  }
  chosen.roundings = result.roundings;
  result = chosen;
}

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_FLOATRULES_H
