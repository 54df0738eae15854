//===- Launch.cpp - One call of the entry function ------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: arguments of a call. Out: one cuLaunchKernelEx for each fused op. All
// checks of all fused ops come before the first launch, so a call that fails
// has launched nothing, unless the driver itself refuses a launch. Nothing is
// allocated or waited for on the way; tensor maps alone are kept for later
// calls.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Arguments.h"
#include "indexer/Runtime/Kernel.h"
#include "indexer/Runtime/LastError.h"
#include "indexer/Runtime/LaunchConfig.h"
#include "indexer/Runtime/Scalar.h"
#include "indexer/Runtime/TensorMapCache.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

using namespace indexer::runtime;

namespace {
/// A launch that has passed its checks; `function` is null when an extent is 0.
struct PlannedLaunch {
  const KernelLaunch *launch = nullptr;
  CuFunction function = nullptr;
  unsigned grid[2] = {};
};
} // namespace

/// Limits of a grid in x and y (CUDA C++ programming guide, technical
/// specifications).
static constexpr int64_t maxGrid[2] = {2147483647, 65535};

/// ceil(extent / tile), in one step that cannot overflow.
static int64_t divideUp(int64_t extent, int64_t tile) {
  return extent / tile + (extent % tile != 0);
}

/// True when `operand`, x or weight with rows along `rowLoop`, lies in memory
/// as the alignment of a launch asks for. The stride of a single row is not
/// used.
static bool isAligned(const FusedKernel &kernel, const BoundKernel &bound,
                      unsigned operand, unsigned rowLoop, unsigned alignment) {
  const BoundOperand &tensor = bound.operands[operand];
  uint64_t bits = reinterpret_cast<uintptr_t>(tensor.data);
  const std::vector<unsigned> &loops = kernel.operands[operand].loops;
  for (size_t dim = 0; dim < loops.size(); ++dim) {
    if (bound.extents[loops[dim]] == 1)
      continue;
    if (loops[dim] != rowLoop && tensor.strides[dim] != 1)
      return false;
    if (loops[dim] == rowLoop)
      bits |= static_cast<uint64_t>(tensor.strides[dim]) *
              elementTypeSize(kernel.operandTypes[operand]);
  }
  return (bits & (alignment - 1)) == 0;
}

/// True when `launch` serves the extents and the layout of a call.
static bool canRun(const KernelLaunch &launch, const FusedKernel &kernel,
                   const BoundKernel &bound) {
  int64_t t = bound.extents[0];
  if (t < launch.minTokens || t > launch.maxTokens)
    return false;
  if (launch.alignment && !(isAligned(kernel, bound, 0, 0, launch.alignment) &&
                            isAligned(kernel, bound, 1, 1, launch.alignment)))
    return false;
  for (const KernelParameter &parameter : launch.parameters)
    if (parameter.kind == KernelParameter::Kind::TensorMap &&
        !hasTensorMap(kernel, bound, parameter.index))
      return false;
  return true;
}

