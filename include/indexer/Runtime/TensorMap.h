//===- TensorMap.h - Descriptors of tensors for TMA -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels that copy by TMA, the copy engine of compute capability 9.0 and up,
// take a tensor map for each operand: address, extents and strides in a form of
// the driver's. A launch has its maps in its own parameter block, so a captured
// graph keeps them as it keeps every parameter.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_TENSORMAP_H
#define INDEXER_RUNTIME_TENSORMAP_H

#include "indexer/Runtime/Arguments.h"
#include "indexer/Runtime/Driver.h"

namespace indexer::runtime {

/// What the address and the stride of the rows of a tensor map are a multiple
/// of, in bytes (CUDA driver API, cuTensorMapEncodeTiled).
constexpr unsigned kTensorMapAlignment = 16;

/// All that a tensor map is made of. Without padding: equal keys have equal
/// bytes.
struct TensorMapKey {
  /// Of the first element; never null.
  void *address;
  uint64_t rows, columns;
  /// Bytes from one row to the next.
  uint64_t rowBytes;
  uint32_t boxRows;
  uint16_t boxColumns;
  /// CuTensorMapDataType.
  uint16_t type;
};
static_assert(sizeof(TensorMapKey) == 40, "no padding");

/// True when operand `operand` of a call (two dimensions, rows and d; no extent
/// is 0) has a tensor map: contiguous along d, address and rows aligned, rows
/// less than 2^40 bytes apart, extents up to 2^32.
bool hasTensorMap(const FusedKernel &kernel, const BoundKernel &bound,
                  unsigned operand);

/// What the tensor map `parameter` of an operand that has one is made of.
TensorMapKey tensorMapKey(const KernelParameter &parameter,
                          const FusedKernel &kernel, const BoundKernel &bound);

/// Makes a tensor map, on the host alone: the memory is not looked at. Boxes
/// have the 128-byte swizzle, and zeros outside the operand. Gives the driver's
/// answer.
CuResult encodeTensorMap(const Driver &driver, const TensorMapKey &key,
                         CuTensorMap &map);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_TENSORMAP_H
