//===- CheckPointers.cpp - Where the tensors of a call lie ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A wrong pointer is found by the GPU long after the launch, and takes the
// whole context with it. This finds it before, by name.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/ArgumentText.h"
#include "indexer/Runtime/Kernel.h"
#include "indexer/Runtime/LastError.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

using namespace indexer::runtime;

/// What is wrong with the place of `data`, "" for nothing.
static std::string placeText(const IndexerKernel &kernel, const void *data) {
  const Driver &driver = *kernel.driver;
  auto pointer = reinterpret_cast<CuDevicePtr>(data);
  unsigned type = 0, isManaged = 0;
  int ordinal = 0;
  if (driver.pointerGetAttribute(&type, CuPointerMemoryType, pointer)) {
    char address[32];
    std::snprintf(address, sizeof address, "0x%llx", pointer);
    return std::string("has no memory that CUDA knows (its pointer is ") +
           address + ")";
  }
  if (type != CuMemoryTypeDevice ||
      (!driver.pointerGetAttribute(&isManaged, CuPointerIsManaged, pointer) &&
       isManaged) ||
      driver.pointerGetAttribute(&ordinal, CuPointerDeviceOrdinal, pointer) ||
      ordinal == kernel.device.ordinal)
    return "";
  return "is on device " + std::to_string(ordinal) +
         ", the kernel is loaded on device " +
         std::to_string(kernel.device.ordinal);
}

/// Checks one argument or result.
static IndexerStatus checkTensor(const IndexerKernel &kernel,
                                 const IndexerTensor &tensor, bool isResult,
                                 unsigned index) {
  const int64_t *end = tensor.shape + tensor.rank;
  if (std::find(tensor.shape, end, 0) != end)
    return INDEXER_OK;
  std::string wrong = placeText(kernel, tensor.data);
  if (wrong.empty())
    return INDEXER_OK;
  return fail(INDEXER_INVALID_ARGUMENT,
              argumentText(kernel.bundle, isResult, index) + " " + wrong);
}

IndexerStatus indexer::runtime::checkPointers(const IndexerKernel &kernel,
                                              const IndexerArgument *arguments,
                                              const IndexerTensor *results) {
  const Bundle &bundle = kernel.bundle;
  for (unsigned i = 0; i < bundle.arguments.size(); ++i)
    if (bundle.arguments[i].isTensor)
      if (IndexerStatus status = checkTensor(kernel, arguments[i].tensor,
                                             /*isResult=*/false, i))
        return status;
  for (unsigned i = 0; i < bundle.results.size(); ++i)
    if (IndexerStatus status =
            checkTensor(kernel, results[i], /*isResult=*/true, i))
      return status;
  return INDEXER_OK;
}
