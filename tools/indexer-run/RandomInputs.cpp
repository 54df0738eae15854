//===- RandomInputs.cpp - Random arguments for an entry function ----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomInputs.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

int64_t HostValue::size() const {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return size;
}

IndexerTensor HostValue::tensor(void *data) const {
  IndexerTensor tensor{};
  tensor.data = data ? data : const_cast<char *>(bytes.data());
  tensor.type = type;
  tensor.rank = static_cast<int32_t>(shape.size());
  tensor.shape = shape.data();
  return tensor;
}

IndexerType parseType(const std::string &name) {
  if (name == "bf16")
    return INDEXER_BF16;
  if (name == "f16")
    return INDEXER_F16;
  return name == "f64" ? INDEXER_F64 : INDEXER_F32;
}

size_t sizeOf(IndexerType type) {
  return type == INDEXER_F64 ? 8 : type == INDEXER_F32 ? 4 : 2;
}

/// `value` rounded to bf16, to nearest, ties to even. Finite values only.
static uint16_t toBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static float fromBF16(uint16_t value) {
  uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

static void store(char *to, IndexerType type, double value) {
  switch (type) {
  case INDEXER_BF16: {
    uint16_t bits = toBF16(static_cast<float>(value));
    std::memcpy(to, &bits, sizeof(bits));
    return;
  }
  case INDEXER_F16: {
    auto half = static_cast<_Float16>(value);
    std::memcpy(to, &half, sizeof(half));
    return;
  }
  case INDEXER_F32: {
    auto single = static_cast<float>(value);
    std::memcpy(to, &single, sizeof(single));
    return;
  }
  case INDEXER_F64:
    std::memcpy(to, &value, sizeof(value));
    return;
  }
}

double elementOf(const HostValue &value, int64_t index) {
  const char *from = value.bytes.data() + index * sizeOf(value.type);
  switch (value.type) {
  case INDEXER_BF16: {
    uint16_t bits;
    std::memcpy(&bits, from, sizeof(bits));
    return fromBF16(bits);
  }
  case INDEXER_F16: {
    _Float16 half;
    std::memcpy(&half, from, sizeof(half));
    return static_cast<double>(half);
  }
  case INDEXER_F32: {
    float single;
    std::memcpy(&single, from, sizeof(single));
    return single;
  }
  case INDEXER_F64: {
    double result;
    std::memcpy(&result, from, sizeof(result));
    return result;
  }
  }
  return NAN;
}

std::vector<HostValue>
randomInputs(const nlohmann::json &description, int64_t tokens,
             const std::map<std::string, std::vector<int64_t>> &shapes,
             std::mt19937_64 &random) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> scale(0.05, 1);
  std::vector<HostValue> inputs;
  for (const auto &argument : description.at("arguments")) {
    HostValue value;
    value.name = argument.at("name");
    value.type = parseType(argument.at("type"));
    value.isTensor = argument.contains("shape");
    if (!value.isTensor) {
      value.scalar = scale(random);
      inputs.push_back(std::move(value));
      continue;
    }
    for (const auto &extent : argument.at("shape"))
      value.shape.push_back(extent.is_null() ? tokens : extent.get<int64_t>());
    if (auto given = shapes.find(value.name); given != shapes.end())
      value.shape = given->second;
    value.bytes.resize(value.size() * sizeOf(value.type));
    for (int64_t i = 0, e = value.size(); i < e; ++i)
      store(value.bytes.data() + i * sizeOf(value.type), value.type,
            sizeOf(value.type) == 2 ? normal(random) : scale(random));
    inputs.push_back(std::move(value));
  }
  return inputs;
}
