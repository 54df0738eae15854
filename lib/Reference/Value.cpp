//===- Value.cpp - Values of the reference, with bounds -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds of elements, reading of host memory, comparison of whole tensors.
//
//===----------------------------------------------------------------------===//
#include "indexer/Reference/Value.h"
#include "Rounding.h"
#include <algorithm>
#include <cfloat>

using namespace mlir;

namespace indexer::reference {

RefElement RefElement::exact(double value) {
  return {value, std::isfinite(value) ? std::fabs(value) : 0.0, 0, 0};
}

double RefElement::bound() const {
  double infinity = std::numeric_limits<double>::infinity();
  double error = roundings == 0 ? 0 : gamma(roundings) * magnitude;
  error += flip + roundings * std::ldexp(1.0, -149);
  return std::isnan(error) ? infinity : error;
}

bool RefElement::agrees(double got) const {
  if (std::isnan(value) || std::isnan(got))
    return std::isnan(value) && std::isnan(got);
  if (std::isinf(value))
    return got == value ||
           (flip > 0 && std::signbit(got) == std::signbit(value));
  double error = bound();
  if (std::isinf(got))
    return std::copysign(1.0, got) * value + error > FLT_MAX;
  return std::fabs(got - value) <= error;
}

RefScalar RefScalar::ofFloat(double value) {
  RefScalar scalar;
  scalar.element = RefElement::exact(value);
  return scalar;
}

RefScalar RefScalar::ofInteger(int64_t value) {
  RefScalar scalar;
  scalar.isInteger = true;
  scalar.integer = value;
  return scalar;
}

int64_t sizeOf(ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return size;
}

int64_t RefTensor::size() const { return sizeOf(shape); }

RefElement RefTensor::element(int64_t index) const {
  RefElement element = RefElement::exact(values[index]);
  if (!magnitude.empty())
    element.magnitude = magnitude[index];
  if (!flip.empty())
    element.flip = flip[index];
  element.roundings = roundings;
  return element;
}

RefScalar RefTensor::scalar(int64_t index) const {
  RefScalar scalar;
  scalar.isInteger = isInteger;
  if (!isInteger) {
    scalar.element = element(index);
    return scalar;
  }
  scalar.integer = integers[index];
  if (!flip.empty())
    scalar.element.flip = flip[index];
  return scalar;
}

double roundToType(double value, Type type) {
  return roundTo(value, formatOf(type));
}

//===-- Host memory ---------------------------------------------------------//

/// Copies the elements of `data` in row-major order, each through `convert`.
template <typename Source, typename Target, typename Convert>
static void copyStrided(const void *data, ArrayRef<int64_t> shape,
                        ArrayRef<int64_t> strides, std::vector<Target> &target,
                        Convert convert) {
  const auto *source = static_cast<const char *>(data);
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t offset = 0;
  for (Target &element : target) {
    Source raw;
    std::memcpy(&raw, source + offset * int64_t(sizeof(Source)), sizeof(raw));
    element = convert(raw);
    for (int64_t dim = int64_t(shape.size()) - 1; dim >= 0; --dim) {
      offset += strides[dim];
      if (++index[dim] < shape[dim])
        break;
      offset -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

/// The value of an IEEE half.
static double halfToDouble(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1f;
  double mantissa = bits & 0x3ff;
  double value;
  if (exponent == 0x1f)
    value = mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                          : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(mantissa, -24);
  else
    value = std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

/// The value of a bfloat16: the upper half of a float.
static double bfloatToDouble(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

std::shared_ptr<RefTensor> readHostTensor(const void *data, Type elementType,
                                          ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> strides) {
  SmallVector<int64_t> rowMajor(shape.size(), 1);
  if (strides.empty()) {
    for (int64_t dim = int64_t(shape.size()) - 2; dim >= 0; --dim)
      rowMajor[dim] = rowMajor[dim + 1] * shape[dim + 1];
    strides = rowMajor;
  }
  auto tensor = std::make_shared<RefTensor>();
  tensor->shape.assign(shape.begin(), shape.end());
  tensor->isInteger = elementType.isIntOrIndex();
  auto asDouble = [](auto raw) { return double(raw); };
  auto asInteger = [](auto raw) { return int64_t(raw); };
  if (tensor->isInteger) {
    std::vector<int64_t> &target = tensor->integers;
    target.resize(tensor->size());
    if (elementType.isInteger(1))
      copyStrided<uint8_t>(data, shape, strides, target,
                           [](uint8_t raw) { return int64_t(raw != 0); });
    else if (elementType.isInteger(8))
      copyStrided<int8_t>(data, shape, strides, target, asInteger);
    else if (elementType.isInteger(16))
      copyStrided<int16_t>(data, shape, strides, target, asInteger);
    else if (elementType.isInteger(32))
      copyStrided<int32_t>(data, shape, strides, target, asInteger);
    else if (elementType.isInteger(64) || elementType.isIndex())
      copyStrided<int64_t>(data, shape, strides, target, asInteger);
    else
      return nullptr;
    return tensor;
  }
  std::vector<double> &target = tensor->values;
  target.resize(tensor->size());
  if (elementType.isBF16())
    copyStrided<uint16_t>(data, shape, strides, target, bfloatToDouble);
  else if (elementType.isF16())
    copyStrided<uint16_t>(data, shape, strides, target, halfToDouble);
  else if (elementType.isF32())
    copyStrided<float>(data, shape, strides, target, asDouble);
  else if (elementType.isF64())
    copyStrided<double>(data, shape, strides, target, asDouble);
  else
    return nullptr;
  return tensor;
}

Comparison compare(const RefTensor &expected, const RefTensor &got) {
  Comparison result;
  if (expected.shape != got.shape || expected.isInteger != got.isInteger) {
    result.mismatches = -1;
    return result;
  }
  for (int64_t index = 0, size = expected.size(); index < size; ++index) {
    bool agrees;
    if (expected.isInteger) {
      bool uncertain = !expected.flip.empty() && expected.flip[index] > 0;
      agrees = uncertain || expected.integers[index] == got.integers[index];
    } else {
      RefElement element = expected.element(index);
      agrees = element.agrees(got.values[index]);
      double error = std::fabs(got.values[index] - element.value);
      if (std::isfinite(error) && error > 0)
        result.worst = std::max(result.worst, error / element.bound());
    }
    if (agrees)
      continue;
    if (result.mismatches++ == 0)
      result.first = index;
  }
  return result;
}

} // namespace indexer::reference
