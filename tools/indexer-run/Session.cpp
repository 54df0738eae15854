//===- Session.cpp - One program on one device ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

using nlohmann::json;

static void check(IndexerStatus status) {
  if (status != INDEXER_OK)
    throw std::runtime_error(indexerLastError());
}

/// Milliseconds since `start`.
static double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
      .count();
}

static std::vector<IndexerArgument>
viewAll(const std::vector<HostValue> &values,
        const std::vector<void *> &memory = {}) {
  std::vector<IndexerArgument> arguments;
  for (size_t i = 0; i < values.size(); ++i) {
    IndexerArgument argument{};
    argument.is_tensor = values[i].isTensor;
    argument.scalar = values[i].scalar;
    if (values[i].isTensor)
      argument.tensor = values[i].tensor(memory.empty() ? nullptr : memory[i]);
    arguments.push_back(argument);
  }
  return arguments;
}

Session::Session(const std::string &text, const std::string &name,
                 const IndexerCompileOptions &options, bool useCache,
                 const std::string &wanted, const std::string &reference,
                 const std::string &referenceName) {
  int count = 0;
  IndexerStatus drivers = indexerDeviceCount(&count);
  std::string missing = drivers == INDEXER_OK
                            ? "the CUDA driver finds no device"
                            : indexerLastError();
  mayUseGpu = wanted != "cpu";
  mustUseGpu = mayUseGpu && wanted != "auto";
  if (mustUseGpu && (drivers != INDEXER_OK || count == 0))
    throw std::runtime_error("device '" + wanted + "': " + missing);
  gpu = wanted.rfind("cuda:", 0) == 0 ? std::stoi(wanted.substr(5)) : 0;
  mayUseGpu = mayUseGpu && count > 0;
  bool isBundle = text.compare(0, 8, "INDEXERB") == 0;
  if (isBundle && !mayUseGpu)
    throw std::runtime_error(
        "'" + name + "' is a bundle, which runs on a GPU only: " +
        (wanted == "cpu" ? "device 'cpu' was asked for" : missing));

  // Compile for the GPU that will run it, unless the user names a chip.
  IndexerCompileOptions chosen = options;
  char chip[32] = "";
  if (mayUseGpu && !chosen.chip) {
    check(indexerDeviceInfo(gpu, nullptr, 0, chip, sizeof(chip), nullptr));
    chosen.chip = chip;
  }
  if (!isBundle) {
    check(indexerCompile(text.data(), text.size(), name.c_str(), &chosen,
                         &program));
    check(indexerProgramUseCache(program, useCache));
  }
  if (!reference.empty())
    check(indexerCompile(reference.data(), reference.size(),
                         referenceName.c_str(), &chosen, &expected));
  if (isBundle)
    check(indexerBundleCreate(text.data(), text.size(), &bundle));
  device = "cpu (LLVM JIT)";
  if (!mayUseGpu)
    note = wanted == "auto" ? missing : "";
}

void Session::load(const std::vector<HostValue> &inputs) {
  if (!mayUseGpu)
    return;
  try {
    loadOnGpu(inputs);
  } catch (const std::runtime_error &error) {
    if (mustUseGpu || bundle)
      throw;
    note = error.what();
  }
}

Session::~Session() {
  indexerKernelDestroy(kernel);
  indexerBundleDestroy(bundle);
  indexerProgramDestroy(expected);
  indexerProgramDestroy(program);
}

