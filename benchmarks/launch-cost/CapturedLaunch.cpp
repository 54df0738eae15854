//===- CapturedLaunch.cpp - What a call tells the driver ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CapturedLaunch.h"

#include "indexer/Runtime/Kernel.h"

#include <cstring>
#include <stdexcept>

using namespace indexer::runtime;

namespace {
/// What the driver of a capture was told.
struct Seen {
  explicit Seen(const IndexerKernel &kernel) : kernel(kernel) {}

  const IndexerKernel &kernel;
  int count = 0;
  CuLaunchConfig config = {};
  std::vector<CuLaunchAttribute> attributes;
  CuFunction function = nullptr;
  std::vector<CuTensorMap> values;
  unsigned tensorMaps = 0;
};
} // namespace

/// Where captureLaunch writes to.
static Seen *seen;

/// The parameters of `function`.
static const std::vector<KernelParameter> &
parametersOf(const IndexerKernel &kernel, CuFunction function) {
  for (size_t i = 0; i < kernel.functions.size(); ++i)
    for (size_t k = 0; k < kernel.functions[i].size(); ++k)
      if (kernel.functions[i][k] == function)
        return kernel.bundle.kernels[i].launches[k].parameters;
  throw std::runtime_error("a function of no kernel was launched");
}

/// Stands for cuLaunchKernelEx.
static CuResult captureLaunch(const CuLaunchConfig *config, CuFunction function,
                              void **parameters, void **) {
  ++seen->count;
  seen->config = *config;
  seen->attributes.assign(config->attributes,
                          config->attributes + config->numAttributes);
  seen->function = function;
  const auto &kinds = parametersOf(seen->kernel, function);
  seen->values.resize(kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    bool isMap = kinds[i].kind == KernelParameter::Kind::TensorMap;
    std::memcpy(&seen->values[i], parameters[i],
                isMap ? sizeof(CuTensorMap) : 8);
    seen->tensorMaps += isMap;
  }
  return CuSuccess;
}

CapturedLaunch::CapturedLaunch(IndexerKernel &kernel,
                               const std::function<void()> &call) {
  Seen record(kernel);
  Driver capturing = *kernel.driver;
  capturing.launchKernelEx = captureLaunch;
  const Driver *real = kernel.driver;
  seen = &record;
  kernel.driver = &capturing;
  call();
  kernel.driver = real;
  seen = nullptr;
  if (record.count != 1)
    throw std::runtime_error("a call launches " + std::to_string(record.count) +
                             " kernels, expected one");
  config = record.config;
  attributes = std::move(record.attributes);
  config.attributes = attributes.data();
  function = record.function;
  numTensorMaps = record.tensorMaps;
  values = std::move(record.values);
  for (CuTensorMap &value : values)
    pointers.push_back(&value);
}
