//===- Kernel.cpp - Machine code on a device ------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Kernel.h"

#include "indexer/Runtime/LastError.h"
#include "indexer/Runtime/LoadedBundle.h"
#include "indexer/Runtime/SelectCode.h"

#include <algorithm>
#include <memory>

using namespace indexer::runtime;

IndexerKernel::~IndexerKernel() {
  if (!module)
    return;
  ContextScope scope(*driver, context.get());
  if (scope.status() == INDEXER_OK)
    (void)driver->moduleUnload(module); // Nothing is left to do about it.
}

/// "device 0 (sm_90a)".
static std::string deviceText(const DeviceInfo &device) {
  return "device " + std::to_string(device.ordinal) + " (" +
         chipName(device.major, device.minor) + ")";
}

/// Loads `object` into the current context.
static IndexerStatus loadModule(const Driver &driver, const CodeObject &object,
                                const DeviceInfo &device, CuModule &module) {
  char log[2048] = {};
  CuJitOption options[] = {CuJitErrorLogBuffer, CuJitErrorLogBufferSizeBytes};
  // The driver takes a value as a pointer's bits.
  void *values[] = {log, reinterpret_cast<void *>(sizeof log - 1)};
  CuResult result = driver.moduleLoadDataEx(&module, object.bytes.c_str(), 2,
                                            options, values);
  if (result == CuSuccess)
    return INDEXER_OK;
  module = nullptr;
  return driver.check(result, [&] {
    std::string text(log);
    text = text.substr(0, text.find('\n'));
    return "loading the " + object.format + " for " + object.chip + " on " +
           deviceText(device) + (text.empty() ? "" : " (" + text + ")");
  });
}

/// Sets the attributes that `function` needs for all launches of it.
static IndexerStatus prepareFunction(const Driver &driver,
                                     const DeviceInfo &device,
                                     const KernelLaunch &launch,
                                     int dynamicSharedBytes,
                                     CuFunction function) {
  auto named = [&](const char *call) {
    return [&launch, call] {
      return std::string(call) + " of kernel '" + launch.kernel + "'";
    };
  };
  // Reading an attribute also loads a function that the driver would load at
  // its first launch, which a graph capture does not survive.
  int maxThreads = 0, staticShared = 0, maxShared = 0;
  if (IndexerStatus status = driver.check(
          driver.funcGetAttribute(&maxThreads, CuMaxThreadsPerBlock, function),
          named("cuFuncGetAttribute")))
    return status;
  if (int(launch.threads) > maxThreads)
    return fail(INDEXER_BAD_BUNDLE, "kernel '" + launch.kernel +
                                        "' is launched with " +
                                        std::to_string(launch.threads) +
                                        " threads, its code accepts at most " +
                                        std::to_string(maxThreads));
  if (IndexerStatus status = driver.check(
          driver.funcGetAttribute(&staticShared, CuSharedSizeBytes, function),
          named("cuFuncGetAttribute")))
    return status;
  if (IndexerStatus status = driver.check(
          driver.deviceGetAttribute(&maxShared, CuMaxSharedMemoryPerBlockOptin,
                                    device.handle),
          "cuDeviceGetAttribute"))
    return status;
  int64_t shared = int64_t(staticShared) + dynamicSharedBytes;
  if (shared > maxShared)
    return fail(INDEXER_NO_DEVICE,
                "kernel '" + launch.kernel + "' needs " +
                    std::to_string(shared) + " bytes of shared memory, " +
                    deviceText(device) + " has " + std::to_string(maxShared));
  if (dynamicSharedBytes)
    if (IndexerStatus status = driver.check(
            driver.funcSetAttribute(function, CuMaxDynamicSharedSizeBytes,
                                    dynamicSharedBytes),
            named("cuFuncSetAttribute")))
      return status;
  // Up to 8 CTAs, every device with clusters accepts.
  if (launch.cluster > 8)
    return driver.check(
        driver.funcSetAttribute(function, CuNonPortableClusterSizeAllowed, 1),
        named("cuFuncSetAttribute"));
  return INDEXER_OK;
}

/// Dynamic shared memory of function `name`: the most that a launch asks for,
/// as several entries of the table may share one function.
static int maxDynamicShared(const Bundle &bundle, const std::string &name) {
  unsigned bytes = 0;
  for (const FusedKernel &kernel : bundle.kernels)
    for (const KernelLaunch &launch : kernel.launches)
      if (launch.kernel == name && launch.dynamicSharedBytes > bytes)
        bytes = launch.dynamicSharedBytes;
  return static_cast<int>(bytes);
}

IndexerStatus indexer::runtime::loadKernel(const Bundle &bundle, int ordinal,
                                           IndexerKernel &kernel) {
  IndexerStatus status;
  kernel.driver = Driver::get(status);
  if (!kernel.driver)
    return status;
  const Driver &driver = *kernel.driver;
  DeviceInfo &device = kernel.device;
  if ((status = findDevice(driver, ordinal, device)))
    return status;
  const CodeObject *object = selectCode(bundle, device.major, device.minor);
  if (!object)
    return fail(INDEXER_NO_DEVICE,
                "the bundle has " +
                    (bundle.objects.empty() ? "no code"
                                            : "code for " + chipsText(bundle)) +
                    ", device " + std::to_string(ordinal) + " is " +
                    chipName(device.major, device.minor) + " (" + device.name +
                    ")");
  if ((status = kernel.context.retain(driver, device.handle)))
    return status;
  ContextScope scope(driver, kernel.context.get());
  if ((status = scope.status()))
    return status;
  if ((status = loadModule(driver, *object, device, kernel.module)))
    return status;

  kernel.bundle = bundle;
  for (CodeObject &copy : kernel.bundle.objects)
    copy.bytes = std::string();
  for (FusedKernel &fused : kernel.bundle.kernels)
    fused.launches.erase(std::remove_if(fused.launches.begin(),
                                        fused.launches.end(),
                                        [&](const KernelLaunch &launch) {
                                          return !launch.chip.empty() &&
                                                 launch.chip != object->chip;
                                        }),
                         fused.launches.end());
  for (const FusedKernel &fused : kernel.bundle.kernels) {
    std::vector<CuFunction> &functions = kernel.functions.emplace_back();
    for (const KernelLaunch &launch : fused.launches) {
      CuFunction function = nullptr;
      if ((status = driver.check(
               driver.moduleGetFunction(&function, kernel.module,
                                        launch.kernel.c_str()),
               [&] {
                 return "cuModuleGetFunction of kernel '" + launch.kernel + "'";
               })))
        return status;
      if ((status = prepareFunction(
               driver, device, launch,
               maxDynamicShared(kernel.bundle, launch.kernel), function)))
        return status;
      functions.push_back(function);
    }
  }
  return INDEXER_OK;
}

IndexerStatus indexerKernelLoad(IndexerBundle *bundle, int device,
                                IndexerKernel **kernel) {
  return guarded([&]() -> IndexerStatus {
    if (!bundle || !kernel)
      return fail(INDEXER_INVALID_ARGUMENT,
                  std::string(bundle ? "'kernel'" : "'bundle'") + " is null");
    *kernel = nullptr;
    auto loaded = std::make_unique<IndexerKernel>();
    if (IndexerStatus status = loadKernel(bundle->bundle, device, *loaded))
      return status;
    *kernel = loaded.release();
    return INDEXER_OK;
  });
}

void indexerKernelDestroy(IndexerKernel *kernel) { delete kernel; }
