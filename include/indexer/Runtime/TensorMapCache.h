//===- TensorMapCache.h - Tensor maps that are not made again ---*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver takes some 0.2 us for a tensor map, and a call may launch with
// two. A map says where rows lie and nothing of what is there, so the one of a
// call serves every later call with the same key, also when the memory was
// freed and given out again in between.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_TENSORMAPCACHE_H
#define INDEXER_RUNTIME_TENSORMAPCACHE_H

#include "indexer/Runtime/TensorMap.h"

#include <atomic>

namespace indexer::runtime {

/// The tensor maps of a kernel's last launches, on its one device. Of a fixed
/// size, which holds the weights of all layers of a model. Any number of
/// threads may use it; none waits for another.
class TensorMapCache {
public:
  /// Copies the map of `key` to `map`; false when it is not there.
  bool find(const TensorMapKey &key, CuTensorMap &map) const;
  /// Keeps `map` in place of an older one, unless another thread is at it.
  void keep(const TensorMapKey &key, const CuTensorMap &map);

private:
  static constexpr unsigned kSets = 64, kWays = 4;
  static constexpr unsigned kKeyWords = sizeof(TensorMapKey) / 8,
                            kMapWords = sizeof(CuTensorMap) / 8;

  /// One map, which may be read while it is replaced (a sequence lock).
  class Slot {
  public:
    bool read(const TensorMapKey &wanted, CuTensorMap &map) const;
    void write(const TensorMapKey &key, const CuTensorMap &map);

  private:
    /// Odd while a thread writes.
    std::atomic<uint64_t> version{0};
    /// Zeros at first: the key of no operand.
    std::atomic<uint64_t> key[kKeyWords] = {}, value[kMapWords] = {};
  };
  struct Set {
    Slot slots[kWays];
    /// Which one is replaced next.
    std::atomic<unsigned> next{0};
  };
  static unsigned setOf(const TensorMapKey &key);

  Set sets[kSets];
};

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_TENSORMAPCACHE_H
