//===- SelectCodeTest.cpp - Which code object runs on a device ------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/SelectCode.h"
#include "gtest/gtest.h"

using namespace indexer::runtime;

/// "chip format" of what is selected from `objects`, "" for nothing.
static std::string selected(std::vector<CodeObject> objects, int major,
                            int minor) {
  Bundle bundle;
  bundle.objects = std::move(objects);
  std::vector<const CodeObject *> chosen = selectCode(bundle, major, minor);
  return chosen.empty() ? "" : chosen[0]->chip + " " + chosen[0]->format;
}

TEST(SelectCode, ChipNames) {
  EXPECT_EQ(chipName(8, 0), "sm_80");
  EXPECT_EQ(chipName(8, 9), "sm_89");
  EXPECT_EQ(chipName(9, 0), "sm_90a");
  EXPECT_EQ(chipName(10, 0), "sm_100a");
  EXPECT_EQ(chipName(12, 0), "sm_120a");
}

TEST(SelectCode, CubinRunsOnItsMajorVersion) {
  CodeObject sm80 = {"sm_80", "cubin", "", ""};
  EXPECT_EQ(selected({sm80}, 8, 0), "sm_80 cubin");
  EXPECT_EQ(selected({sm80}, 8, 9), "sm_80 cubin");
  EXPECT_EQ(selected({sm80}, 9, 0), "");
  EXPECT_EQ(selected({sm80}, 7, 5), "");
  EXPECT_EQ(selected({{"sm_89", "cubin", "", ""}}, 8, 6), "");
}

TEST(SelectCode, ArchitectureSpecificCubinRunsOnItsChipOnly) {
  CodeObject sm100a = {"sm_100a", "cubin", "", ""};
  EXPECT_EQ(selected({sm100a}, 10, 0), "sm_100a cubin");
  EXPECT_EQ(selected({sm100a}, 10, 3), "");
  EXPECT_EQ(selected({{"sm_90a", "cubin", "", ""}}, 12, 0), "");
}

TEST(SelectCode, PtxRunsOnNewerChips) {
  CodeObject ptx80 = {"sm_80", "ptx", "", ""};
  EXPECT_EQ(selected({ptx80}, 12, 0), "sm_80 ptx");
  EXPECT_EQ(selected({ptx80}, 7, 5), "");
  EXPECT_EQ(selected({{"sm_90a", "ptx", "", ""}}, 10, 0), "");
  EXPECT_EQ(selected({{"sm_100f", "ptx", "", ""}}, 10, 3), "sm_100f ptx");
  EXPECT_EQ(selected({{"sm_100f", "ptx", "", ""}}, 12, 0), "");
}

TEST(SelectCode, PrefersMachineCodeThenTheNewestChip) {
  CodeObject ptx90a = {"sm_90a", "ptx", "", ""};
  CodeObject sm80 = {"sm_80", "cubin", "", ""};
  CodeObject sm89 = {"sm_89", "cubin", "", ""};
  EXPECT_EQ(selected({sm80, sm89}, 8, 9), "sm_89 cubin");
  EXPECT_EQ(selected({sm89, sm80}, 8, 6), "sm_80 cubin");
  EXPECT_EQ(selected({ptx90a, sm80, {"sm_90a", "cubin", "", ""}}, 9, 0),
            "sm_90a cubin");
  EXPECT_EQ(
      selected({{"sm_90", "cubin", "", ""}, {"sm_90a", "cubin", "", ""}}, 9, 0),
      "sm_90a cubin");
}

// A bundle may have a cubin of each kernel.
TEST(SelectCode, TakesAllObjectsOfTheChipInOrder) {
  Bundle bundle;
  bundle.objects = {{"sm_80", "cubin", "other", ""},
                    {"sm_90a", "cubin", "first", ""},
                    {"sm_90a", "cubin", "second", ""},
                    {"sm_90a", "ptx", "text", ""}};
  std::vector<const CodeObject *> chosen = selectCode(bundle, 9, 0);
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_EQ(chosen[0]->bytes, "first");
  EXPECT_EQ(chosen[1]->bytes, "second");
}

TEST(SelectCode, IgnoresChipsThatItDoesNotKnow) {
  for (const char *chip :
       {"", "sm_", "gfx942", "sm_90x", "sm_90aa", "sm_99999999999999999999"})
    EXPECT_EQ(selected({{chip, "cubin", "", ""}}, 9, 0), "");
}
