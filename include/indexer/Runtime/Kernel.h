//===- Kernel.h - Machine code on a device ----------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_KERNEL_H
#define INDEXER_RUNTIME_KERNEL_H

#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Device.h"

/// What the C API's opaque pointer points at: the launch table of a bundle and
/// its functions on one device. Not changed after its creation, so any number
/// of threads may launch it.
struct IndexerKernel {
  IndexerKernel() = default;
  ~IndexerKernel();
  IndexerKernel(const IndexerKernel &) = delete;
  IndexerKernel &operator=(const IndexerKernel &) = delete;

  const indexer::runtime::Driver *driver = nullptr;
  indexer::runtime::DeviceInfo device;
  indexer::runtime::PrimaryContext context;
  /// One for each code object of the device's chip.
  std::vector<indexer::runtime::CuModule> modules;
  /// The bundle without its code objects and without the launches that the
  /// device cannot hold.
  indexer::runtime::Bundle bundle;
  /// Result of indexerKernelNotes.
  std::string notes;
  /// functions[i][k] is the function of bundle.kernels[i].launches[k].
  std::vector<std::vector<indexer::runtime::CuFunction>> functions;
};

namespace indexer::runtime {

/// Loads the code of `bundle` for device `ordinal` into `kernel`, which is new.
/// Every function is loaded and has its attributes set afterwards, so that a
/// launch may be captured in a graph. Launches that the device cannot hold are
/// dropped (FitLaunches.h).
IndexerStatus loadKernel(const Bundle &bundle, int ordinal,
                         IndexerKernel &kernel);

/// Error when a tensor of a call, whose arguments fit the bundle, lies where
/// `kernel` cannot use it: on another device, or in memory that the driver does
/// not know. Managed and page-locked host memory are accepted. Asks the driver
/// about every pointer, which takes longer than a launch.
IndexerStatus checkPointers(const IndexerKernel &kernel,
                            const IndexerArgument *arguments,
                            const IndexerTensor *results);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_KERNEL_H
