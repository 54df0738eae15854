//===- RandomInputs.h - Random arguments for an entry function --*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TOOLS_INDEXER_RUN_RANDOMINPUTS_H
#define INDEXER_TOOLS_INDEXER_RUN_RANDOMINPUTS_H

#include "indexer-c/Runtime.h"
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

/// A tensor with its memory, or a scalar.
struct HostValue {
  std::string name;
  bool isTensor = false;
  IndexerType type = INDEXER_F32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;
  double scalar = 0;

  /// Number of elements.
  int64_t size() const;
  /// The tensor at `data`, or at the host memory when it is null.
  IndexerTensor tensor(void *data = nullptr) const;
};

/// Reads "bf16", "f16", "f32" or "f64".
IndexerType parseType(const std::string &name);
/// Size of an element, in bytes.
size_t sizeOf(IndexerType type);
/// Element `index` of `value` as a double.
double elementOf(const HostValue &value, int64_t index);

/// Arguments as `description` (indexerProgramDescribe) lists them. Dynamic
/// extents are `tokens`, unless `shapes` has the argument's whole shape. 16-bit
/// tensors (activations, weights) get a normal distribution, wider ones
/// (scales) and scalars a uniform one on [0.05, 1).
std::vector<HostValue>
randomInputs(const nlohmann::json &description, int64_t tokens,
             const std::map<std::string, std::vector<int64_t>> &shapes,
             std::mt19937_64 &random);

#endif // INDEXER_TOOLS_INDEXER_RUN_RANDOMINPUTS_H
