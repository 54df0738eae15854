//===- FitLaunches.cpp - Which launches a device can hold -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/FitLaunches.h"

#include "indexer/Runtime/LastError.h"
#include "indexer/Runtime/LaunchConfig.h"
#include "indexer/Runtime/SelectCode.h"

#include <algorithm>

using namespace indexer::runtime;

void indexer::runtime::dropLaunch(FusedKernel &kernel, size_t index) {
  std::vector<KernelLaunch> &launches = kernel.launches;
  KernelLaunch dropped = launches[index];
  launches.erase(launches.begin() + index);
  auto takesOver = [&](auto isNeighbour) {
    return std::find_if(
        launches.begin(), launches.end(), [&](const KernelLaunch &launch) {
          return launch.alignment == dropped.alignment && isNeighbour(launch);
        });
  };
  auto above = takesOver([&](const KernelLaunch &launch) {
    return launch.minTokens - 1 == dropped.maxTokens;
  });
  if (above != launches.end()) {
    above->minTokens = dropped.minTokens;
    return;
  }
  auto below = takesOver([&](const KernelLaunch &launch) {
    return launch.maxTokens == dropped.minTokens - 1;
  });
  if (below != launches.end())
    below->maxTokens = dropped.maxTokens;
}

namespace {
/// The functions of a bundle and what its device has.
class LaunchFitter {
public:
  LaunchFitter(const Driver &driver, const DeviceInfo &device,
               const std::vector<CuModule> &modules, Bundle &bundle)
      : driver(driver), device(device), modules(modules), bundle(bundle) {}

  IndexerStatus run();

  std::vector<std::vector<CuFunction>> functions;
  std::string notes;

private:
  IndexerStatus findFunctions();
  CuResult findFunction(const std::string &name, CuFunction &function) const;
  IndexerStatus findShared(const KernelLaunch &launch, CuFunction function,
                           std::string &misfit);
  IndexerStatus setAttributes(const KernelLaunch &launch, CuFunction function);
  IndexerStatus findCluster(KernelLaunch &launch, CuFunction function,
                            std::string &misfit);
  template <typename Check>
  IndexerStatus dropWhere(Check check);
  unsigned maxDynamicShared(const std::string &name) const;
  std::string deviceText() const;

  const Driver &driver;
  const DeviceInfo &device;
  const std::vector<CuModule> &modules;
  Bundle &bundle;
};
} // namespace

/// "device 0 (sm_90a)".
std::string LaunchFitter::deviceText() const {
  return "device " + std::to_string(device.ordinal) + " (" +
         chipName(device.major, device.minor) + ")";
}

/// What a message says about a failed `call` on the kernel of `launch`.
static auto named(const KernelLaunch &launch, const char *call) {
  return [&launch, call] {
    return std::string(call) + " of kernel '" + launch.kernel + "'";
  };
}

/// "kernel 'gate' for T = 1..16".
static std::string launchText(const KernelLaunch &launch) {
  return "kernel '" + launch.kernel +
         "' for T = " + std::to_string(launch.minTokens) + ".." +
         (launch.maxTokens == INT64_MAX ? "inf"
                                        : std::to_string(launch.maxTokens));
}

/// Finds function `name` in the module that has it.
CuResult LaunchFitter::findFunction(const std::string &name,
                                    CuFunction &function) const {
  CuResult result = CuErrorNotFound;
  for (size_t i = 0; i < modules.size() && result == CuErrorNotFound; ++i)
    result = driver.moduleGetFunction(&function, modules[i], name.c_str());
  return result;
}

IndexerStatus LaunchFitter::findFunctions() {
  for (const FusedKernel &kernel : bundle.kernels) {
    std::vector<CuFunction> &found = functions.emplace_back();
    for (const KernelLaunch &launch : kernel.launches)
      if (IndexerStatus status =
              driver.check(findFunction(launch.kernel, found.emplace_back()),
                           named(launch, "cuModuleGetFunction")))
        return status;
  }
  return INDEXER_OK;
}

/// Sets `misfit` when a block of `launch` needs more shared memory than the
/// device has.
IndexerStatus LaunchFitter::findShared(const KernelLaunch &launch,
                                       CuFunction function,
                                       std::string &misfit) {
  // Reading an attribute also loads a function that the driver would load at
  // its first launch, which a graph capture does not survive.
  int maxThreads = 0, staticShared = 0, maxShared = 0;
  if (IndexerStatus status = driver.check(
          driver.funcGetAttribute(&maxThreads, CuMaxThreadsPerBlock, function),
          named(launch, "cuFuncGetAttribute")))
    return status;
  if (int(launch.threads) > maxThreads)
    return fail(INDEXER_BAD_BUNDLE, "kernel '" + launch.kernel +
                                        "' is launched with " +
                                        std::to_string(launch.threads) +
                                        " threads, its code accepts at most " +
                                        std::to_string(maxThreads));
  if (IndexerStatus status = driver.check(
          driver.funcGetAttribute(&staticShared, CuSharedSizeBytes, function),
          named(launch, "cuFuncGetAttribute")))
    return status;
  if (IndexerStatus status = driver.check(
          driver.deviceGetAttribute(&maxShared, CuMaxSharedMemoryPerBlockOptin,
                                    device.handle),
          "cuDeviceGetAttribute"))
    return status;
  int64_t shared = int64_t(staticShared) + launch.dynamicSharedBytes;
  if (shared > maxShared)
    misfit = launchText(launch) + " needs " + std::to_string(shared) +
             " bytes of shared memory, " + deviceText() + " has " +
             std::to_string(maxShared);
  return INDEXER_OK;
}

