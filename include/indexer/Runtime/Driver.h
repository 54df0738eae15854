//===- Driver.h - The CUDA driver, opened at run time -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The few declarations of the driver's stable C ABI that a launch needs, so
// that neither the toolkit's headers nor its libraries are needed to build.
// Names and values as in cuda.h, with Cu for CU; functions by their versioned
// names, which every driver since the version keeps.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_DRIVER_H
#define INDEXER_RUNTIME_DRIVER_H

#include "indexer-c/Runtime.h"

#include <string>
#include <type_traits>

namespace indexer::runtime {

using CuResult = int;
using CuDevice = int;
using CuDevicePtr = unsigned long long;
using CuContext = struct CUctx_st *;
using CuModule = struct CUmod_st *;
using CuFunction = struct CUfunc_st *;
using CuStream = struct CUstream_st *;
using CuEvent = struct CUevent_st *;

/// CUresult values that are treated by name.
enum : CuResult {
  CuSuccess = 0,
  CuErrorOutOfMemory = 2,
  CuErrorNoDevice = 100,
  CuErrorNotFound = 500,
  CuErrorInvalidClusterSize = 912,
};

/// CUdevice_attribute.
enum CuDeviceAttribute : int {
  CuMaxSharedMemoryPerBlockOptin = 97,
  CuComputeCapabilityMajor = 75,
  CuComputeCapabilityMinor = 76,
};

/// CUfunction_attribute.
enum CuFunctionAttribute : int {
  CuMaxThreadsPerBlock = 0,
  CuSharedSizeBytes = 1,
  CuMaxDynamicSharedSizeBytes = 8,
  CuNonPortableClusterSizeAllowed = 14,
};

/// CUpointer_attribute.
enum CuPointerAttribute : int {
  CuPointerMemoryType = 2,
  CuPointerIsManaged = 8,
  CuPointerDeviceOrdinal = 9,
};

/// CUmemorytype of device memory.
enum : unsigned { CuMemoryTypeDevice = 2 };

/// CUjit_option.
enum CuJitOption : int {
  CuJitErrorLogBuffer = 5,
  CuJitErrorLogBufferSizeBytes = 6,
};

/// CUstreamCaptureMode that prohibits no call.
enum : int { CuStreamCaptureModeRelaxed = 2 };

/// CUstream_flags.
enum : unsigned { CuStreamNonBlocking = 1 };

/// CUlaunchAttribute, with the members of its union that are used.
struct CuLaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    unsigned clusterDim[3];
    int programmaticStreamSerializationAllowed;
  } value;
};
/// CUlaunchAttributeID.
enum : int {
  CuLaunchAttributeClusterDimension = 4,
  CuLaunchAttributeProgrammaticStreamSerialization = 6
};

/// CUlaunchConfig.
struct CuLaunchConfig {
  unsigned gridDim[3];
  unsigned blockDim[3];
  unsigned sharedMemBytes;
  CuStream stream;
  CuLaunchAttribute *attributes;
  unsigned numAttributes;
};
static_assert(sizeof(CuLaunchAttribute) == 72 && sizeof(CuLaunchConfig) == 56,
              "layout of the driver's structures on 64-bit Linux");

/// CUtensorMap: how boxes of a tensor are copied; opaque.
struct alignas(64) CuTensorMap {
  unsigned char bytes[128];
};
/// CUtensorMapDataType.
enum CuTensorMapDataType : int {
  CuTensorMapFloat16 = 6,
  CuTensorMapFloat32 = 7,
  CuTensorMapFloat64 = 8,
  CuTensorMapBfloat16 = 9,
};
/// CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
/// CUtensorMapFloatOOBfill.
enum : int {
  CuTensorMapInterleaveNone = 0,
  CuTensorMapSwizzle128B = 3,
  CuTensorMapL2Promotion256B = 3,
  CuTensorMapFillZeros = 0,
};

