//===- Kernel.cpp - Machine code on a device ------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Kernel.h"

#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/FitLaunches.h"
#include "indexer/Runtime/LastError.h"
#include "indexer/Runtime/LoadedBundle.h"
#include "indexer/Runtime/SelectCode.h"

#include <algorithm>
#include <memory>

using namespace indexer::runtime;

IndexerKernel::~IndexerKernel() {
  if (modules.empty())
    return;
  ContextScope scope(*driver, context.get());
  if (scope.status() != INDEXER_OK)
    return;
  for (CuModule module : modules)
    (void)driver->moduleUnload(module); // Nothing is left to do about it.
}

/// "device 0 (sm_90a)".
static std::string deviceText(const DeviceInfo &device) {
  return "device " + std::to_string(device.ordinal) + " (" +
         chipName(device.major, device.minor) + ")";
}

namespace {
/// While it lives, the thread may load code although it captures a graph, as a
/// call does whose kernel is compiled at run time. What is loaded is no part of
/// the graph.
class RelaxedCapture {
public:
  explicit RelaxedCapture(const Driver &driver) : driver(driver) { exchange(); }
  ~RelaxedCapture() { exchange(); }
  RelaxedCapture(const RelaxedCapture &) = delete;
  RelaxedCapture &operator=(const RelaxedCapture &) = delete;

private:
  /// Where it fails, nothing changes, and loading says what is wrong.
  void exchange() { (void)driver.threadExchangeStreamCaptureMode(&mode); }

  const Driver &driver;
  int mode = CuStreamCaptureModeRelaxed;
};
} // namespace

/// Loads `object` into the current context, as one more of `modules`.
static IndexerStatus loadModule(const Driver &driver, const CodeObject &object,
                                const DeviceInfo &device,
                                std::vector<CuModule> &modules) {
  CuModule module = nullptr;
  char log[2048] = {};
  CuJitOption options[] = {CuJitErrorLogBuffer, CuJitErrorLogBufferSizeBytes};
  // The driver takes a value as a pointer's bits.
  void *values[] = {log, reinterpret_cast<void *>(sizeof log - 1)};
  CuResult result = driver.moduleLoadDataEx(&module, object.bytes.c_str(), 2,
                                            options, values);
  if (result == CuSuccess) {
    modules.push_back(module);
    return INDEXER_OK;
  }
  return driver.check(result, [&] {
    std::string text(log);
    text = text.substr(0, text.find('\n'));
    return "loading the " + object.format + " for " + object.chip + " on " +
           deviceText(device) + (text.empty() ? "" : " (" + text + ")");
  });
}

/// True when a launch of `bundle` has a tensor map among its parameters.
static bool takesTensorMaps(const Bundle &bundle) {
  for (const FusedKernel &kernel : bundle.kernels)
    for (const KernelLaunch &launch : kernel.launches)
      for (const KernelParameter &parameter : launch.parameters)
        if (parameter.kind == KernelParameter::Kind::TensorMap)
          return true;
  return false;
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
  std::vector<const CodeObject *> objects =
      selectCode(bundle, device.major, device.minor);
  if (objects.empty())
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
  RelaxedCapture relaxed(driver);
  for (const CodeObject *object : objects)
    if ((status = loadModule(driver, *object, device, kernel.modules)))
      return status;

  kernel.bundle = bundle;
  for (CodeObject &copy : kernel.bundle.objects)
    copy.bytes = std::string();
  for (FusedKernel &fused : kernel.bundle.kernels)
    fused.launches.erase(
        std::remove_if(fused.launches.begin(), fused.launches.end(),
                       [&](const KernelLaunch &launch) {
                         return !launch.chip.empty() &&
                                launch.chip != objects[0]->chip;
                       }),
        fused.launches.end());
  if (takesTensorMaps(kernel.bundle))
    kernel.tensorMaps = std::make_unique<TensorMapCache>();
  return fitLaunches(driver, device, kernel.modules, kernel.bundle,
                     kernel.functions, kernel.notes);
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

const char *indexerKernelNotes(IndexerKernel *kernel) {
  return kernel ? kernel->notes.c_str() : "";
}

const char *indexerKernelDescribe(IndexerKernel *kernel) {
  if (!kernel)
    return "";
  std::call_once(kernel->isDescribed, [&] {
    kernel->description = headerText(kernel->bundle, /*indent=*/2);
  });
  return kernel->description.c_str();
}
