//===- Device.cpp - CUDA devices and their primary contexts ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Also the C API of devices. An allocation holds one reference to the primary
// context until it is freed; without it, the context and the memory would go
// away with the call.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Device.h"

#include "indexer/Runtime/LastError.h"
#include "indexer/Runtime/SelectCode.h"

#include <cstdio>

using namespace indexer::runtime;

IndexerStatus indexer::runtime::findDevice(const Driver &driver, int ordinal,
                                           DeviceInfo &info) {
  int count = 0;
  if (IndexerStatus status =
          driver.check(driver.deviceGetCount(&count), "cuDeviceGetCount"))
    return status;
  if (ordinal < 0 || ordinal >= count)
    return fail(INDEXER_NO_DEVICE, "device " + std::to_string(ordinal) +
                                       " does not exist: this machine has " +
                                       std::to_string(count) + " CUDA device" +
                                       (count == 1 ? "" : "s"));
  info.ordinal = ordinal;
  char name[256] = {};
  if (IndexerStatus status =
          driver.check(driver.deviceGet(&info.handle, ordinal), "cuDeviceGet"))
    return status;
  if (IndexerStatus status =
          driver.check(driver.deviceGetName(name, sizeof name - 1, info.handle),
                       "cuDeviceGetName"))
    return status;
  info.name = name;
  if (IndexerStatus status =
          driver.check(driver.deviceGetAttribute(
                           &info.major, CuComputeCapabilityMajor, info.handle),
                       "cuDeviceGetAttribute"))
    return status;
  return driver.check(driver.deviceGetAttribute(
                          &info.minor, CuComputeCapabilityMinor, info.handle),
                      "cuDeviceGetAttribute");
}

ContextScope::ContextScope(const Driver &driver, CuContext context)
    : driver(driver) {
  CuContext current = nullptr;
  state = driver.check(driver.ctxGetCurrent(&current), "cuCtxGetCurrent");
  if (state || current == context)
    return;
  state = driver.check(driver.ctxPushCurrent(context), "cuCtxPushCurrent");
  pushed = state == INDEXER_OK;
}

ContextScope::~ContextScope() {
  CuContext popped;
  if (pushed)
    (void)driver.ctxPopCurrent(&popped); // Nothing is left to do about it.
}

IndexerStatus PrimaryContext::retain(const Driver &driver, CuDevice device) {
  IndexerStatus status = driver.check(driver.primaryCtxRetain(&context, device),
                                      "cuDevicePrimaryCtxRetain");
  if (status == INDEXER_OK) {
    owner = &driver;
    this->device = device;
  }
  return status;
}

PrimaryContext::~PrimaryContext() {
  if (owner)
    (void)owner->primaryCtxRelease(device);
}

/// Calls body(driver, device, context) with the primary context of device
/// `ordinal` current.
template <typename Body>
static IndexerStatus onDevice(int ordinal, Body body) {
  return guarded([&]() -> IndexerStatus {
    IndexerStatus status;
    const Driver *driver = Driver::get(status);
    if (!driver)
      return status;
    DeviceInfo info;
    if ((status = findDevice(*driver, ordinal, info)))
      return status;
    PrimaryContext context;
    if ((status = context.retain(*driver, info.handle)))
      return status;
    ContextScope scope(*driver, context.get());
    if ((status = scope.status()))
      return status;
    return body(*driver, info, context);
  });
}

/// Error when an output pointer of the C API is null.
static IndexerStatus rejectNull(const char *name) {
  return fail(INDEXER_INVALID_ARGUMENT, "'" + std::string(name) + "' is null");
}

/// A device pointer as the driver types it.
static CuDevicePtr devicePointer(const void *data) {
  return reinterpret_cast<CuDevicePtr>(data);
}

IndexerStatus indexerDeviceCount(int *count) {
  return guarded([&]() -> IndexerStatus {
    if (!count)
      return rejectNull("count");
    *count = 0;
    IndexerStatus status;
    const Driver *driver = Driver::get(status);
    if (!driver) // A driver without a device is a right answer here.
      return status == INDEXER_NO_DEVICE ? INDEXER_OK : status;
    return driver->check(driver->deviceGetCount(count), "cuDeviceGetCount");
  });
}

IndexerStatus indexerDeviceInfo(int device, char *name, size_t name_size,
                                char *chip, size_t chip_size,
                                int *driver_version) {
  return guarded([&]() -> IndexerStatus {
    IndexerStatus status;
    const Driver *driver = Driver::get(status);
    if (!driver)
      return status;
    DeviceInfo info;
    if ((status = findDevice(*driver, device, info)))
      return status;
    if (name && name_size)
      std::snprintf(name, name_size, "%s", info.name.c_str());
    if (chip && chip_size)
      std::snprintf(chip, chip_size, "%s",
                    chipName(info.major, info.minor).c_str());
    if (!driver_version)
      return INDEXER_OK;
    return driver->check(driver->driverGetVersion(driver_version),
                         "cuDriverGetVersion");
  });
}

IndexerStatus indexerDeviceAllocate(int device, size_t size, void **data) {
  if (!data)
    return guarded([] { return rejectNull("data"); });
  *data = nullptr;
  return onDevice(device, [&](const Driver &driver, const DeviceInfo &info,
                              PrimaryContext &context) {
    // The driver refuses 0 bytes, for which C allows any unique pointer.
    CuDevicePtr pointer = 0;
    IndexerStatus status =
        driver.check(driver.memAlloc(&pointer, size ? size : 1), [&] {
          return "cuMemAlloc of " + std::to_string(size) + " bytes on device " +
                 std::to_string(info.ordinal);
        });
    if (status)
      return status;
    *data = reinterpret_cast<void *>(pointer);
    context.leak();
    return INDEXER_OK;
  });
}

IndexerStatus indexerDeviceFree(int device, void *data) {
  if (!data)
    return INDEXER_OK;
  return onDevice(device, [&](const Driver &driver, const DeviceInfo &info,
                              PrimaryContext &) {
    if (IndexerStatus status =
            driver.check(driver.memFree(devicePointer(data)), "cuMemFree"))
      return status;
    // The reference that the allocation held.
    return driver.check(driver.primaryCtxRelease(info.handle),
                        "cuDevicePrimaryCtxRelease");
  });
}

IndexerStatus indexerCopyToDevice(int device, void *destination,
                                  const void *source, size_t size) {
  return onDevice(
      device, [&](const Driver &driver, const DeviceInfo &, PrimaryContext &) {
        if (size == 0)
          return INDEXER_OK;
        return driver.check(
            driver.memcpyHtoD(devicePointer(destination), source, size),
            "cuMemcpyHtoD");
      });
}

IndexerStatus indexerCopyToHost(int device, void *destination,
                                const void *source, size_t size) {
  return onDevice(
      device, [&](const Driver &driver, const DeviceInfo &, PrimaryContext &) {
        if (size == 0)
          return INDEXER_OK;
        return driver.check(
            driver.memcpyDtoH(destination, devicePointer(source), size),
            "cuMemcpyDtoH");
      });
}

IndexerStatus indexerDeviceSynchronize(int device) {
  return onDevice(
      device, [](const Driver &driver, const DeviceInfo &, PrimaryContext &) {
        return driver.check(driver.ctxSynchronize(), "cuCtxSynchronize");
      });
}
