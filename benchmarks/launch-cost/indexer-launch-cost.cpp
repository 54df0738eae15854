//===- indexer-launch-cost.cpp - Host time of loading and launching -------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four questions about a shipped bundle on a machine with a GPU:
//
// - how long from the file to the end of the first launch, besides what CUDA
//   itself takes for its context;
// - how much host time a launch takes, and how much of it is ours: the same
//   cuLaunchKernelEx is made without the runtime, for the kernels of the bundle
//   and for empty ones with the same parameters;
// - how long the driver alone takes for an empty kernel, by function,
//   attributes, and parameters;
// - the same with INDEXER_CHECK_POINTERS=1 in the environment;
// - whether memory stays flat over many launches of several threads.
//
//===----------------------------------------------------------------------===//

#include "CapturedLaunch.h"
#include "DriverFloor.h"
#include "NullBundle.h"
#include "Workload.h"

#include "indexer/Runtime/Kernel.h"
#include "indexer/Runtime/LoadedBundle.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>
#include <unistd.h>

using nlohmann::json;
using namespace indexer::runtime;
using Clock = std::chrono::steady_clock;

namespace {

/// What the command line says.
struct Options {
  std::string file, jsonFile;
  int device = 0, threads = 8;
  int64_t launches = 20000, soak = 10000000;
  std::vector<int64_t> tokens = {1, 16, 256, 2048, 8192, 65536};
};

/// A stream of the driver.
class Stream {
public:
  explicit Stream(const Driver &driver) : driver(driver) {
    indexer::check(driver.check(
        driver.streamCreate(&stream, CuStreamNonBlocking), "cuStreamCreate"));
  }
  ~Stream() { (void)driver.streamDestroy(stream); }
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  void wait() const {
    indexer::check(
        driver.check(driver.streamSynchronize(stream), "cuStreamSynchronize"));
  }
  CuStream get() const { return stream; }

private:
  const Driver &driver;
  CuStream stream = nullptr;
};

} // namespace

static double since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start)
      .count();
}

