//===- ValueTest.cpp - Bounds, rounding and host memory -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestModule.h"
#include <cfloat>
#include <cmath>

using namespace indexer::reference;
using namespace mlir;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Element, boundIsGammaTimesMagnitudePlusFlip) {
  RefElement element{1.0, 2.0, 0.25, 3};
  double error = 3 * std::ldexp(1.0, -24);
  EXPECT_DOUBLE_EQ(element.bound(), error / (1 - error) * 2 + 0.25);
  EXPECT_EQ(RefElement::exact(-3).bound(), 0);
}

TEST(Element, agreesWithinBoundOnly) {
  RefElement element{1.0, 1.0, 0.25, 0};
  EXPECT_TRUE(element.agrees(1.25));
  EXPECT_TRUE(element.agrees(0.75));
  EXPECT_FALSE(element.agrees(1.2500001));
}

TEST(Element, specialValuesMatchTheirOwnKind) {
  double nan = std::nan("");
  EXPECT_TRUE(RefElement::exact(nan).agrees(nan));
  EXPECT_FALSE(RefElement::exact(nan).agrees(1));
  EXPECT_FALSE(RefElement::exact(1).agrees(nan));
  EXPECT_TRUE(RefElement::exact(-kInfinity).agrees(-kInfinity));
  EXPECT_FALSE(RefElement::exact(-kInfinity).agrees(kInfinity));
  EXPECT_FALSE(RefElement::exact(1).agrees(kInfinity));
}

TEST(Element, overflowOfFloatIsInfinity) {
  RefElement element = RefElement::exact(2 * double(FLT_MAX));
  EXPECT_TRUE(element.agrees(kInfinity));
  EXPECT_FALSE(element.agrees(-kInfinity));
}

TEST(Rounding, bfloatTiesToEven) {
  MLIRContext context;
  Type type = BFloat16Type::get(&context);
  EXPECT_EQ(roundToType(1 + 0x1p-8, type), 1);
  EXPECT_EQ(roundToType(1 + 0x1p-8 + 0x1p-40, type), 1 + 0x1p-7);
  EXPECT_EQ(roundToType(1 + 3 * 0x1p-8, type), 1 + 0x1p-6);
  EXPECT_EQ(roundToType(-0x1p-134, type), 0);
  EXPECT_TRUE(std::signbit(roundToType(-0x1p-135, type)));
  EXPECT_EQ(roundToType(0x1.8p-133, type), 0x1p-132);
  EXPECT_EQ(roundToType(0x1.FFp127, type), kInfinity);
  EXPECT_EQ(roundToType(0x1.FEp127, type), 0x1.FEp127);
}

TEST(Rounding, halfAndFloatMatchTheHardware) {
  MLIRContext context;
  Type half = Float16Type::get(&context), single = Float32Type::get(&context);
  EXPECT_EQ(roundToType(65519, half), 65504);
  EXPECT_EQ(roundToType(65520, half), kInfinity);
  EXPECT_EQ(roundToType(0x1p-25, half), 0);
  EXPECT_EQ(roundToType(0x1.8p-25, half), 0x1p-24);
  std::mt19937_64 generator(7);
  for (int count = 0; count < 100000; ++count) {
    uint64_t bits = generator();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value))
      continue;
    int exponent;
    value = std::ldexp(std::frexp(value, &exponent), int(bits % 300) - 160);
    ASSERT_EQ(roundToType(value, single), double(float(value))) << value;
  }
}

TEST(HostTensor, readsStridedBfloat) {
  MLIRContext context;
  // 1, 2, 3, -0.5 with a stride of 2 from the last one backwards.
  uint16_t data[] = {0x3f80, 0, 0x4000, 0, 0x4040, 0, 0xbf00};
  auto tensor =
      readHostTensor(data + 6, BFloat16Type::get(&context), {2, 2}, {-4, -2});
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->values, (std::vector<double>{-0.5, 3, 2, 1}));
}

TEST(HostTensor, readsHalvesExactly) {
  MLIRContext context;
  uint16_t data[] = {0x3c00, 0x0001, 0xfbff, 0x7c00, 0x8000, 0x7e00};
  auto tensor = readHostTensor(data, Float16Type::get(&context), {6});
  EXPECT_EQ(tensor->values[0], 1);
  EXPECT_EQ(tensor->values[1], 0x1p-24);
  EXPECT_EQ(tensor->values[2], -65504);
  EXPECT_EQ(tensor->values[3], kInfinity);
  EXPECT_TRUE(std::signbit(tensor->values[4]));
  EXPECT_TRUE(std::isnan(tensor->values[5]));
}

TEST(HostTensor, readsEmptyScalarAndInteger) {
  MLIRContext context;
  float data = 2.5;
  int32_t integer = -7;
  Type single = Float32Type::get(&context);
  EXPECT_EQ(readHostTensor(&data, single, {0, 4})->size(), 0);
  EXPECT_EQ(readHostTensor(&data, single, {})->values[0], 2.5);
  auto tensor = readHostTensor(&integer, IntegerType::get(&context, 32), {1});
  EXPECT_EQ(tensor->integers[0], -7);
  EXPECT_FALSE(readHostTensor(&data, Float8E4M3FNType::get(&context), {1}));
}

TEST(Compare, countsAndPlacesMismatches) {
  RefTensor expected, got;
  expected.shape = got.shape = {3};
  expected.values = {1, 2, 3};
  expected.roundings = 1;
  got.values = {1, 2.5, 4};
  Comparison result = compare(expected, got);
  EXPECT_EQ(result.mismatches, 2);
  EXPECT_EQ(result.first, 1);
  EXPECT_GT(result.worst, 1e6);
  got.shape = {1, 3};
  EXPECT_EQ(compare(expected, got).mismatches, -1);
}

} // namespace
