//===- DriverFloor.cpp - What the driver takes for a launch ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DriverFloor.h"

#include "indexer-c/Runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <stdexcept>

using namespace indexer::runtime;

/// cuLaunchKernel, which the runtime itself does not use.
using LaunchKernel = CuResult (*)(CuFunction, unsigned, unsigned, unsigned,
                                  unsigned, unsigned, unsigned, unsigned,
                                  CuStream, void **, void **);

/// Of a block and of a cluster.
static constexpr unsigned threads = 128, cluster = 8;

/// Parameters and tensor maps of our kernels, and fewer.
static constexpr unsigned counts[][2] = {{1, 0}, {15, 0}, {13, 2}};

static std::string nameOf(unsigned parameters, unsigned tensorMaps,
                          bool saysCluster) {
  return "empty_" + std::to_string(parameters) + "_" +
         std::to_string(tensorMaps) + (saysCluster ? "_cluster" : "");
}

/// PTX of an empty kernel.
static std::string textOf(unsigned parameters, unsigned tensorMaps,
                          bool saysCluster) {
  std::string text =
      ".visible .entry " + nameOf(parameters, tensorMaps, saysCluster) + "(";
  for (unsigned i = 0; i < parameters + tensorMaps; ++i) {
    bool isMap = i >= parameters;
    text += std::string(i ? ", " : "") +
            (isMap ? ".param .align 64 .b8 p" : ".param .u64 p") +
            std::to_string(i) + (isMap ? "[128]" : "");
  }
  text += ")\n";
  if (saysCluster)
    text += ".reqntid " + std::to_string(threads) + ", 1, 1\n" +
            ".reqnctapercluster " + std::to_string(cluster) + ", 1, 1\n";
  return text + "{\n  ret;\n}\n";
}

namespace {
/// The arguments of a launch, which the ways to launch share.
struct Arguments {
  Arguments(unsigned parameters, unsigned tensorMaps) {
    size_t mapsAt = (parameters * 8 + 63) / 64 * 64;
    for (unsigned i = 0; i < parameters; ++i)
      pointers.push_back(bytes + 8 * i);
    for (unsigned i = 0; i < tensorMaps; ++i)
      pointers.push_back(bytes + mapsAt + 128 * i);
  }

  alignas(64) unsigned char bytes[1024] = {};
  std::vector<void *> pointers;
};
} // namespace

/// cuLaunchKernel of the library that the runtime has opened.
static LaunchKernel findLaunchKernel() {
  const char *library = std::getenv("INDEXER_LIBCUDA");
  void *handle = dlopen(library && *library ? library : "libcuda.so.1",
                        RTLD_NOW | RTLD_LOCAL);
  void *symbol = handle ? dlsym(handle, "cuLaunchKernel") : nullptr;
  if (!symbol)
    throw std::runtime_error("the CUDA driver has no cuLaunchKernel");
  return reinterpret_cast<LaunchKernel>(symbol);
}

DriverFloor::DriverFloor(const Driver &driver, int major, int minor)
    : driver(driver) {
  bool hasClusters = major >= 9;
  std::string text = ".version 7.8\n.target sm_" +
                     std::to_string(std::min(10 * major + minor, 90)) +
                     "\n.address_size 64\n";
  for (const auto &[parameters, tensorMaps] : counts)
    for (bool saysCluster : {false, true})
      if (!saysCluster || hasClusters)
        text += textOf(parameters, tensorMaps, saysCluster);
  indexer::check(driver.check(
      driver.moduleLoadDataEx(&module, text.c_str(), 0, nullptr, nullptr),
      "loading the empty kernels"));
  for (const auto &[parameters, tensorMaps] : counts)
    for (bool saysCluster : {false, true})
      if (!saysCluster || hasClusters)
        addWays(parameters, tensorMaps, saysCluster, hasClusters);
}

DriverFloor::~DriverFloor() { (void)driver.moduleUnload(module); }

void DriverFloor::addWays(unsigned parameters, unsigned tensorMaps,
                          bool saysCluster, bool hasClusters) {
  static const LaunchKernel launchKernel = findLaunchKernel();
  CuFunction function = nullptr;
  std::string name = nameOf(parameters, tensorMaps, saysCluster);
  indexer::check(driver.check(
      driver.moduleGetFunction(&function, module, name.c_str()), name));
  auto arguments = std::make_shared<Arguments>(parameters, tensorMaps);
  auto add = [&](std::string how, auto launch) {
    ways.push_back({parameters, tensorMaps, saysCluster, how, launch});
  };
  add("cuLaunchKernel", [=](CuStream stream) {
    return launchKernel(function, cluster, 1, 1, threads, 1, 1, 0, stream,
                        arguments->pointers.data(), /*extra=*/nullptr);
  });
  for (bool setsCluster : {false, true})
    for (bool startsEarly : {false, true}) {
      if ((setsCluster && saysCluster) ||
          ((setsCluster || startsEarly) && !hasClusters))
        continue;
      std::string how = "cuLaunchKernelEx";
      std::vector<CuLaunchAttribute> attributes;
      if (setsCluster) {
        how += ", cluster";
        attributes.emplace_back().id = CuLaunchAttributeClusterDimension;
        attributes.back().value.clusterDim[0] = cluster;
        attributes.back().value.clusterDim[1] = 1;
        attributes.back().value.clusterDim[2] = 1;
      }
      if (startsEarly) {
        how += ", early start";
        attributes.emplace_back().id =
            CuLaunchAttributeProgrammaticStreamSerialization;
        attributes.back().value.programmaticStreamSerializationAllowed = 1;
      }
      add(how, [=, driver = &driver](CuStream stream) mutable {
        CuLaunchConfig config = {};
        config.gridDim[0] = cluster;
        config.blockDim[0] = threads;
        for (int dim : {1, 2})
          config.gridDim[dim] = config.blockDim[dim] = 1;
        config.stream = stream;
        config.attributes = attributes.data();
        config.numAttributes = attributes.size();
        return driver->launchKernelEx(&config, function,
                                      arguments->pointers.data(), nullptr);
      });
    }
}
