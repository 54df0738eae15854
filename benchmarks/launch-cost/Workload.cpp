//===- Workload.cpp - Device memory for the calls of a bundle -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Workload.h"

using nlohmann::json;

Workload::Workload(const json &description, int device, int64_t tokens) {
  for (const json &spec : description.at("arguments"))
    arguments.push_back(spec.contains("shape") ? indexer::argument(makeTensor(
                                                     spec, device, tokens))
                                               : indexer::argument(0.125));
  for (const json &spec : description.at("results"))
    results.push_back(makeTensor(spec, device, tokens));
}

IndexerTensor Workload::makeTensor(const json &spec, int device,
                                   int64_t tokens) {
  std::vector<int64_t> &shape = shapes.emplace_back();
  size_t size = 1;
  for (const json &extent : spec.at("shape")) {
    shape.push_back(extent.is_null() ? tokens : extent.get<int64_t>());
    size *= shape.back();
  }
  std::string type = spec.at("type");
  IndexerTensor tensor = {};
  tensor.type = type == "bf16"  ? INDEXER_BF16
                : type == "f16" ? INDEXER_F16
                : type == "f32" ? INDEXER_F32
                                : INDEXER_F64;
  size *= type == "f64" ? 8 : type == "f32" ? 4 : 2;
  tensor.data = memory.emplace_back(device, size).data();
  tensor.rank = static_cast<int32_t>(shape.size());
  tensor.shape = shape.data();
  return tensor;
}
