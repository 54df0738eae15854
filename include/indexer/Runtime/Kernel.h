//===- Kernel.h - Machine code on a device ----------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_KERNEL_H
#define INDEXER_RUNTIME_KERNEL_H

#include "indexer/Runtime/Arguments.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Device.h"
#include "indexer/Runtime/TensorMapCache.h"

#include <atomic>
#include <memory>
#include <mutex>

namespace indexer::runtime {

/// A call as it is bound to the fused ops of a bundle.
using BoundCall = BoundKernel[kMaxKernels];

/// The kernel of a whole bundle, for one that was loaded with a part of its
/// launches. Thread-safe.
class WholeKernel {
public:
  virtual ~WholeKernel() = default;

  /// The kernel; null before `load` has ended.
  const IndexerKernel *loaded() const {
    return kernel.load(std::memory_order_acquire);
  }

  /// Gets the kernel, or another part of it that serves `call`, which may take
  /// long. The part lives as long as this object.
  virtual IndexerStatus load(const BoundCall &call,
                             const IndexerKernel *&kernel) = 0;

protected:
  void set(const IndexerKernel *made) {
    kernel.store(made, std::memory_order_release);
  }

private:
  std::atomic<const IndexerKernel *> kernel{nullptr};
};

} // namespace indexer::runtime

/// What the C API's opaque pointer points at: the launch table of a bundle and
/// its functions on one device. Launches change nothing but the kept tensor
/// maps, so any number of threads may launch it.
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
  /// Result of indexerKernelDescribe, made at the first call.
  std::string description;
  std::once_flag isDescribed;
  /// functions[i][k] is the function of bundle.kernels[i].launches[k].
  std::vector<std::vector<indexer::runtime::CuFunction>> functions;
  /// Null when no launch takes a tensor map.
  std::unique_ptr<indexer::runtime::TensorMapCache> tensorMaps;
  /// Where the calls go that none of these launches serves, and all calls once
  /// it is loaded. Null when these are all launches.
  std::unique_ptr<indexer::runtime::WholeKernel> whole;
};

namespace indexer::runtime {

/// Loads the code of `bundle` for device `ordinal` into `kernel`, which is new.
/// Every function is loaded and has its attributes set afterwards, so that a
/// launch may be captured in a graph. Launches that the device cannot hold are
/// dropped (FitLaunches.h).
IndexerStatus loadKernel(const Bundle &bundle, int ordinal,
                         IndexerKernel &kernel);

/// True when each fused op of `bundle` has a launch for its extents and layout
/// in `call`, or nothing to do.
bool hasLaunches(const Bundle &bundle, const BoundCall &call);

/// Error when a tensor of a call, whose arguments fit the bundle, lies where
/// `kernel` cannot use it: on another device, or in memory that the driver does
/// not know. Managed and page-locked host memory are accepted. Asks the driver
/// about every pointer, which takes longer than a launch.
IndexerStatus checkPointers(const IndexerKernel &kernel,
                            const IndexerArgument *arguments,
                            const IndexerTensor *results);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_KERNEL_H
