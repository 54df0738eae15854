//===- TensorMapCache.cpp - Tensor maps that are not made again -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Words are stored with release and read with acquire: who has read one of a
// later write also reads that write's version, and takes nothing. On the
// machines that CUDA runs on both are plain moves, or nearly.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/TensorMapCache.h"

#include <cstring>

using namespace indexer::runtime;

bool TensorMapCache::Slot::read(const TensorMapKey &wanted,
                                CuTensorMap &map) const {
  uint64_t words[kMapWords];
  std::memcpy(words, &wanted, sizeof wanted);
  uint64_t before = version.load(std::memory_order_acquire);
  for (unsigned i = 0; i < kKeyWords; ++i)
    if (key[i].load(std::memory_order_acquire) != words[i])
      return false;
  for (unsigned i = 0; i < kMapWords; ++i)
    words[i] = value[i].load(std::memory_order_acquire);
  if (before % 2 || version.load(std::memory_order_relaxed) != before)
    return false;
  std::memcpy(&map, words, sizeof map);
  return true;
}

void TensorMapCache::Slot::write(const TensorMapKey &newKey,
                                 const CuTensorMap &map) {
  uint64_t before = version.load(std::memory_order_relaxed);
  if (before % 2 || !version.compare_exchange_strong(before, before + 1,
                                                     std::memory_order_acquire))
    return;
  uint64_t words[kMapWords];
  std::memcpy(words, &newKey, sizeof newKey);
  for (unsigned i = 0; i < kKeyWords; ++i)
    key[i].store(words[i], std::memory_order_release);
  std::memcpy(words, &map, sizeof map);
  for (unsigned i = 0; i < kMapWords; ++i)
    value[i].store(words[i], std::memory_order_release);
  version.store(before + 2, std::memory_order_release);
}

/// Top bits of a product, which depend on all bits of the key. Layers differ in
/// the address, calls in the rows.
unsigned TensorMapCache::setOf(const TensorMapKey &key) {
  constexpr uint64_t odd = 0x9e3779b97f4a7c15; // 2^64 over the golden ratio.
  uint64_t bits =
      reinterpret_cast<uintptr_t>(key.address) / kTensorMapAlignment;
  bits = (bits ^ key.rows * odd ^ key.rowBytes) * odd;
  static_assert(kSets == 1u << 6, "the set is a number of 6 bits");
  return static_cast<unsigned>(bits >> (64 - 6));
}

bool TensorMapCache::find(const TensorMapKey &key, CuTensorMap &map) const {
  for (const Slot &slot : sets[setOf(key)].slots)
    if (slot.read(key, map))
      return true;
  return false;
}

void TensorMapCache::keep(const TensorMapKey &key, const CuTensorMap &map) {
  Set &set = sets[setOf(key)];
  unsigned slot = set.next.fetch_add(1, std::memory_order_relaxed) % kWays;
  set.slots[slot].write(key, map);
}
