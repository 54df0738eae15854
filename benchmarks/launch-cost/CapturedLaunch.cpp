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
  int count = 0;
  CuLaunchConfig config = {};
  std::vector<CuLaunchAttribute> attributes;
  CuFunction function = nullptr;
  /// Parameters of the kernel with the most.
  size_t parameterCount = 0;
  std::vector<std::array<unsigned char, 8>> values;
};
} // namespace

/// Where captureLaunch writes to.
static Seen *seen;

/// Stands for cuLaunchKernelEx.
static CuResult captureLaunch(const CuLaunchConfig *config, CuFunction function,
                              void **parameters, void **) {
  ++seen->count;
  seen->config = *config;
  seen->attributes.assign(config->attributes,
                          config->attributes + config->numAttributes);
  seen->function = function;
  seen->values.resize(seen->parameterCount);
  for (size_t i = 0; i < seen->parameterCount; ++i)
    std::memcpy(seen->values[i].data(), parameters[i], 8);
  return CuSuccess;
}

CapturedLaunch::CapturedLaunch(IndexerKernel &kernel,
                               const std::function<void()> &call) {
  Seen record;
  // The launches of a fused op have the same parameters up to their order; an
  // epilogue of its own may not have them all.
  record.parameterCount = SIZE_MAX;
  for (const FusedKernel &fused : kernel.bundle.kernels)
    for (const KernelLaunch &launch : fused.launches)
      record.parameterCount =
          std::min(record.parameterCount, launch.parameters.size());
  for (const FusedKernel &fused : kernel.bundle.kernels)
    for (const KernelLaunch &launch : fused.launches)
      if (launch.parameters.size() != record.parameterCount)
        throw std::runtime_error("the kernels of the bundle have different "
                                 "numbers of parameters");
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
  values = std::move(record.values);
  for (auto &value : values)
    pointers.push_back(value.data());
}