void Session::loadOnGpu(const std::vector<HostValue> &inputs) {
  auto start = std::chrono::steady_clock::now();
  void *memory = nullptr; // Makes the context, which loading would do else.
  check(indexerDeviceAllocate(gpu, 1, &memory));
  contextMilliseconds = since(start);
  start = std::chrono::steady_clock::now();
  IndexerStatus status;
  if (bundle) {
    status = indexerKernelLoad(bundle, gpu, &kernel);
  } else {
    std::vector<IndexerArgument> arguments = viewAll(inputs);
    status = indexerProgramLoad(program, gpu, arguments.data(),
                                arguments.size(), &kernel);
  }
  readyMilliseconds = since(start);
  std::string error = status == INDEXER_OK ? "" : indexerLastError();
  check(indexerDeviceFree(gpu, memory));
  if (!error.empty())
    throw std::runtime_error(error);
  char name[128] = "", chip[32] = "";
  check(
      indexerDeviceInfo(gpu, name, sizeof(name), chip, sizeof(chip), nullptr));
  device = "cuda:" + std::to_string(gpu) + " (" + name + ", " + chip + ")";
}

void Session::finish() {
  const void *data = nullptr;
  size_t size = 0;
  if (program && isGpu())
    check(indexerProgramBundle(program, &data, &size));
}

json Session::description() const {
  if (!program) {
    json made = bundleDescription();
    return {{"entry", made.at("entry")},
            {"arguments", made.at("arguments")},
            {"results", made.at("results")},
            {"fused", made.at("kernels").size()},
            {"stages", json::array()},
            {"milliseconds", json::object()},
            {"cache", nullptr},
            {"warnings", json::array()}};
  }
  const char *text = nullptr;
  check(indexerProgramDescribe(program, &text));
  return json::parse(text);
}

json Session::bundleDescription() const {
  if (bundle)
    return json::parse(indexerBundleDescribe(bundle));
  const void *data = nullptr;
  size_t size = 0;
  IndexerBundle *made = nullptr;
  if (indexerProgramBundle(program, &data, &size) != INDEXER_OK ||
      indexerBundleCreate(data, size, &made) != INDEXER_OK)
    return {{"error", indexerLastError()}};
  json description = json::parse(indexerBundleDescribe(made));
  indexerBundleDestroy(made);
  return description;
}

std::vector<HostValue>
Session::makeResults(const std::vector<IndexerArgument> &arguments,
                     int64_t tokens) {
  json specs = description().at("results");
  std::vector<HostValue> results;
  std::vector<int64_t *> shapes;
  for (const json &spec : specs) {
    HostValue result;
    result.name = spec.at("name");
    result.isTensor = true;
    result.type = parseType(spec.at("type"));
    // A bundle has no function that computes extents.
    for (const json &extent : spec.at("shape"))
      result.shape.push_back(extent.is_null() ? tokens : extent.get<int64_t>());
    results.push_back(std::move(result));
  }
  for (HostValue &result : results)
    shapes.push_back(result.shape.data());
  if (IndexerProgram *known = program ? program : expected)
    check(indexerProgramResultShapes(known, arguments.data(), arguments.size(),
                                     shapes.data(), shapes.size()));
  // Poisoned: an element that nobody writes is a NaN.
  for (HostValue &result : results)
    result.bytes.assign(result.size() * sizeOf(result.type), '\xff');
  return results;
}