/// Microseconds of `launch`: the median over batches that are waited for
/// outside the measurement, so that the driver's queue is never full.
template <typename Launch>
static double medianTime(const Stream &stream, int64_t launches,
                         Launch launch) {
  constexpr int64_t batch = 50;
  std::vector<double> times;
  for (int64_t done = 0; done < launches + batch; done += batch) {
    auto start = Clock::now();
    for (int64_t i = 0; i < batch; ++i)
      launch();
    double elapsed = since(start) / batch;
    stream.wait();
    if (done > 0) // The first batch warms up.
      times.push_back(elapsed);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  return times[times.size() / 2];
}

/// Times launches of `kernel` with the runtime and without it.
static json timeLaunches(IndexerKernel &kernel, Workload &workload,
                         int64_t launches) {
  const Driver &driver = *kernel.driver;
  // As in a process with PyTorch, the context is current.
  ContextScope scope(driver, kernel.context.get());
  indexer::check(scope.status());
  Stream stream(driver);
  auto ours = [&] {
    indexer::check(indexerKernelLaunch(
        &kernel, workload.arguments.data(), workload.arguments.size(),
        workload.results.data(), workload.results.size(), stream.get()));
  };
  CapturedLaunch captured(kernel, ours);
  auto alone = [&] {
    indexer::check(driver.check(captured.launch(driver, stream.get()),
                                "cuLaunchKernelEx"));
  };
  // In turns, so that both see the same machine.
  double oursTime = 1e9, aloneTime = 1e9;
  for (int i = 0; i < 3; ++i) {
    oursTime = std::min(oursTime, medianTime(stream, launches / 3, ours));
    aloneTime = std::min(aloneTime, medianTime(stream, launches / 3, alone));
  }
  return {{"tensor_maps", captured.tensorMaps()},
          {"runtime_us", oursTime},
          {"driver_us", aloneTime},
          {"added_us", oursTime - aloneTime}};
}

/// Times and prints the ways to launch an empty kernel, in turns.
static json timeFloor(const IndexerKernel &kernel, int64_t launches) {
  const Driver &driver = *kernel.driver;
  ContextScope scope(driver, kernel.context.get());
  indexer::check(scope.status());
  Stream stream(driver);
  DriverFloor floor(driver, kernel.device.major, kernel.device.minor);
  std::vector<double> best(floor.launches().size(), 1e9);
  for (int round = 0; round < 3; ++round)
    for (size_t i = 0; i < best.size(); ++i) {
      const DriverLaunch &way = floor.launches()[i];
      best[i] = std::min(best[i], medianTime(stream, launches / 3, [&] {
                           indexer::check(
                               driver.check(way.launch(stream.get()), way.how));
                         }));
    }
  std::printf("\n%-11s %-12s %-8s %-42s %8s\n", "parameters", "tensor maps",
              "cluster", "driver alone, empty kernel", "us");
  json rows = json::array();
  for (size_t i = 0; i < best.size(); ++i) {
    const DriverLaunch &way = floor.launches()[i];
    std::printf("%-11u %-12u %-8s %-42s %8.3f\n", way.parameters,
                way.tensorMaps, way.saysCluster ? "in PTX" : "",
                way.how.c_str(), best[i]);
    rows.push_back({{"parameters", way.parameters},
                    {"tensor_maps", way.tensorMaps},
                    {"cluster_in_ptx", way.saysCluster},
                    {"how", way.how},
                    {"us", best[i]}});
  }
  return rows;
}

/// Times the way from the file to the end of the first launch, in
/// milliseconds.
static json timeStart(const Options &options) {
  json result;
  auto start = Clock::now();
  auto lap = [&](const char *what) {
    result[what] = since(start) / 1000;
    start = Clock::now();
  };
  indexer::Bundle bundle(options.file);
  lap("open_ms");
  // Holds the primary context, which the first call of a process makes.
  indexer::DeviceMemory first(options.device, 1);
  lap("cuda_context_ms");
  indexer::Kernel kernel(bundle, options.device);
  lap("load_ms");
  Workload workload(json::parse(bundle.describe()), options.device,
                    options.tokens.front());
  indexer::check(indexerDeviceSynchronize(options.device));
  start = Clock::now();
  kernel.launch(workload.arguments, workload.results);
  indexer::check(indexerDeviceSynchronize(options.device));
  lap("first_launch_ms");
  result["besides_context_ms"] = result["open_ms"].get<double>() +
                                 result["load_ms"].get<double>() +
                                 result["first_launch_ms"].get<double>();
  return result;
}

/// Resident memory of this process, in KiB.
static int64_t residentKiB() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE) / 1024;
}

/// Launches from several threads at a time, each on a stream of its own, and
/// tells the resident memory after each tenth.
static json soak(IndexerKernel &kernel, const json &description,
                 const Options &options) {
  constexpr int parts = 10;
  int64_t perThread = options.soak / options.threads / parts;
  json resident = json::array();
  auto start = Clock::now();
  std::vector<std::string> errors(options.threads);
  for (int part = 0; part <= parts; ++part) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < options.threads; ++thread)
      threads.emplace_back([&, thread] {
        try {
          ContextScope scope(*kernel.driver, kernel.context.get());
          indexer::check(scope.status());
          Workload workload(description, options.device, 1 + thread);
          Stream stream(*kernel.driver);
          // The first round makes what threads keep.
          int64_t count = part ? perThread : std::min<int64_t>(perThread, 1000);
          for (int64_t i = 1; i <= count; ++i) {
            indexer::check(indexerKernelLaunch(
                &kernel, workload.arguments.data(), workload.arguments.size(),
                workload.results.data(), workload.results.size(),
                stream.get()));
            if (i % 500 == 0)
              stream.wait();
          }
          stream.wait();
        } catch (const std::exception &error) {
          errors[thread] = error.what();
        }
      });
    for (std::thread &thread : threads)
      thread.join();
    resident.push_back(residentKiB());
  }
  for (const std::string &error : errors)
    if (!error.empty())
      throw std::runtime_error(error);
  return {{"launches", perThread * options.threads * parts},
          {"threads", options.threads},
          {"seconds", since(start) / 1e6},
          {"resident_kib", resident},
          {"growth_kib",
           resident.back().get<int64_t>() - resident.front().get<int64_t>()}};
}

