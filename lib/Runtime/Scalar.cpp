//===- Scalar.cpp - Scalar parameters of a kernel -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A 16-bit float is made from the double in one step. Going through float would
// round twice: 1 + 2^-8 + 2^-30 is above the middle of two bf16 values, but its
// float is the middle, which rounds to even.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Scalar.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace indexer::runtime;

namespace {
/// A 16-bit IEEE-like format.
struct Format16 {
  /// Stored bits of the significand.
  int mantissaBits;
  /// Exponent of the smallest normal number.
  int minExponent;
  /// Bits of +infinity.
  uint16_t infinity;
};
} // namespace

static constexpr Format16 bf16Format = {7, -126, 0x7f80};
static constexpr Format16 f16Format = {10, -14, 0x7c00};

/// Bits of `value` in `format`, rounded to nearest even.
static uint16_t encode16(double value, const Format16 &format) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value))
    return sign | format.infinity | (1u << (format.mantissaBits - 1));
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return sign | format.infinity;
  if (magnitude == 0)
    return sign;
  int exponent = std::max(std::ilogb(magnitude), format.minExponent);
  // In units of the last place: exact, because only the exponent changes.
  double units =
      std::nearbyint(std::scalbn(magnitude, format.mantissaBits - exponent));
  // A normal number's leading bit adds 1 to the exponent field; so does a
  // carry out of the significand.
  double bits =
      std::scalbn(double(exponent - format.minExponent), format.mantissaBits) +
      units;
  if (bits >= format.infinity)
    return sign | format.infinity;
  return sign | static_cast<uint16_t>(bits);
}

/// Value of `bits` in `format`.
static double decode16(uint16_t bits, const Format16 &format) {
  double sign = bits & 0x8000 ? -1.0 : 1.0;
  int magnitude = bits & 0x7fff;
  if (magnitude > format.infinity)
    return std::numeric_limits<double>::quiet_NaN();
  if (magnitude == format.infinity)
    return sign * std::numeric_limits<double>::infinity();
  int field = magnitude >> format.mantissaBits;
  int units = magnitude & ((1 << format.mantissaBits) - 1);
  if (field)
    units += 1 << format.mantissaBits;
  int exponent = format.minExponent + (field ? field - 1 : 0);
  return sign * std::scalbn(double(units), exponent - format.mantissaBits);
}

double indexer::runtime::roundToType(double value, ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return decode16(encode16(value, bf16Format), bf16Format);
  case ElementType::F16:
    return decode16(encode16(value, f16Format), f16Format);
  case ElementType::F32:
    return static_cast<float>(value);
  case ElementType::F64:
    break;
  }
  return value;
}

void indexer::runtime::encodeScalar(double value, ElementType type,
                                    unsigned char *bytes) {
  switch (type) {
  case ElementType::BF16:
  case ElementType::F16: {
    uint16_t bits =
        encode16(value, type == ElementType::BF16 ? bf16Format : f16Format);
    std::memcpy(bytes, &bits, sizeof bits);
    return;
  }
  case ElementType::F32: {
    auto rounded = static_cast<float>(value);
    std::memcpy(bytes, &rounded, sizeof rounded);
    return;
  }
  case ElementType::F64:
    std::memcpy(bytes, &value, sizeof value);
    return;
  }
}