/// Picks the first kernel that can run and computes its grid.
static IndexerStatus planLaunch(const Bundle &bundle, size_t index,
                                const std::vector<CuFunction> &functions,
                                const BoundKernel &bound,
                                PlannedLaunch &planned) {
  int64_t t = bound.extents[0], h = bound.extents[1];
  if (t == 0 || h == 0)
    return INDEXER_OK;
  const FusedKernel &kernel = bundle.kernels[index];
  const std::vector<KernelLaunch> &launches = kernel.launches;
  for (size_t i = 0; i < launches.size() && !planned.launch; ++i)
    if (canRun(launches[i], kernel, bound)) {
      planned.launch = &launches[i];
      planned.function = functions[i];
    }
  if (!planned.launch)
    return fail(INDEXER_INVALID_ARGUMENT, "the bundle has no kernel of '" +
                                              bundle.entry +
                                              "' for T = " + std::to_string(t));
  const KernelLaunch &launch = *planned.launch;
  int64_t blocks[2] = {divideUp(t, launch.tileT), divideUp(h, launch.tileH)};
  if (launch.headsFirst)
    std::swap(blocks[0], blocks[1]);
  for (unsigned dim = 0; dim < 2; ++dim) {
    int64_t cluster = dim == 0 ? launch.cluster : 1;
    int64_t split = dim == 0 ? launch.split : 1;
    int64_t ctas;
    if (__builtin_mul_overflow(blocks[dim], split, &ctas) ||
        ctas > maxGrid[dim] - (cluster - 1))
      return fail(INDEXER_INVALID_ARGUMENT,
                  "kernel '" + launch.kernel + "' needs " +
                      std::to_string(blocks[dim]) + " blocks in grid " +
                      "xy"[dim] + " for T = " + std::to_string(t) +
                      ", H = " + std::to_string(h) + ", accepted are " +
                      std::to_string((maxGrid[dim] - (cluster - 1)) / split));
    planned.grid[dim] = cluster == 1 ? ctas : divideUp(ctas, cluster) * cluster;
  }
  if (launch.maxCtas && planned.grid[0] > launch.maxCtas)
    planned.grid[0] = launch.maxCtas;
  return INDEXER_OK;
}

/// Writes `parameter`, no tensor map, to the 8 bytes at `bytes`.
static void packParameter(const KernelParameter &parameter,
                          const FusedKernel &kernel, const BoundKernel &bound,
                          unsigned char *bytes) {
  switch (parameter.kind) {
  case KernelParameter::Kind::Pointer:
    std::memcpy(bytes, &bound.operands[parameter.index].data, 8);
    return;
  case KernelParameter::Kind::Stride:
    std::memcpy(bytes, &bound.operands[parameter.index].strides[parameter.dim],
                8);
    return;
  case KernelParameter::Kind::Extent:
    std::memcpy(bytes, &bound.extents[parameter.index], 8);
    return;
  case KernelParameter::Kind::Scalar:
    encodeScalar(bound.scalars[parameter.index],
                 kernel.scalars[parameter.index].type, bytes);
    return;
  case KernelParameter::Kind::TensorMap:
    return;
  }
}

/// Gets a tensor map: the one of an earlier launch, or a new one.
static CuResult getTensorMap(const IndexerKernel &loaded,
                             const TensorMapKey &key, CuTensorMap &map) {
  if (loaded.tensorMaps->find(key, map))
    return CuSuccess;
  CuResult result = encodeTensorMap(*loaded.driver, key, map);
  if (result == CuSuccess)
    loaded.tensorMaps->keep(key, map);
  return result;
}

/// Launches one fused op of `loaded`, `kernel`. The context is current.
static IndexerStatus launchPlanned(const IndexerKernel &loaded,
                                   const FusedKernel &kernel,
                                   const BoundKernel &bound,
                                   const PlannedLaunch &planned,
                                   CuStream stream) {
  const Driver &driver = *loaded.driver;
  const KernelLaunch &launch = *planned.launch;
  alignas(8) unsigned char values[kMaxParameters][8];
  CuTensorMap tensorMaps[kMaxTensorMaps];
  void *parameters[kMaxParameters];
  unsigned numTensorMaps = 0;
  for (size_t i = 0; i < launch.parameters.size(); ++i) {
    const KernelParameter &parameter = launch.parameters[i];
    if (parameter.kind == KernelParameter::Kind::TensorMap) {
      CuTensorMap &map = tensorMaps[numTensorMaps++];
      TensorMapKey key = tensorMapKey(parameter, kernel, bound);
      if (IndexerStatus status =
              driver.check(getTensorMap(loaded, key, map), [&] {
                return "cuTensorMapEncodeTiled for operand " +
                       std::to_string(parameter.index) + " of kernel '" +
                       launch.kernel + "'";
              }))
        return status;
      parameters[i] = &map;
      continue;
    }
    packParameter(parameter, kernel, bound, values[i]);
    parameters[i] = values[i];
  }
  LaunchConfig config(launch, planned.grid, stream);
  return driver.check(
      driver.launchKernelEx(config.get(), planned.function, parameters,
                            nullptr),
      [&] { return "launching kernel '" + launch.kernel + "'"; });
}

