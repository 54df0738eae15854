//===- Dlpack.h - Tensors in the DLPack ABI ---------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What we use of the DLPack 1.3 ABI (dmlc.github.io/dlpack/latest/c_api.html),
// and of its C exchange API, by which a framework hands out tensors without
// Python objects. The layouts are fixed by the standard.
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_DLPACK_H
#define DSA_INDEXER_DLPACK_H

#include "indexer-c/Runtime.h"

#include <cstdint>

namespace indexer::python::dlpack {

/// DLDeviceType.
enum DeviceType : int32_t { Cpu = 1, Cuda = 2 };

/// DLDataTypeCode.
enum TypeCode : uint8_t { Float = 2, Bfloat = 4 };

/// DLTensor. `strides` are in elements; null means row-major and contiguous.
struct Tensor {
  void *data;
  int32_t deviceType, deviceId;
  int32_t rank;
  uint8_t typeCode, typeBits;
  uint16_t typeLanes;
  int64_t *shape, *strides;
  uint64_t byteOffset;
};
static_assert(sizeof(Tensor) == 48, "the layout is that of DLTensor");

/// DLManagedTensor, in a capsule called "dltensor". Only the head is read; the
/// capsule keeps the memory.
struct ManagedTensor {
  Tensor tensor;
};

/// DLPackExchangeAPI, in the capsule __dlpack_c_exchange_api__ of a tensor
/// type. The functions return 0, or raise a Python error.
struct ExchangeApi {
  uint32_t majorVersion, minorVersion;
  ExchangeApi *previous;
  void *allocate, *fromObject, *toObject;
  /// Reads `object`, a tensor of the framework, which goes on to own it all.
  int (*view)(void *object, Tensor *tensor);
  int (*currentStream)(int32_t deviceType, int32_t deviceId, void **stream);
};

/// The element type of `tensor`; false when it is none of ours.
inline bool elementTypeOf(const Tensor &tensor, IndexerType &type) {
  if (tensor.typeLanes != 1)
    return false;
  if (tensor.typeCode == Bfloat && tensor.typeBits == 16) {
    type = INDEXER_BF16;
    return true;
  }
  type = tensor.typeBits == 16   ? INDEXER_F16
         : tensor.typeBits == 32 ? INDEXER_F32
                                 : INDEXER_F64;
  return tensor.typeCode == Float &&
         (tensor.typeBits == 16 || tensor.typeBits == 32 ||
          tensor.typeBits == 64);
}

/// Where the element of index 0 is.
inline void *dataOf(const Tensor &tensor) {
  return static_cast<char *>(tensor.data) + tensor.byteOffset;
}

} // namespace indexer::python::dlpack

#endif // DSA_INDEXER_DLPACK_H