/// Dynamic shared memory of function `name`: the most that a launch asks for,
/// as several entries of the table may share one function.
unsigned LaunchFitter::maxDynamicShared(const std::string &name) const {
  unsigned bytes = 0;
  for (const FusedKernel &kernel : bundle.kernels)
    for (const KernelLaunch &launch : kernel.launches)
      if (launch.kernel == name)
        bytes = std::max(bytes, launch.dynamicSharedBytes);
  return bytes;
}

IndexerStatus LaunchFitter::setAttributes(const KernelLaunch &launch,
                                          CuFunction function) {
  if (unsigned bytes = maxDynamicShared(launch.kernel))
    if (IndexerStatus status = driver.check(
            driver.funcSetAttribute(function, CuMaxDynamicSharedSizeBytes,
                                    static_cast<int>(bytes)),
            named(launch, "cuFuncSetAttribute")))
      return status;
  // Up to 8 CTAs, every device with clusters accepts.
  if (launch.cluster > 8)
    return driver.check(
        driver.funcSetAttribute(function, CuNonPortableClusterSizeAllowed, 1),
        named(launch, "cuFuncSetAttribute"));
  return INDEXER_OK;
}

/// Sets `misfit` when the device has no room for a cluster of `launch`, with
/// nothing else running, and limits a grid with `maxCtas` to what it has room
/// for. The attributes of `function` are set.
IndexerStatus LaunchFitter::findCluster(KernelLaunch &launch,
                                        CuFunction function,
                                        std::string &misfit) {
  if (launch.cluster == 1)
    return INDEXER_OK;
  const unsigned grid[2] = {launch.cluster, 1};
  LaunchConfig config(launch, grid, /*stream=*/nullptr);
  int clusters = 0;
  CuResult result =
      driver.occupancyMaxActiveClusters(&clusters, function, config.get());
  if (result == CuErrorInvalidClusterSize)
    clusters = 0;
  else if (IndexerStatus status = driver.check(
               result, named(launch, "cuOccupancyMaxActiveClusters")))
    return status;
  if (clusters == 0)
    misfit = launchText(launch) + " runs in clusters of " +
             std::to_string(launch.cluster) + " CTAs, " + deviceText() +
             " has no room for one";
  // CTAs that go on to a next tile are best as many as run at a time.
  unsigned resident = static_cast<unsigned>(clusters) * launch.cluster;
  if (resident && launch.maxCtas > resident)
    launch.maxCtas = resident;
  return INDEXER_OK;
}

/// Drops the launches in which `check` finds a misfit.
template <typename Check>
IndexerStatus LaunchFitter::dropWhere(Check check) {
  for (size_t i = 0; i < bundle.kernels.size(); ++i) {
    FusedKernel &kernel = bundle.kernels[i];
    for (size_t k = 0; k < kernel.launches.size();) {
      std::string misfit;
      if (IndexerStatus status =
              check(kernel.launches[k], functions[i][k], misfit))
        return status;
      if (misfit.empty()) {
        ++k;
        continue;
      }
      if (kernel.launches.size() == 1)
        return fail(INDEXER_NO_DEVICE, misfit);
      dropLaunch(kernel, k);
      functions[i].erase(functions[i].begin() + k);
      notes += misfit + "; another kernel runs in its place\n";
    }
  }
  return INDEXER_OK;
}

IndexerStatus LaunchFitter::run() {
  if (IndexerStatus status = findFunctions())
    return status;
  if (IndexerStatus status = dropWhere(
          [&](auto &...arguments) { return findShared(arguments...); }))
    return status;
  for (size_t i = 0; i < bundle.kernels.size(); ++i)
    for (size_t k = 0; k < bundle.kernels[i].launches.size(); ++k)
      if (IndexerStatus status =
              setAttributes(bundle.kernels[i].launches[k], functions[i][k]))
        return status;
  return dropWhere(
      [&](auto &...arguments) { return findCluster(arguments...); });
}

IndexerStatus indexer::runtime::fitLaunches(
    const Driver &driver, const DeviceInfo &device,
    const std::vector<CuModule> &modules, Bundle &bundle,
    std::vector<std::vector<CuFunction>> &functions, std::string &notes) {
  LaunchFitter fitter(driver, device, modules, bundle);
  if (IndexerStatus status = fitter.run())
    return status;
  functions = std::move(fitter.functions);
  notes = std::move(fitter.notes);
  return INDEXER_OK;
}
