//===- Runtime.hpp - The runtime's C API with owners ------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Header-only and C++17: links to libindexer_runtime.so alone. Objects own what
// they hold, move but do not copy, and are thread-safe as the functions of
// Runtime.h are. A call that fails throws indexer::Error.
//
//   indexer::Bundle bundle("head_gate.idxb");
//   indexer::Kernel kernel(bundle, /*device=*/0);
//   kernel.launch(arguments, results, stream);
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_C_RUNTIME_HPP
#define INDEXER_C_RUNTIME_HPP

#include "indexer-c/Runtime.h"

#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace indexer {

/// A failed call: its code, and the sentence of indexerLastError().
class Error : public std::runtime_error {
public:
  explicit Error(IndexerStatus status)
      : std::runtime_error(indexerLastError()), code(status) {}
  IndexerStatus status() const { return code; }

private:
  IndexerStatus code;
};

/// Throws unless `status` is INDEXER_OK.
inline void check(IndexerStatus status) {
  if (status != INDEXER_OK)
    throw Error(status);
}

/// A bundle in memory. It may end before the kernels that are loaded from it.
class Bundle {
public:
  /// Reads the file at `path`.
  explicit Bundle(const std::string &path) {
    IndexerBundle *bundle = nullptr;
    check(indexerBundleOpen(path.c_str(), &bundle));
    handle.reset(bundle);
  }
  /// Reads `size` bytes, which are copied.
  Bundle(const void *data, size_t size) {
    IndexerBundle *bundle = nullptr;
    check(indexerBundleCreate(data, size, &bundle));
    handle.reset(bundle);
  }

  /// See indexerBundleDescribe.
  std::string describe() const { return indexerBundleDescribe(get()); }
  IndexerBundle *get() const { return handle.get(); }

private:
  struct Destroy {
    void operator()(IndexerBundle *bundle) const {
      indexerBundleDestroy(bundle);
    }
  };
  std::unique_ptr<IndexerBundle, Destroy> handle;
};

/// The code of a bundle on one device.
class Kernel {
public:
  Kernel(const Bundle &bundle, int device) {
    IndexerKernel *kernel = nullptr;
    check(indexerKernelLoad(bundle.get(), device, &kernel));
    handle.reset(kernel);
  }

  /// See indexerKernelLaunch. `arguments` and `results` are any contiguous
  /// containers of IndexerArgument and IndexerTensor, such as std::array.
  template <typename Arguments, typename Results>
  void launch(const Arguments &arguments, const Results &results,
              void *stream = nullptr) const {
    check(indexerKernelLaunch(get(), std::data(arguments), std::size(arguments),
                              std::data(results), std::size(results), stream));
  }

  /// See indexerKernelTime.
  template <typename Arguments, typename Results>
  double time(const Arguments &arguments, const Results &results,
              int launches) const {
    double microseconds = 0;
    check(indexerKernelTime(get(), std::data(arguments), std::size(arguments),
                            std::data(results), std::size(results), launches,
                            &microseconds));
    return microseconds;
  }

  /// See indexerKernelNotes.
  std::string notes() const { return indexerKernelNotes(get()); }
  IndexerKernel *get() const { return handle.get(); }

private:
  struct Destroy {
    void operator()(IndexerKernel *kernel) const {
      indexerKernelDestroy(kernel);
    }
  };
  std::unique_ptr<IndexerKernel, Destroy> handle;
};

/// Memory of a device.
class DeviceMemory {
public:
  DeviceMemory(int device, size_t size) : device(device), byteCount(size) {
    check(indexerDeviceAllocate(device, size, &pointer));
  }
  DeviceMemory(DeviceMemory &&other) noexcept
      : device(other.device), byteCount(other.byteCount),
        pointer(std::exchange(other.pointer, nullptr)) {}
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    std::swap(device, other.device);
    std::swap(byteCount, other.byteCount);
    std::swap(pointer, other.pointer);
    return *this;
  }
  ~DeviceMemory() {
    if (pointer)
      (void)indexerDeviceFree(device, pointer);
  }

  void *data() const { return pointer; }
  size_t size() const { return byteCount; }
  /// Copies size() bytes from or to host memory; blocks.
  void copyFrom(const void *host) {
    check(indexerCopyToDevice(device, pointer, host, byteCount));
  }
  void copyTo(void *host) const {
    check(indexerCopyToHost(device, host, pointer, byteCount));
  }

private:
  int device;
  size_t byteCount;
  void *pointer = nullptr;
};

/// A tensor argument. `tensor` and what it points at must outlive the launch.
inline IndexerArgument argument(const IndexerTensor &tensor) {
  return {1, tensor, 0};
}
/// A scalar argument.
inline IndexerArgument argument(double scalar) { return {0, {}, scalar}; }

} // namespace indexer

#endif // INDEXER_C_RUNTIME_HPP
