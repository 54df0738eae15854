//===- FakeCuda.cpp - A CUDA driver without a device ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FakeCuda.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

using namespace indexer::runtime;

/// A program that knows nothing of the state may ask for counting alone.
static FakeCudaState makeState() {
  FakeCudaState made;
  made.recordsLaunches = !std::getenv("FAKE_CUDA_COUNTS");
  return made;
}
static FakeCudaState state = makeState();
/// Guards `state` where a launch changes it.
static std::mutex mutex;
/// The context stack of a thread.
static thread_local std::vector<CuContext> contexts;

/// Functions of the one module, kept alive for their names.
static std::map<std::string, std::string> functions;

/// The primary context of a device: any address that is not null.
static CuContext contextOf(CuDevice device) {
  static char contexts[16];
  return reinterpret_cast<CuContext>(&contexts[device]);
}

/// Every function of the driver is exported with C linkage.
#define FAKE extern "C" __attribute__((visibility("default")))

FAKE FakeCudaState *fakeCudaState() { return &state; }

FAKE CuResult cuInit(unsigned) {
  // For programs, which cannot reach the state.
  if (const char *cluster = std::getenv("FAKE_CUDA_MAX_CLUSTER"))
    state.maxCluster = std::atoi(cluster);
  return state.initResult;
}
FAKE CuResult cuDriverGetVersion(int *version) {
  *version = 13000;
  return 0;
}
FAKE CuResult cuGetErrorName(CuResult result, const char **name) {
  *name = result == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == 500 ? "CUDA_ERROR_NOT_FOUND"
          : result == 218 ? "CUDA_ERROR_INVALID_PTX"
          : result == 701 ? "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"
                          : nullptr;
  return *name ? 0 : 1;
}
FAKE CuResult cuGetErrorString(CuResult result, const char **text) {
  *text = result == 2     ? "out of memory"
          : result == 500 ? "named symbol not found"
          : result == 218 ? "a PTX JIT compilation failed"
          : result == 701 ? "too many resources requested for launch"
                          : nullptr;
  return *text ? 0 : 1;
}
FAKE CuResult cuDeviceGetCount(int *count) {
  *count = state.deviceCount;
  return 0;
}
FAKE CuResult cuDeviceGet(CuDevice *device, int ordinal) {
  *device = ordinal;
  return 0;
}
FAKE CuResult cuDeviceGetName(char *name, int size, CuDevice) {
  std::strncpy(name, "Fake H100", size);
  return 0;
}
FAKE CuResult cuDeviceGetAttribute(int *value, CuDeviceAttribute attribute,
                                   CuDevice) {
  *value = attribute == CuComputeCapabilityMajor   ? state.major
           : attribute == CuComputeCapabilityMinor ? state.minor
                                                   : state.maxShared;
  return 0;
}
FAKE CuResult cuDevicePrimaryCtxRetain(CuContext *context, CuDevice device) {
  ++state.contextReferences;
  *context = contextOf(device);
  return 0;
}
FAKE CuResult cuDevicePrimaryCtxRelease_v2(CuDevice) {
  --state.contextReferences;
  return 0;
}
FAKE CuResult cuCtxGetCurrent(CuContext *context) {
  *context = contexts.empty() ? nullptr : contexts.back();
  return 0;
}
FAKE CuResult cuCtxPushCurrent_v2(CuContext context) {
  std::lock_guard<std::mutex> lock(mutex);
  ++state.pushes;
  contexts.push_back(context);
  return 0;
}
FAKE CuResult cuCtxPopCurrent_v2(CuContext *context) {
  *context = contexts.back();
  contexts.pop_back();
  return 0;
}
FAKE CuResult cuCtxSynchronize() {
  ++state.synchronisations;
  return 0;
}
FAKE CuResult cuThreadExchangeStreamCaptureMode(int *mode) {
  std::swap(*mode, state.captureMode);
  return 0;
}
FAKE CuResult cuModuleLoadDataEx(CuModule *module, const void *image,
                                 unsigned count, CuJitOption *options,
                                 void **values) {
  state.loadedImage = static_cast<const char *>(image);
  state.loadedInMode = state.captureMode;
  for (unsigned i = 0; i < count; ++i)
    if (options[i] == CuJitErrorLogBuffer)
      std::strcpy(static_cast<char *>(values[i]), state.jitLog.c_str());
  if (state.loadResult)
    return state.loadResult;
  ++state.modules;
  state.images.push_back(state.loadedImage);
  // A module is the number of its image, counted from 1.
  *module = reinterpret_cast<CuModule>(state.images.size());
  return 0;
}
FAKE CuResult cuModuleUnload(CuModule) {
  --state.modules;
  return 0;
}
FAKE CuResult cuModuleGetFunction(CuFunction *function, CuModule module,
                                  const char *name) {
  const std::string &image =
      state.images[reinterpret_cast<uintptr_t>(module) - 1];
  if (state.readsImages && image.find(name) == std::string::npos)
    return CuErrorNotFound;
  std::string &kept = functions[name] = name;
  *function = reinterpret_cast<CuFunction>(&kept);
  return 0;
}
FAKE CuResult cuFuncGetAttribute(int *value, CuFunctionAttribute attribute,
                                 CuFunction) {
  *value =
      attribute == CuMaxThreadsPerBlock ? state.maxThreads : state.staticShared;
  return 0;
}
FAKE CuResult cuFuncSetAttribute(CuFunction function,
                                 CuFunctionAttribute attribute, int value) {
  const auto &name = *reinterpret_cast<std::string *>(function);
  state.functionAttributes[name][attribute] = value;
  return 0;
}
/// CTAs of a cluster that `config` asks for.
static unsigned clusterOf(const CuLaunchConfig &config) {
  for (unsigned i = 0; i < config.numAttributes; ++i)
    if (config.attributes[i].id == CuLaunchAttributeClusterDimension)
      return config.attributes[i].value.clusterDim[0];
  return 1;
}
// As the real one, it counts with the attributes that the function has.
FAKE CuResult cuOccupancyMaxActiveClusters(int *clusters, CuFunction function,
                                           const CuLaunchConfig *config) {
  auto attribute = [&](CuFunctionAttribute key) {
    auto &set =
        state.functionAttributes[*reinterpret_cast<std::string *>(function)];
    return set.count(key) ? set[key] : 0;
  };
  unsigned cluster = clusterOf(*config);
  bool isAllowed = cluster <= 8 || attribute(CuNonPortableClusterSizeAllowed);
  int shared = static_cast<int>(config->sharedMemBytes);
  bool isOptedIn =
      shared <= 48 * 1024 || shared <= attribute(CuMaxDynamicSharedSizeBytes);
  bool hasRoom = isAllowed && isOptedIn && cluster <= state.maxCluster;
  *clusters = hasRoom ? state.residentClusters : 0;
  return state.occupancyResult;
}
FAKE CuResult cuTensorMapEncodeTiled(CuTensorMap *map, CuTensorMapDataType type,
                                     unsigned, void *address,
                                     const unsigned long long *extents,
                                     const unsigned long long *strides,
                                     const unsigned *box, const unsigned *, int,
                                     int swizzle, int, int fill) {
  if (state.tensorMapResult)
    return state.tensorMapResult;
  std::lock_guard<std::mutex> lock(mutex);
  if (!state.recordsLaunches) {
    ++state.unrecordedTensorMaps;
    return 0;
  }
  state.tensorMaps.push_back({type,
                              address,
                              {extents[0], extents[1]},
                              strides[0],
                              {box[0], box[1]},
                              swizzle,
                              fill});
  uint64_t number = state.tensorMaps.size();
  std::memcpy(map->bytes, &number, sizeof number);
  return reinterpret_cast<uintptr_t>(map) % 64 == 0 ? 0 : 1;
}
#ifndef FAKE_CUDA_IS_OLD
FAKE CuResult cuLaunchKernelEx(const CuLaunchConfig *config,
                               CuFunction function, void **parameters,
                               void **) {
  if (state.launchResult)
    return state.launchResult;
  if (!state.recordsLaunches) {
    std::lock_guard<std::mutex> lock(mutex);
    ++state.unrecordedLaunches;
    return 0;
  }
  FakeLaunch launch = {};
  launch.kernel = *reinterpret_cast<std::string *>(function);
  std::memcpy(launch.grid, config->gridDim, sizeof launch.grid);
  std::memcpy(launch.block, config->blockDim, sizeof launch.block);
  launch.sharedBytes = config->sharedMemBytes;
  launch.stream = config->stream;
  for (unsigned i = 0; i < config->numAttributes; ++i)
    if (config->attributes[i].id == CuLaunchAttributeClusterDimension)
      std::memcpy(launch.cluster, config->attributes[i].value.clusterDim,
                  sizeof launch.cluster);
    else if (config->attributes[i].id ==
             CuLaunchAttributeProgrammaticStreamSerialization)
      launch.startsEarly =
          config->attributes[i].value.programmaticStreamSerializationAllowed;
  for (size_t i = 0; i < state.parameterCount; ++i)
    std::memcpy(launch.parameters.emplace_back().data(), parameters[i], 8);
  launch.context = contexts.empty() ? nullptr : contexts.back();
  std::lock_guard<std::mutex> lock(mutex);
  state.launches.push_back(std::move(launch));
  return 0;
}
#endif
/// For the benchmark of launches, which counts time only.
FAKE CuResult cuLaunchKernel(CuFunction, unsigned, unsigned, unsigned, unsigned,
                             unsigned, unsigned, unsigned, CuStream, void **,
                             void **) {
  return state.launchResult;
}
FAKE CuResult cuPointerGetAttribute(void *value, CuPointerAttribute attribute,
                                    CuDevicePtr pointer) {
  auto known = state.pointers.find(pointer);
  if (known == state.pointers.end())
    return 1;
  *static_cast<int *>(value) =
      attribute == CuPointerMemoryType      ? known->second[0]
      : attribute == CuPointerDeviceOrdinal ? known->second[1]
                                            : 0;
  return 0;
}
FAKE CuResult cuMemAlloc_v2(CuDevicePtr *data, size_t size) {
  if (state.allocateResult)
    return state.allocateResult;
  ++state.allocations;
  *data = reinterpret_cast<CuDevicePtr>(std::malloc(size));
  std::lock_guard<std::mutex> lock(mutex);
  state.pointers[*data] = {CuMemoryTypeDevice, 0};
  return 0;
}
FAKE CuResult cuMemFree_v2(CuDevicePtr data) {
  --state.allocations;
  {
    std::lock_guard<std::mutex> lock(mutex);
    state.pointers.erase(data);
  }
  std::free(reinterpret_cast<void *>(data));
  return 0;
}
FAKE CuResult cuMemcpyHtoD_v2(CuDevicePtr destination, const void *source,
                              size_t size) {
  std::memcpy(reinterpret_cast<void *>(destination), source, size);
  return 0;
}
FAKE CuResult cuMemcpyDtoH_v2(void *destination, CuDevicePtr source,
                              size_t size) {
  std::memcpy(destination, reinterpret_cast<void *>(source), size);
  return 0;
}
FAKE CuResult cuStreamCreate(CuStream *stream, unsigned) {
  ++state.streams;
  *stream = reinterpret_cast<CuStream>(&state.streams);
  return 0;
}
FAKE CuResult cuStreamSynchronize(CuStream) {
  ++state.synchronisations;
  return 0;
}
FAKE CuResult cuStreamDestroy_v2(CuStream) {
  --state.streams;
  return 0;
}
FAKE CuResult cuEventCreate(CuEvent *event, unsigned) {
  ++state.events;
  *event = reinterpret_cast<CuEvent>(&state.events);
  return 0;
}
FAKE CuResult cuEventRecord(CuEvent, CuStream) { return 0; }
FAKE CuResult cuEventElapsedTime(float *milliseconds, CuEvent, CuEvent) {
  *milliseconds = 2;
  return 0;
}
FAKE CuResult cuEventDestroy_v2(CuEvent) {
  --state.events;
  return 0;
}
