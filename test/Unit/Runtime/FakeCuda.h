//===- FakeCuda.h - A CUDA driver without a device --------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FakeCuda.cpp is a library with the driver functions that the runtime uses.
// It launches nothing; it remembers what it was told to launch. Tests reach its
// state through the exported function `fakeCudaState`.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_UNIT_RUNTIME_FAKECUDA_H
#define INDEXER_UNIT_RUNTIME_FAKECUDA_H

#include "indexer/Runtime/Driver.h"

#include <array>
#include <map>
#include <vector>

/// One call of cuLaunchKernelEx.
struct FakeLaunch {
  std::string kernel;
  unsigned grid[3], block[3];
  unsigned sharedBytes;
  void *stream;
  /// 0, 0, 0 without the attribute.
  unsigned cluster[3];
  /// True with the attribute of programmatic stream serialization.
  bool startsEarly;
  /// 8 bytes behind each of the first `parameterCount` parameters.
  std::vector<std::array<unsigned char, 8>> parameters;
  /// The context that was current.
  void *context;
};

/// One call of cuTensorMapEncodeTiled with two dimensions. Its number, counted
/// from 1, is written to the first 8 bytes of the map.
struct FakeTensorMap {
  int type;
  void *address;
  unsigned long long extents[2], stride;
  unsigned box[2];
  int swizzle, fill;
};

/// What the fake driver answers, and what it was asked.
struct FakeCudaState {
  /// Answers.
  int deviceCount = 1, major = 9, minor = 0;
  int maxThreads = 1024, staticShared = 0, maxShared = 232448;
  /// CTAs of the largest cluster that there is room for.
  unsigned maxCluster = 16;
  /// Clusters that run at a time, where one has room.
  int residentClusters = 66;
  indexer::runtime::CuResult initResult = 0, loadResult = 0, launchResult = 0,
                             allocateResult = 0, occupancyResult = 0,
                             tensorMapResult = 0;
  std::string jitLog;
  /// Capture mode of the thread, and the one in which code was loaded last.
  int captureMode = 0, loadedInMode = -1;
  /// The driver is not told how many parameters a kernel has.
  size_t parameterCount = 0;
  /// With it a module has the functions that its image names, else all.
  bool readsImages = false;
  /// Memory type and device of the pointers that the driver knows.
  std::map<unsigned long long, std::array<int, 2>> pointers;
  /// Without it launches and tensor maps are counted and nothing else.
  bool recordsLaunches = true;

  /// Records.
  std::vector<FakeLaunch> launches;
  std::vector<FakeTensorMap> tensorMaps;
  /// Those that were not recorded.
  int64_t unrecordedLaunches = 0, unrecordedTensorMaps = 0;
  std::string loadedImage;
  std::vector<std::string> images;
  std::map<std::string, std::map<int, int>> functionAttributes;
  int contextReferences = 0, modules = 0, allocations = 0, streams = 0,
      events = 0, synchronisations = 0, pushes = 0;
};

#endif // INDEXER_UNIT_RUNTIME_FAKECUDA_H
