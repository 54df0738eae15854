//===- TensorMap.cpp - Descriptors of tensors for TMA ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Runtime/TensorMap.h"

using namespace indexer::runtime;

namespace {
/// An operand as a matrix with d along its columns.
struct Matrix {
  uint64_t rows, columns;
  int64_t rowStride, columnStride;
};
} // namespace

static Matrix matrixOf(const FusedKernel &kernel, const BoundKernel &bound,
                       unsigned operand) {
  const std::vector<unsigned> &loops = kernel.operands[operand].loops;
  unsigned row = loops[0] == 2 ? 1 : 0;
  const int64_t *strides = bound.operands[operand].strides;
  return {uint64_t(bound.extents[loops[row]]),
          uint64_t(bound.extents[loops[1 - row]]), strides[row],
          strides[1 - row]};
}

/// Bytes from one row to the next. The stride of a single row is any number, so
/// that one gets the smallest that is accepted.
static uint64_t rowBytes(const Matrix &matrix, ElementType type) {
  uint64_t size = elementTypeSize(type);
  if (matrix.rows > 1)
    return uint64_t(matrix.rowStride) * size;
  uint64_t units = matrix.columns * size / kTensorMapAlignment + 1;
  return units * kTensorMapAlignment;
}

bool indexer::runtime::hasTensorMap(const FusedKernel &kernel,
                                    const BoundKernel &bound,
                                    unsigned operand) {
  constexpr uint64_t maxExtent = uint64_t(1) << 32;
  constexpr uint64_t endOfStrides = uint64_t(1) << 40;
  Matrix matrix = matrixOf(kernel, bound, operand);
  if (matrix.columnStride != 1 && matrix.columns > 1)
    return false;
  if (matrix.rows > maxExtent || matrix.columns > maxExtent)
    return false;
  // One address for all rows, or rows in falling order.
  if (matrix.rows > 1 && matrix.rowStride <= 0)
    return false;
  // Elements are 8 bytes at most: the product fits.
  if (matrix.rows > 1 && uint64_t(matrix.rowStride) >= endOfStrides)
    return false;
  uint64_t bytes = rowBytes(matrix, kernel.operandTypes[operand]);
  auto address = reinterpret_cast<uintptr_t>(bound.operands[operand].data);
  return bytes < endOfStrides && bytes % kTensorMapAlignment == 0 &&
         address % kTensorMapAlignment == 0;
}

static CuTensorMapDataType dataType(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return CuTensorMapBfloat16;
  case ElementType::F16:
    return CuTensorMapFloat16;
  case ElementType::F32:
    return CuTensorMapFloat32;
  case ElementType::F64:
    break;
  }
  return CuTensorMapFloat64;
}

TensorMapKey indexer::runtime::tensorMapKey(const KernelParameter &parameter,
                                            const FusedKernel &kernel,
                                            const BoundKernel &bound) {
  Matrix matrix = matrixOf(kernel, bound, parameter.index);
  ElementType type = kernel.operandTypes[parameter.index];
  return {bound.operands[parameter.index].data,
          matrix.rows,
          matrix.columns,
          rowBytes(matrix, type),
          parameter.boxRows,
          static_cast<uint16_t>(parameter.boxColumns),
          static_cast<uint16_t>(dataType(type))};
}

CuResult indexer::runtime::encodeTensorMap(const Driver &driver,
                                           const TensorMapKey &key,
                                           CuTensorMap &map) {
  // Innermost dimension first; its stride is the element.
  unsigned long long extents[] = {key.columns, key.rows};
  unsigned long long strides[] = {key.rowBytes};
  unsigned box[] = {key.boxColumns, key.boxRows};
  unsigned everyElement[] = {1, 1};
  return driver.tensorMapEncodeTiled(
      &map, static_cast<CuTensorMapDataType>(key.type), /*rank=*/2, key.address,
      extents, strides, box, everyElement, CuTensorMapInterleaveNone,
      CuTensorMapSwizzle128B, CuTensorMapL2Promotion256B, CuTensorMapFillZeros);
}
