//===- LaunchConfig.h - A launch as the driver takes it ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_LAUNCHCONFIG_H
#define INDEXER_RUNTIME_LAUNCHCONFIG_H

#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Driver.h"

namespace indexer::runtime {

/// CUlaunchConfig of a launch, with the attributes that it points at.
class LaunchConfig {
public:
  /// `grid`: blocks in x and y.
  LaunchConfig(const KernelLaunch &launch, const unsigned (&grid)[2],
               CuStream stream);
  LaunchConfig(const LaunchConfig &) = delete;
  LaunchConfig &operator=(const LaunchConfig &) = delete;

  const CuLaunchConfig *get() const { return &config; }

private:
  CuLaunchAttribute attributes[2] = {};
  CuLaunchConfig config = {};
};

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_LAUNCHCONFIG_H
