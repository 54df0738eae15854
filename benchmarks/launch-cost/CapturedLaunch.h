//===- CapturedLaunch.h - What a call tells the driver ----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_BENCHMARKS_CAPTUREDLAUNCH_H
#define INDEXER_BENCHMARKS_CAPTUREDLAUNCH_H

#include "indexer/Runtime/Driver.h"

#include <functional>
#include <vector>

/// The arguments of one cuLaunchKernelEx, to be given to the driver again
/// without anything around it.
class CapturedLaunch {
public:
  /// Runs `call`, which launches one fused op of `kernel`, with a driver that
  /// keeps the arguments and launches nothing.
  CapturedLaunch(IndexerKernel &kernel, const std::function<void()> &call);

  /// Launches it on `stream`; a result of the driver.
  indexer::runtime::CuResult launch(const indexer::runtime::Driver &driver,
                                    indexer::runtime::CuStream stream) {
    config.stream = stream;
    return driver.launchKernelEx(&config, function, pointers.data(), nullptr);
  }

  /// Tensor maps among its parameters.
  unsigned tensorMaps() const { return numTensorMaps; }

  CapturedLaunch(const CapturedLaunch &) = delete;
  CapturedLaunch &operator=(const CapturedLaunch &) = delete;

private:
  indexer::runtime::CuLaunchConfig config = {};
  std::vector<indexer::runtime::CuLaunchAttribute> attributes;
  indexer::runtime::CuFunction function = nullptr;
  /// A tensor map is the largest parameter; the others take 8 bytes.
  std::vector<indexer::runtime::CuTensorMap> values;
  std::vector<void *> pointers;
  unsigned numTensorMaps = 0;
};

#endif // INDEXER_BENCHMARKS_CAPTUREDLAUNCH_H
