//===- Driver.cpp - The CUDA driver, opened at run time -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/Driver.h"

#include "indexer/Runtime/LastError.h"

#include <cstdlib>
#include <dlfcn.h>

using namespace indexer::runtime;

bool Driver::open(const char *library, Driver &driver, std::string &error) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    error =
        "the CUDA driver cannot be opened: " + std::string(why ? why : library);
    return false;
  }
  auto find = [&](const char *symbol, auto &function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        dlsym(handle, symbol));
    if (!function)
      error = "the CUDA driver is too old: '" + std::string(library) +
              "' has no function '" + symbol + "' (CUDA 11.8 has all)";
    return function != nullptr;
  };
#define INDEXER_DRIVER_FIND(member, symbol, ...)                               \
  if (!find(#symbol, driver.member))                                           \
    return false;
  INDEXER_DRIVER_FUNCTIONS(INDEXER_DRIVER_FIND)
#undef INDEXER_DRIVER_FIND
  return true;
}

namespace {
/// The outcome of opening the driver once.
struct OpenedDriver {
  Driver driver;
  IndexerStatus status = INDEXER_OK;
  std::string error;
};
} // namespace

/// Opens and initialises the driver of this process.
static OpenedDriver openDriver() {
  OpenedDriver opened;
  // The only place of the runtime that reads the environment.
  const char *checks = std::getenv("INDEXER_CHECK_POINTERS");
  opened.driver.checksPointers = checks && *checks && *checks != '0';
  const char *library = std::getenv("INDEXER_LIBCUDA");
  if (!library || !*library)
    library = "libcuda.so.1";
  if (!Driver::open(library, opened.driver, opened.error)) {
    opened.status = INDEXER_NO_DRIVER;
    return opened;
  }
  CuResult result = opened.driver.init(0);
  opened.status = opened.driver.check(result, "cuInit");
  if (result == CuErrorNoDevice)
    opened.status = fail(INDEXER_NO_DEVICE, "this machine has no CUDA device");
  if (opened.status)
    opened.error = indexerLastError();
  return opened;
}

const Driver *Driver::get(IndexerStatus &status) {
  static const OpenedDriver opened = openDriver();
  status = opened.status;
  if (status == INDEXER_OK)
    return &opened.driver;
  (void)fail(status, opened.error);
  return nullptr;
}

IndexerStatus Driver::report(CuResult result, std::string what) const {
  const char *name = nullptr, *text = nullptr;
  if (getErrorName(result, &name) != CuSuccess || !name)
    name = "an unknown error";
  std::string details = "code " + std::to_string(result);
  if (getErrorString(result, &text) == CuSuccess && text)
    details = text;
  what += std::string(" failed with ") + name + " (" + details + ")";
  return fail(result == CuErrorOutOfMemory ? INDEXER_OUT_OF_MEMORY
                                           : INDEXER_CUDA_ERROR,
              std::move(what));
}
