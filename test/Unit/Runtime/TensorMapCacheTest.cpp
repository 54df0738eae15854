//===- TensorMapCacheTest.cpp - Kept tensor maps --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/TensorMapCache.h"

#include "gtest/gtest.h"

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

using namespace indexer::runtime;

/// The key of a matrix of 5 rows at `address`.
static TensorMapKey keyAt(uintptr_t address) {
  return {reinterpret_cast<void *>(address),
          5,
          128,
          256,
          16,
          64,
          CuTensorMapBfloat16};
}

/// A map that is full of `number`.
static CuTensorMap mapOf(uint64_t number) {
  CuTensorMap map;
  for (size_t i = 0; i < sizeof map; i += 8)
    std::memcpy(map.bytes + i, &number, 8);
  return map;
}

/// The number that `map` is full of; 0 when it has several.
static uint64_t numberIn(const CuTensorMap &map) {
  uint64_t number;
  std::memcpy(&number, map.bytes, 8);
  CuTensorMap full = mapOf(number);
  return std::memcmp(&map, &full, sizeof map) == 0 ? number : 0;
}

TEST(TensorMapCache, EveryPartOfTheKeyCounts) {
  auto cache = std::make_unique<TensorMapCache>();
  CuTensorMap map;
  TensorMapKey key = keyAt(0x1000);
  EXPECT_FALSE(cache->find(key, map));
  cache->keep(key, mapOf(7));
  ASSERT_TRUE(cache->find(key, map));
  EXPECT_EQ(numberIn(map), 7u);
  std::vector<TensorMapKey> others(7, key);
  others[0].address = reinterpret_cast<void *>(0x1010);
  others[1].rows = 6;
  others[2].columns = 64;
  others[3].rowBytes = 272;
  others[4].boxRows = 8;
  others[5].boxColumns = 32;
  others[6].type = CuTensorMapFloat16;
  for (const TensorMapKey &other : others)
    EXPECT_FALSE(cache->find(other, map));
}

// A model has a weight for each layer, far apart or side by side, and calls
// take them in turns.
TEST(TensorMapCache, HoldsTheWeightsOfAModel) {
  for (uintptr_t distance : {0x1000, 917504, 1 << 21, 182452224}) {
    auto cache = std::make_unique<TensorMapCache>();
    CuTensorMap map;
    int made = 0;
    for (int round = 0; round < 2; ++round)
      for (uintptr_t layer = 0; layer < 61; ++layer) {
        TensorMapKey key = keyAt(0x7f0000000000 + layer * distance);
        if (cache->find(key, map))
          continue;
        ++made;
        cache->keep(key, mapOf(layer + 1));
      }
    EXPECT_LE(made, 61 + 6) << distance;
  }
}

// What is found is whole and belongs to its key, while others replace it.
TEST(TensorMapCache, ThreadsReadWholeMaps) {
  auto cache = std::make_unique<TensorMapCache>();
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      CuTensorMap map;
      // More keys than are kept.
      for (uint64_t i = 0; i < 200000; ++i) {
        uint64_t number = 1 + (i * 7 + thread) % 600;
        TensorMapKey key = keyAt(number * 0x1000);
        if (!cache->find(key, map))
          cache->keep(key, mapOf(number));
        else if (numberIn(map) != number)
          ADD_FAILURE() << "a map of another key";
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}
