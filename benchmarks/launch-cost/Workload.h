//===- Workload.h - Device memory for the calls of a bundle -----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_BENCHMARKS_WORKLOAD_H
#define INDEXER_BENCHMARKS_WORKLOAD_H

#include "indexer-c/Runtime.hpp"

#include <deque>
#include <nlohmann/json.hpp>
#include <vector>

/// Arguments and results of one call, on a device. What is in the memory does
/// not matter.
class Workload {
public:
  /// For `tokens` where `description`, a bundle's, accepts any extent.
  Workload(const nlohmann::json &description, int device, int64_t tokens);

  std::vector<IndexerArgument> arguments;
  std::vector<IndexerTensor> results;

private:
  IndexerTensor makeTensor(const nlohmann::json &spec, int device,
                           int64_t tokens);

  std::deque<std::vector<int64_t>> shapes;
  std::deque<indexer::DeviceMemory> memory;
};

#endif // INDEXER_BENCHMARKS_WORKLOAD_H
