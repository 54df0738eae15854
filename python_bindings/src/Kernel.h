//===- Kernel.h - Bound class of code on a device -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_KERNEL_H
#define DSA_INDEXER_KERNEL_H

#include "Arguments.h"
#include "Bundle.h"
#include "Program.h"

#include <array>

namespace indexer::python {

/// A bundle's code, loaded on one CUDA device. Thread-safe.
class Kernel {
public:
  Kernel(const Bundle &bundle, int device);
  /// Of a program that is compiled for a call with `arguments` first.
  Kernel(Program &program, const Arguments &arguments, int device);
  ~Kernel() { functions.destroy(kernel); }
  Kernel(const Kernel &) = delete;
  Kernel &operator=(const Kernel &) = delete;

  /// Launches on the CUstream `stream`; does not synchronise.
  void launch(const Arguments &arguments, const Arguments &results,
              uintptr_t stream) const;
  /// The same with views; `entry` is the function that errors name.
  void launch(const IndexerArgument *arguments, size_t numArguments,
              const IndexerTensor *results, size_t numResults, void *stream,
              const std::string &entry) const;

  /// The IndexerKernel, and the indexerKernelLaunch and indexerLastError of the
  /// library that has made it; as numbers.
  std::array<uintptr_t, 3> entryPoints() const {
    return {reinterpret_cast<uintptr_t>(kernel),
            reinterpret_cast<uintptr_t>(functions.launch),
            reinterpret_cast<uintptr_t>(functions.lastError)};
  }

  /// See indexerKernelNotes.
  const char *notes() const { return functions.notes(kernel); }
  /// See indexerKernelDescribe.
  const char *describe() const { return functions.describe(kernel); }

private:
  /// Those of the library that has made the kernel: the compiler's has a
  /// runtime of its own.
  struct Functions {
    decltype(&indexerKernelDescribe) describe = indexerKernelDescribe;
    decltype(&indexerKernelDestroy) destroy = indexerKernelDestroy;
    decltype(&indexerKernelLaunch) launch = indexerKernelLaunch;
    decltype(&indexerKernelNotes) notes = indexerKernelNotes;
    decltype(&indexerLastError) lastError = indexerLastError;
  };

  Functions functions;
  IndexerKernel *kernel = nullptr;
};

/// Adds the class to the module, and the functions of devices.
void bindKernel(nanobind::module_ &module);

} // namespace indexer::python

#endif // DSA_INDEXER_KERNEL_H