bool indexer::runtime::hasLaunches(const Bundle &bundle,
                                   const BoundCall &call) {
  for (size_t i = 0; i < bundle.kernels.size(); ++i) {
    const FusedKernel &kernel = bundle.kernels[i];
    bool isEmpty = call[i].extents[0] == 0 || call[i].extents[1] == 0;
    if (!isEmpty && std::none_of(kernel.launches.begin(), kernel.launches.end(),
                                 [&](const KernelLaunch &launch) {
                                   return canRun(launch, kernel, call[i]);
                                 }))
      return false;
  }
  return true;
}

/// Checks a call and plans the launches of its fused ops, in order. `kernel`
/// becomes the whole kernel, or another part of it, where it lacks one of them.
static IndexerStatus planAll(const IndexerKernel *&kernel,
                             const IndexerArgument *arguments,
                             size_t numArguments, const IndexerTensor *results,
                             size_t numResults,
                             BoundKernel (&bound)[kMaxKernels],
                             PlannedLaunch (&planned)[kMaxKernels]) {
  if (kernel->whole)
    if (const IndexerKernel *whole = kernel->whole->loaded())
      kernel = whole;
  if (IndexerStatus status = bindArguments(
          kernel->bundle, arguments, numArguments, results, numResults, bound))
    return status;
  // They differ in their launches only.
  if (kernel->whole && !hasLaunches(kernel->bundle, bound))
    if (IndexerStatus status = kernel->whole->load(bound, kernel))
      return status;
  for (size_t i = 0; i < kernel->bundle.kernels.size(); ++i)
    if (IndexerStatus status = planLaunch(
            kernel->bundle, i, kernel->functions[i], bound[i], planned[i]))
      return status;
  return INDEXER_OK;
}

/// Checks a call and launches all its fused ops, in order.
static IndexerStatus launchAll(const IndexerKernel &loaded,
                               const IndexerArgument *arguments,
                               size_t numArguments,
                               const IndexerTensor *results, size_t numResults,
                               CuStream stream) {
  const IndexerKernel *serving = &loaded;
  BoundKernel bound[kMaxKernels];
  PlannedLaunch planned[kMaxKernels];
  if (IndexerStatus status = planAll(serving, arguments, numArguments, results,
                                     numResults, bound, planned))
    return status;
  const IndexerKernel &kernel = *serving;
  const Bundle &bundle = kernel.bundle;
  bool isEmpty = true;
  for (size_t i = 0; i < bundle.kernels.size(); ++i)
    isEmpty &= !planned[i].function;
  if (isEmpty)
    return INDEXER_OK;
  ContextScope scope(*kernel.driver, kernel.context.get());
  if (IndexerStatus status = scope.status())
    return status;
  if (kernel.driver->checksPointers)
    if (IndexerStatus status = checkPointers(kernel, arguments, results))
      return status;
  for (size_t i = 0; i < bundle.kernels.size(); ++i)
    if (planned[i].function)
      if (IndexerStatus status = launchPlanned(kernel, bundle.kernels[i],
                                               bound[i], planned[i], stream))
        return status;
  return INDEXER_OK;
}

IndexerStatus indexerKernelLaunch(IndexerKernel *kernel,
                                  const IndexerArgument *arguments,
                                  size_t num_arguments,
                                  const IndexerTensor *results,
                                  size_t num_results, void *stream) {
  return guarded([&]() -> IndexerStatus {
    if (!kernel)
      return fail(INDEXER_INVALID_ARGUMENT, "'kernel' is null");
    return launchAll(*kernel, arguments, num_arguments, results, num_results,
                     static_cast<CuStream>(stream));
  });
}

