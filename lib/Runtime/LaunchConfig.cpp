//===- LaunchConfig.cpp - A launch as the driver takes it -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/LaunchConfig.h"

using namespace indexer::runtime;

LaunchConfig::LaunchConfig(const KernelLaunch &launch,
                           const unsigned (&grid)[2], CuStream stream) {
  config.attributes = attributes;
  if (launch.cluster > 1) {
    CuLaunchAttribute &cluster = attributes[config.numAttributes++];
    cluster.id = CuLaunchAttributeClusterDimension;
    cluster.value.clusterDim[0] = launch.cluster;
    cluster.value.clusterDim[1] = 1;
    cluster.value.clusterDim[2] = 1;
  }
  if (launch.startsEarly) {
    CuLaunchAttribute &early = attributes[config.numAttributes++];
    early.id = CuLaunchAttributeProgrammaticStreamSerialization;
    early.value.programmaticStreamSerializationAllowed = 1;
  }
  config.gridDim[0] = grid[0];
  config.gridDim[1] = grid[1];
  config.gridDim[2] = 1;
  config.blockDim[0] = launch.threads;
  config.blockDim[1] = 1;
  config.blockDim[2] = 1;
  config.sharedMemBytes = launch.dynamicSharedBytes;
  config.stream = stream;
}
