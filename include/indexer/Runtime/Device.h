//===- Device.h - CUDA devices and their primary contexts -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_DEVICE_H
#define INDEXER_RUNTIME_DEVICE_H

#include "indexer/Runtime/Driver.h"

namespace indexer::runtime {

/// A device that exists, and what messages say about it.
struct DeviceInfo {
  int ordinal = 0;
  CuDevice handle = 0;
  int major = 0, minor = 0;
  /// Such as "NVIDIA H100 80GB HBM3".
  std::string name;
};

/// Finds device `ordinal`.
IndexerStatus findDevice(const Driver &driver, int ordinal, DeviceInfo &info);

/// Makes `context` the current one of this thread, for the lifetime of the
/// object; costs one call of the driver when it is current already.
class ContextScope {
public:
  ContextScope(const Driver &driver, CuContext context);
  ~ContextScope();
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;

  /// Whether the context is current; else the last error is set.
  IndexerStatus status() const { return state; }

private:
  const Driver &driver;
  IndexerStatus state = INDEXER_OK;
  bool pushed = false;
};

/// A reference to the primary context of a device, given back at the end.
class PrimaryContext {
public:
  PrimaryContext() = default;
  ~PrimaryContext();
  PrimaryContext(const PrimaryContext &) = delete;
  PrimaryContext &operator=(const PrimaryContext &) = delete;

  /// Takes the reference; at most once.
  IndexerStatus retain(const Driver &driver, CuDevice device);
  /// Keeps the reference beyond the lifetime of this object.
  void leak() { owner = nullptr; }
  CuContext get() const { return context; }

private:
  const Driver *owner = nullptr;
  CuDevice device = 0;
  CuContext context = nullptr;
};

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_DEVICE_H
