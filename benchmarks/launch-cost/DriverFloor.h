//===- DriverFloor.h - What the driver takes for a launch -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_BENCHMARKS_DRIVERFLOOR_H
#define INDEXER_BENCHMARKS_DRIVERFLOOR_H

#include "indexer/Runtime/Driver.h"

#include <functional>
#include <string>
#include <vector>

/// One way to launch an empty kernel.
struct DriverLaunch {
  /// 8-byte parameters, and tensor maps behind them.
  unsigned parameters, tensorMaps;
  /// Whether the PTX says the cluster's and the block's size.
  bool saysCluster;
  /// "cuLaunchKernel", or "cuLaunchKernelEx" with its attributes.
  std::string how;
  /// Launches on a stream; a result of the driver.
  std::function<indexer::runtime::CuResult(indexer::runtime::CuStream)> launch;
};

/// Empty kernels in the current context, and every way to launch them: by both
/// functions of the driver, with and without the attributes for clusters of 8
/// and for an early start, with few and many parameters.
class DriverFloor {
public:
  /// For a device of compute capability `major`.`minor`; without clusters below
  /// 9.0. Throws std::runtime_error.
  DriverFloor(const indexer::runtime::Driver &driver, int major, int minor);
  ~DriverFloor();
  DriverFloor(const DriverFloor &) = delete;
  DriverFloor &operator=(const DriverFloor &) = delete;

  const std::vector<DriverLaunch> &launches() const { return ways; }

private:
  void addWays(unsigned parameters, unsigned tensorMaps, bool saysCluster,
               bool hasClusters);

  const indexer::runtime::Driver &driver;
  indexer::runtime::CuModule module = nullptr;
  std::vector<DriverLaunch> ways;
};

#endif // INDEXER_BENCHMARKS_DRIVERFLOOR_H