IndexerStatus
indexerKernelSelect(IndexerKernel *kernel, const IndexerArgument *arguments,
                    size_t num_arguments, const IndexerTensor *results,
                    size_t num_results, char *names, size_t size) {
  return guarded([&]() -> IndexerStatus {
    if (!kernel || !names || size == 0)
      return fail(INDEXER_INVALID_ARGUMENT,
                  !kernel ? "'kernel' is null" : "'names' has no room");
    const IndexerKernel *serving = kernel;
    BoundKernel bound[kMaxKernels];
    PlannedLaunch planned[kMaxKernels];
    if (IndexerStatus status = planAll(serving, arguments, num_arguments,
                                       results, num_results, bound, planned))
      return status;
    std::string list;
    for (const PlannedLaunch &plan : planned)
      if (plan.launch)
        list += (list.empty() ? "" : ", ") + plan.launch->kernel;
    std::snprintf(names, size, "%s", list.c_str());
    return INDEXER_OK;
  });
}

namespace {
/// A stream and two events, destroyed at the end.
struct Stopwatch {
  explicit Stopwatch(const Driver &driver) : driver(driver) {}
  ~Stopwatch() {
    if (end)
      (void)driver.eventDestroy(end);
    if (begin)
      (void)driver.eventDestroy(begin);
    if (stream)
      (void)driver.streamDestroy(stream);
  }

  IndexerStatus create() {
    if (IndexerStatus status =
            driver.check(driver.streamCreate(&stream, CuStreamNonBlocking),
                         "cuStreamCreate"))
      return status;
    if (IndexerStatus status =
            driver.check(driver.eventCreate(&begin, 0), "cuEventCreate"))
      return status;
    return driver.check(driver.eventCreate(&end, 0), "cuEventCreate");
  }

  const Driver &driver;
  CuStream stream = nullptr;
  CuEvent begin = nullptr, end = nullptr;
};
} // namespace

IndexerStatus
indexerKernelTime(IndexerKernel *kernel, const IndexerArgument *arguments,
                  size_t num_arguments, const IndexerTensor *results,
                  size_t num_results, int launches, double *microseconds) {
  return guarded([&]() -> IndexerStatus {
    if (!kernel || !microseconds)
      return fail(INDEXER_INVALID_ARGUMENT,
                  std::string(kernel ? "'microseconds'" : "'kernel'") +
                      " is null");
    if (launches < 1)
      return fail(INDEXER_INVALID_ARGUMENT, "'launches' is " +
                                                std::to_string(launches) +
                                                ", expected at least 1");
    const Driver &driver = *kernel->driver;
    ContextScope scope(driver, kernel->context.get());
    if (IndexerStatus status = scope.status())
      return status;
    Stopwatch watch(driver);
    if (IndexerStatus status = watch.create())
      return status;
    for (int i = 0; i <= launches; ++i) {
      if (IndexerStatus status = launchAll(*kernel, arguments, num_arguments,
                                           results, num_results, watch.stream))
        return status;
      if (i == 0) // The warm-up launch.
        if (IndexerStatus status = driver.check(
                driver.eventRecord(watch.begin, watch.stream), "cuEventRecord"))
          return status;
    }
    if (IndexerStatus status = driver.check(
            driver.eventRecord(watch.end, watch.stream), "cuEventRecord"))
      return status;
    if (IndexerStatus status = driver.check(
            driver.streamSynchronize(watch.stream), "cuStreamSynchronize"))
      return status;
    float milliseconds = 0;
    if (IndexerStatus status = driver.check(
            driver.eventElapsedTime(&milliseconds, watch.begin, watch.end),
            "cuEventElapsedTime"))
      return status;
    *microseconds = 1000.0 * milliseconds / launches;
    return INDEXER_OK;
  });
}