/// X(member, symbol, parameter types...): every driver function in use.
#define INDEXER_DRIVER_FUNCTIONS(X)                                            \
  X(init, cuInit, unsigned)                                                    \
  X(driverGetVersion, cuDriverGetVersion, int *)                               \
  X(getErrorName, cuGetErrorName, CuResult, const char **)                     \
  X(getErrorString, cuGetErrorString, CuResult, const char **)                 \
  X(deviceGetCount, cuDeviceGetCount, int *)                                   \
  X(deviceGet, cuDeviceGet, CuDevice *, int)                                   \
  X(deviceGetName, cuDeviceGetName, char *, int, CuDevice)                     \
  X(deviceGetAttribute, cuDeviceGetAttribute, int *, CuDeviceAttribute,        \
    CuDevice)                                                                  \
  X(primaryCtxRetain, cuDevicePrimaryCtxRetain, CuContext *, CuDevice)         \
  X(primaryCtxRelease, cuDevicePrimaryCtxRelease_v2, CuDevice)                 \
  X(ctxGetCurrent, cuCtxGetCurrent, CuContext *)                               \
  X(ctxPushCurrent, cuCtxPushCurrent_v2, CuContext)                            \
  X(ctxPopCurrent, cuCtxPopCurrent_v2, CuContext *)                            \
  X(ctxSynchronize, cuCtxSynchronize, )                                        \
  X(threadExchangeStreamCaptureMode, cuThreadExchangeStreamCaptureMode, int *) \
  X(moduleLoadDataEx, cuModuleLoadDataEx, CuModule *, const void *, unsigned,  \
    CuJitOption *, void **)                                                    \
  X(moduleUnload, cuModuleUnload, CuModule)                                    \
  X(moduleGetFunction, cuModuleGetFunction, CuFunction *, CuModule,            \
    const char *)                                                              \
  X(funcGetAttribute, cuFuncGetAttribute, int *, CuFunctionAttribute,          \
    CuFunction)                                                                \
  X(funcSetAttribute, cuFuncSetAttribute, CuFunction, CuFunctionAttribute,     \
    int)                                                                       \
  X(occupancyMaxActiveClusters, cuOccupancyMaxActiveClusters, int *,           \
    CuFunction, const CuLaunchConfig *)                                        \
  X(tensorMapEncodeTiled, cuTensorMapEncodeTiled, CuTensorMap *,               \
    CuTensorMapDataType, unsigned, void *, const unsigned long long *,         \
    const unsigned long long *, const unsigned *, const unsigned *, int, int,  \
    int, int)                                                                  \
  X(launchKernelEx, cuLaunchKernelEx, const CuLaunchConfig *, CuFunction,      \
    void **, void **)                                                          \
  X(pointerGetAttribute, cuPointerGetAttribute, void *, CuPointerAttribute,    \
    CuDevicePtr)                                                               \
  X(memAlloc, cuMemAlloc_v2, CuDevicePtr *, size_t)                            \
  X(memFree, cuMemFree_v2, CuDevicePtr)                                        \
  X(memcpyHtoD, cuMemcpyHtoD_v2, CuDevicePtr, const void *, size_t)            \
  X(memcpyDtoH, cuMemcpyDtoH_v2, void *, CuDevicePtr, size_t)                  \
  X(streamCreate, cuStreamCreate, CuStream *, unsigned)                        \
  X(streamSynchronize, cuStreamSynchronize, CuStream)                          \
  X(streamDestroy, cuStreamDestroy_v2, CuStream)                               \
  X(eventCreate, cuEventCreate, CuEvent *, unsigned)                           \
  X(eventRecord, cuEventRecord, CuEvent, CuStream)                             \
  X(eventElapsedTime, cuEventElapsedTime, float *, CuEvent, CuEvent)           \
  X(eventDestroy, cuEventDestroy_v2, CuEvent)

/// The driver's functions. Stays loaded until the process ends.
struct Driver {
#define INDEXER_DRIVER_MEMBER(member, symbol, ...)                             \
  CuResult (*member)(__VA_ARGS__) = nullptr;
  INDEXER_DRIVER_FUNCTIONS(INDEXER_DRIVER_MEMBER)
#undef INDEXER_DRIVER_MEMBER

  /// Whether a launch asks the driver about each pointer
  /// (INDEXER_CHECK_POINTERS).
  bool checksPointers = false;

  /// Opens `library` and fills in `driver`. False, with `error` set to one
  /// sentence, when it cannot be opened or lacks a function.
  static bool open(const char *library, Driver &driver, std::string &error);

  /// The driver of this process, initialised: libcuda.so.1, or the library
  /// that the environment variable INDEXER_LIBCUDA names. It is opened at the
  /// first call, and a failure stays. Null, with the last error and `status`
  /// set, when there is none.
  static const Driver *get(IndexerStatus &status);

  /// Sets the last error: "cuMemAlloc of 16 bytes failed with
  /// CUDA_ERROR_INVALID_VALUE (invalid argument)", for `what` "cuMemAlloc of 16
  /// bytes". OK when `result` is CuSuccess; `what` may be a literal or a
  /// callable that makes the text, called on failure only.
  template <typename What>
  IndexerStatus check(CuResult result, What what) const {
    if (result == CuSuccess)
      return INDEXER_OK;
    if constexpr (std::is_invocable_v<What>)
      return report(result, what());
    else
      return report(result, what);
  }

private:
  IndexerStatus report(CuResult result, std::string what) const;
};

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_DRIVER_H