static void printRow(const char *what, int64_t tokens, const json &row) {
  std::printf("%-14s %8lld %12u", what, static_cast<long long>(tokens),
              row.at("tensor_maps").get<unsigned>());
  for (const char *key : {"runtime_us", "driver_us", "added_us"})
    std::printf(" %12.3f", row.at(key).get<double>());
  std::printf("\n");
}

/// Measures and prints; the report.
static json run(const Options &options) {
  json report;
  char name[128] = "";
  int driverVersion = 0;
  indexer::check(indexerDeviceInfo(options.device, name, sizeof name, nullptr,
                                   0, &driverVersion));
  report["start"] = timeStart(options);
  report["device"] = name;
  report["driver"] = driverVersion;
  report["bundle"] = options.file;
  std::printf("%s, driver %d, %s\n", name, driverVersion, options.file.c_str());
  for (auto &[what, milliseconds] : report["start"].items())
    std::printf("%-20s %10.3f\n", what.c_str(), milliseconds.get<double>());

  indexer::Bundle bundle(options.file);
  indexer::Kernel kernel(bundle, options.device);
  const DeviceInfo &device = kernel.get()->device;
  std::string nullBytes = serialize(
      makeNullBundle(bundle.get()->bundle, device.major, device.minor));
  indexer::Bundle nullBundle(nullBytes.data(), nullBytes.size());
  indexer::Kernel nullKernel(nullBundle, options.device);
  json description = json::parse(bundle.describe());
  report["checks_pointers"] = kernel.get()->driver->checksPointers;
  std::printf("\n%-14s %8s %12s %12s %12s %12s%s\n", "launch, us", "T",
              "tensor maps", "runtime", "driver alone", "added",
              kernel.get()->driver->checksPointers ? "  (pointers are checked)"
                                                   : "");
  for (int64_t tokens : options.tokens) {
    Workload workload(description, options.device, tokens);
    json row = {{"tokens", tokens}};
    row["kernel"] = timeLaunches(*kernel.get(), workload, options.launches);
    row["null"] = timeLaunches(*nullKernel.get(), workload, options.launches);
    printRow("kernel", tokens, row["kernel"]);
    printRow("null kernel", tokens, row["null"]);
    report["launch"].push_back(row);
  }
  report["floor"] = timeFloor(*kernel.get(), options.launches);
  if (options.soak > 0) {
    report["soak"] = soak(*nullKernel.get(), description, options);
    std::printf("\nsoak: %lld launches of %d threads in %.1f s, resident "
                "memory grew by %lld KiB of %lld\n",
                report["soak"]["launches"].get<long long>(), options.threads,
                report["soak"]["seconds"].get<double>(),
                report["soak"]["growth_kib"].get<long long>(),
                report["soak"]["resident_kib"][0].get<long long>());
  }
  return report;
}

int main(int argc, char **argv) {
  CLI::App app{"Measures the host time of loading and launching a bundle, "
               "beside the driver alone. Needs a GPU."};
  Options options;
  app.add_option("bundle", options.file, "What indexer-compile has written")
      ->required();
  app.add_option("--device", options.device, "CUDA device");
  app.add_option("--tokens", options.tokens, "Token counts T")->delimiter(',');
  app.add_option("--launches", options.launches,
                 "Launches that are timed in each configuration")
      ->check(CLI::PositiveNumber);
  app.add_option("--soak", options.soak,
                 "Launches of the soak test; 0 leaves it out")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--threads", options.threads, "Threads of the soak test")
      ->check(CLI::PositiveNumber);
  app.add_option("--json", options.jsonFile, "File for the report as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // 1 for every bad input.
    return app.exit(error) == 0 ? 0 : 1;
  }
  try {
    json report = run(options);
    if (!options.jsonFile.empty()) {
      std::ofstream file(options.jsonFile);
      file << report.dump(2) << "\n";
      if (!file.flush())
        throw std::runtime_error("cannot write '" + options.jsonFile + "'");
    }
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "indexer-launch-cost: error: %s\n", error.what());
    return 1;
  }
}
