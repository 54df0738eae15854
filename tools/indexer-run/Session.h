//===- Session.h - One program on one device --------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What indexer-run does with a program: compile it for a device, call it, time
// it, and compare it with the float64 reference. Speaks only the C API. A call
// that fails throws std::runtime_error with the API's sentence.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TOOLS_INDEXER_RUN_SESSION_H
#define INDEXER_TOOLS_INDEXER_RUN_SESSION_H

#include "RandomInputs.h"

#include "indexer-c/Compiler.h"
#include <optional>

/// What one call gave.
struct Outcome {
  int64_t tokens = 0;
  /// Median time of a call on the CPU, mean of many launches on a GPU; warm.
  double microseconds = 0;
  int64_t elements = 0, mismatches = 0;
  /// Largest difference from float64, and the largest in units of the bound.
  double maxError = 0, maxErrorOverBound = 0;
  /// Host time of the first launch until its end, on a GPU.
  double firstLaunchMilliseconds = 0;
  /// The kernels that the call took, on a GPU.
  std::string kernels;
};

class Session {
public:
  /// Parses `text`, or reads it where it is a bundle, which needs a GPU.
  /// `device` is "auto", "cpu" or "cuda[:N]"; "auto" takes the GPU when there
  /// is one. The reference interprets the same text, or `reference` where that
  /// is not empty. With `useCache`, code for the GPU may come from the cache.
  Session(const std::string &text, const std::string &name,
          const IndexerCompileOptions &options, bool useCache,
          const std::string &device, const std::string &reference,
          const std::string &referenceName);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  /// Compiles what a call with `inputs` needs and loads it. "auto" takes the
  /// CPU when the entry does more than its kernels, which deviceNote() then
  /// says.
  void load(const std::vector<HostValue> &inputs);

  /// Arguments, results, timings and warnings of the compiler.
  nlohmann::json description() const;
  /// Kernels with their resource figures, and code objects; null on the CPU
  /// when no kernel could be made.
  nlohmann::json bundleDescription() const;
  /// "cpu (LLVM JIT)" or "cuda:0 (NVIDIA H100 80GB HBM3, sm_90a)".
  std::string deviceName() const { return device; }
  /// Why "auto" did not take the GPU; empty when it did.
  std::string deviceNote() const { return note; }
  /// Kernels of the bundle that the device cannot hold, one line each.
  std::string kernelNotes() const { return indexerKernelNotes(kernel); }
  bool isGpu() const { return kernel != nullptr; }
  /// Whether there is IR to compare with; a bundle alone has none.
  bool hasReference() const { return compares && (program || expected); }
  /// From here on, runs compare with nothing.
  void dropReference() { compares = false; }

  /// Milliseconds on a GPU: of its context, and from there until the code for
  /// the first call was loaded, which has the compiler's stages in it; 0 on the
  /// CPU.
  double contextTime() const { return contextMilliseconds; }
  double readyTime() const { return readyMilliseconds; }

  /// Waits for the kernels that no call has needed yet; what was wrong with
  /// them is thrown, or in the description's warnings.
  void finish();

  /// Calls the entry on `inputs`, compares, and times it `repeat` times.
  Outcome run(std::vector<HostValue> &inputs, int64_t tokens, int repeat);

private:
  void loadOnGpu(const std::vector<HostValue> &inputs);
  /// Dynamic extents of a bundle's results are `tokens`.
  std::vector<HostValue> makeResults(const std::vector<IndexerArgument> &,
                                     int64_t tokens);
  double callOnCpu(const std::vector<IndexerArgument> &arguments,
                   std::vector<HostValue> &results, int repeat);
  double callOnGpu(std::vector<HostValue> &inputs,
                   std::vector<HostValue> &results, int repeat,
                   Outcome &outcome);

  /// Null for a bundle.
  IndexerProgram *program = nullptr;
  /// Another program to compare with; null: `program` itself.
  IndexerProgram *expected = nullptr;
  IndexerBundle *bundle = nullptr;
  IndexerKernel *kernel = nullptr;
  int gpu = 0;
  std::string device, note;
  bool compares = true;
  /// Whether a GPU is there and was not declined, and whether it was asked for.
  bool mayUseGpu = false, mustUseGpu = false;
  double contextMilliseconds = 0, readyMilliseconds = 0;
};

#endif // INDEXER_TOOLS_INDEXER_RUN_SESSION_H