double Session::callOnCpu(const std::vector<IndexerArgument> &arguments,
                          std::vector<HostValue> &results, int repeat) {
  std::vector<IndexerTensor> outputs;
  for (HostValue &result : results)
    outputs.push_back(result.tensor());
  auto call = [&] {
    check(indexerProgramRunCpu(program, arguments.data(), arguments.size(),
                               outputs.data(), outputs.size()));
  };
  call();
  std::vector<double> times;
  for (int i = 0; i < repeat; ++i) {
    auto start = std::chrono::steady_clock::now();
    call();
    std::chrono::duration<double, std::micro> elapsed =
        std::chrono::steady_clock::now() - start;
    times.push_back(elapsed.count());
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  return times[times.size() / 2];
}

double Session::callOnGpu(std::vector<HostValue> &inputs,
                          std::vector<HostValue> &results, int repeat,
                          Outcome &outcome) {
  // Device copies of everything, freed on every way out.
  struct Memory {
    int device;
    std::vector<void *> data;
    ~Memory() {
      for (void *pointer : data)
        if (pointer)
          indexerDeviceFree(device, pointer);
    }
    void *copy(const HostValue &value) {
      data.push_back(nullptr);
      if (!value.isTensor)
        return nullptr;
      check(indexerDeviceAllocate(
          device, std::max<size_t>(value.bytes.size(), 1), &data.back()));
      if (!value.bytes.empty())
        check(indexerCopyToDevice(device, data.back(), value.bytes.data(),
                                  value.bytes.size()));
      return data.back();
    }
  } memory{gpu, {}};
  std::vector<void *> pointers;
  for (const HostValue &input : inputs)
    pointers.push_back(memory.copy(input));
  std::vector<IndexerArgument> arguments = viewAll(inputs, pointers);
  std::vector<IndexerTensor> outputs;
  for (const HostValue &result : results)
    outputs.push_back(result.tensor(memory.copy(result)));
  char kernels[1024] = "";
  check(indexerKernelSelect(kernel, arguments.data(), arguments.size(),
                            outputs.data(), outputs.size(), kernels,
                            sizeof kernels));
  outcome.kernels = kernels;
  auto start = std::chrono::steady_clock::now();
  check(indexerKernelLaunch(kernel, arguments.data(), arguments.size(),
                            outputs.data(), outputs.size(), nullptr));
  check(indexerDeviceSynchronize(gpu));
  outcome.firstLaunchMilliseconds = since(start);
  for (size_t i = 0; i < results.size(); ++i)
    if (!results[i].bytes.empty())
      check(indexerCopyToHost(gpu, results[i].bytes.data(), outputs[i].data,
                              results[i].bytes.size()));
  double microseconds = 0;
  check(indexerKernelTime(kernel, arguments.data(), arguments.size(),
                          outputs.data(), outputs.size(), repeat,
                          &microseconds));
  return microseconds;
}

Outcome Session::run(std::vector<HostValue> &inputs, int64_t tokens,
                     int repeat) {
  Outcome outcome;
  outcome.tokens = tokens;
  std::vector<IndexerArgument> arguments = viewAll(inputs);
  std::vector<HostValue> results = makeResults(arguments, tokens);
  outcome.microseconds = isGpu() ? callOnGpu(inputs, results, repeat, outcome)
                                 : callOnCpu(arguments, results, repeat);
  if (!hasReference())
    return outcome;

  std::vector<std::vector<double>> values, bounds;
  for (const HostValue &result : results) {
    values.emplace_back(result.size());
    bounds.emplace_back(result.size());
  }
  std::vector<double *> valuePointers, boundPointers;
  for (size_t i = 0; i < results.size(); ++i) {
    valuePointers.push_back(values[i].data());
    boundPointers.push_back(bounds[i].data());
  }
  check(indexerProgramReference(expected ? expected : program, arguments.data(),
                                arguments.size(), valuePointers.data(),
                                boundPointers.data(), results.size(), 0));
  for (size_t i = 0; i < results.size(); ++i)
    for (int64_t element = 0; element < results[i].size(); ++element) {
      double got = elementOf(results[i], element);
      double error = std::abs(got - values[i][element]);
      double bound = bounds[i][element];
      ++outcome.elements;
      bool sameSpecial = (std::isnan(got) && std::isnan(values[i][element])) ||
                         (std::isinf(got) && got == values[i][element]);
      if (sameSpecial)
        continue;
      // Written so that a NaN does not agree.
      if (!(error <= bound)) {
        ++outcome.mismatches;
        if (std::isnan(error))
          error = std::numeric_limits<double>::infinity();
      }
      outcome.maxError = std::max(outcome.maxError, error);
      if (bound > 0)
        outcome.maxErrorOverBound =
            std::max(outcome.maxErrorOverBound, error / bound);
    }
  return outcome;
}
