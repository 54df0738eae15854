//===- Rounding.h - Rounding of doubles to narrow formats -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Round to nearest, ties to even, straight from double: no second rounding
// through float32. And the error factor gamma of a count of roundings.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_ROUNDING_H
#define INDEXER_LIB_REFERENCE_ROUNDING_H

#include "mlir/IR/BuiltinTypes.h"
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace indexer::reference {

/// A float format narrower than double.
enum class Format : uint8_t { None, BF16, F16, F32 };

/// Unit roundoff of float32.
constexpr double kUnitRoundoff = 1.0 / (1 << 24);

/// n u / (1 - n u): the relative error that n roundings can add up to.
inline double gamma(double roundings) {
  double error = roundings * kUnitRoundoff;
  return error < 1 ? error / (1 - error)
                   : std::numeric_limits<double>::infinity();
}

/// The format of `type`; None for f64 and for what is no float.
inline Format formatOf(mlir::Type type) {
  if (type.isBF16())
    return Format::BF16;
  if (type.isF16())
    return Format::F16;
  return type.isF32() ? Format::F32 : Format::None;
}

/// 2 to the power of `exponent`, a normal double.
inline double powerOfTwo(int exponent) {
  uint64_t bits = uint64_t(exponent + 1023) << 52;
  double result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

/// `value` in `format`.
inline double roundTo(double value, Format format) {
  if (format == Format::None || value == 0 || !std::isfinite(value))
    return value;
  int precision = 8, minExponent = -126, maxExponent = 127;
  if (format == Format::F16) {
    precision = 11;
    minExponent = -14;
    maxExponent = 15;
  } else if (format == Format::F32) {
    precision = 24;
  }
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  int exponent = int((bits >> 52) & 0x7ff) - 1023;
  if (exponent > maxExponent)
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  if (exponent < minExponent)
    exponent = minExponent;
  // Adding 1.5 * 2^52 quanta leaves no bit below one quantum.
  double shift = 1.5 * powerOfTwo(exponent - precision + 1 + 52);
  double rounded = (value + shift) - shift;
  if (std::fabs(rounded) >= powerOfTwo(maxExponent + 1))
    rounded = std::numeric_limits<double>::infinity();
  return std::copysign(rounded, value);
}

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_ROUNDING_H
