//===- ScalarTest.cpp - Rounding of scalar parameters ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Scalar.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace indexer::runtime;

/// The 16 bits that `value` is passed as.
static uint16_t bits16(double value, ElementType type) {
  unsigned char bytes[8] = {};
  encodeScalar(value, type, bytes);
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

TEST(Scalar, RoundsToBf16Once) {
  auto bf16 = [](double v) { return bits16(v, ElementType::BF16); };
  EXPECT_EQ(bf16(1.0), 0x3f80);
  EXPECT_EQ(bf16(-2.5), 0xc020);
  // Ties to even, on both sides.
  EXPECT_EQ(bf16(1 + std::ldexp(1, -8)), 0x3f80);
  EXPECT_EQ(bf16(1 + std::ldexp(3, -8)), 0x3f82);
  // Above the tie by less than a float shows: rounding by way of float would
  // give 0x3f80.
  EXPECT_EQ(bf16(1 + std::ldexp(1, -8) + std::ldexp(1, -40)), 0x3f81);
  // A carry into the exponent, overflow, subnormals, zeros.
  EXPECT_EQ(bf16(1.9999), 0x4000);
  EXPECT_EQ(bf16(3.4e38), 0x7f80);
  EXPECT_EQ(bf16(3.38e38), 0x7f7e);
  EXPECT_EQ(bf16(std::ldexp(1, -133)), 0x0001);
  EXPECT_EQ(bf16(std::ldexp(1, -134)), 0x0000);
  EXPECT_EQ(bf16(std::ldexp(1.5, -134)), 0x0001);
  EXPECT_EQ(bf16(-0.0), 0x8000);
  EXPECT_EQ(bf16(1e-320), 0x0000);
}

TEST(Scalar, RoundsToF16) {
  auto f16 = [](double v) { return bits16(v, ElementType::F16); };
  EXPECT_EQ(f16(1.0), 0x3c00);
  EXPECT_EQ(f16(65504), 0x7bff);
  EXPECT_EQ(f16(65519.99), 0x7bff);
  EXPECT_EQ(f16(65520), 0x7c00);
  EXPECT_EQ(f16(std::ldexp(1, -24)), 0x0001);
  EXPECT_EQ(f16(0.1), 0x2e66);
  EXPECT_EQ(f16(-std::numeric_limits<double>::infinity()), 0xfc00);
  EXPECT_EQ(f16(std::nan("")), 0x7e00);
}

// Every value of a 16-bit type is a fixed point of the rounding to it.
TEST(Scalar, KeepsRepresentableValues) {
  for (ElementType type : {ElementType::BF16, ElementType::F16})
    for (double value :
         {1.0, -0.375, 6.103515625e-05, 5.9604644775390625e-08, 65024.0})
      EXPECT_EQ(roundToType(value, type), value);
  EXPECT_EQ(roundToType(0.1, ElementType::F32), double(0.1f));
  EXPECT_EQ(roundToType(0.1, ElementType::F64), 0.1);
  EXPECT_TRUE(std::isnan(roundToType(std::nan(""), ElementType::BF16)));
  EXPECT_EQ(roundToType(1e39, ElementType::BF16),
            std::numeric_limits<double>::infinity());
}

TEST(Scalar, WritesTheWidthOfTheType) {
  for (ElementType type : {ElementType::BF16, ElementType::F16,
                           ElementType::F32, ElementType::F64}) {
    unsigned char bytes[8];
    std::memset(bytes, 0xaa, sizeof bytes);
    encodeScalar(0.0, type, bytes);
    for (size_t i = 0; i < sizeof bytes; ++i)
      EXPECT_EQ(bytes[i], i < elementTypeSize(type) ? 0 : 0xaa);
  }
}
