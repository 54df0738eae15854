//===- RememberedMaps.cpp - Tensor maps that are not made again -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RememberedMaps.h"

using namespace indexer::runtime;

namespace {
/// A tensor map and what it was made of; what the runtime gives always alike is
/// left out.
struct Remembered {
  void *address = nullptr;
  unsigned long long rows, columns, stride;
  unsigned boxRows, boxColumns;
  CuTensorMapDataType type;
  CuTensorMap map;

  bool operator==(const Remembered &other) const {
    return address == other.address && rows == other.rows &&
           columns == other.columns && stride == other.stride &&
           boxRows == other.boxRows && boxColumns == other.boxColumns &&
           type == other.type;
  }
};
} // namespace

/// cuTensorMapEncodeTiled.
static decltype(Driver::tensorMapEncodeTiled) encode;

/// Stands for it.
static CuResult remember(CuTensorMap *map, CuTensorMapDataType type,
                         unsigned rank, void *address,
                         const unsigned long long *extents,
                         const unsigned long long *strides, const unsigned *box,
                         const unsigned *steps, int interleave, int swizzle,
                         int promotion, int fill) {
  // x and weight, in turns.
  static thread_local Remembered last[2];
  static thread_local unsigned next = 0;
  Remembered wanted = {address, extents[1], extents[0], strides[0],
                       box[1],  box[0],     type,       {}};
  for (const Remembered &known : last)
    if (known == wanted) {
      *map = known.map;
      return CuSuccess;
    }
  CuResult result = encode(map, type, rank, address, extents, strides, box,
                           steps, interleave, swizzle, promotion, fill);
  wanted.map = *map;
  last[next++ % 2] = wanted;
  return result;
}

RememberedMaps::RememberedMaps(IndexerKernel &kernel)
    : kernel(kernel), real(kernel.driver), driver(*kernel.driver) {
  encode = real->tensorMapEncodeTiled;
  driver.tensorMapEncodeTiled = remember;
  kernel.driver = &driver;
}
