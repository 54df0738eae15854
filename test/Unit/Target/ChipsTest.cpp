//===- ChipsTest.cpp - The table of chips ---------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/Chips.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace indexer;

TEST(Chips, everyEntryIsConsistent) {
  unsigned last = 0;
  for (const Chip &chip : allChips()) {
    EXPECT_EQ(findChip(chip.name), &chip);
    EXPECT_GT(chip.sm, last) << "not in order";
    last = chip.sm;
    EXPECT_TRUE(chip.name.starts_with("sm_" + std::to_string(chip.sm)));
    EXPECT_GE(chip.ptxVersion, chip.minPtxVersion);
    EXPECT_EQ(chip.warpSize, 32u);
    EXPECT_EQ(chip.features(), "+ptx" + std::to_string(chip.ptxVersion));
  }
}

TEST(Chips, sharedMemoryOfHopper) {
  ASSERT_NE(findChip("sm_90a"), nullptr);
  EXPECT_EQ(findChip("sm_90a")->maxDynamicSharedBytes, 232448u);
}

// The choice of schedules has its figures for every chip.
TEST(Chips, scheduleKnowsTheSameChips) {
  EXPECT_EQ(chipNames(), "sm_80, sm_89, sm_90a, sm_100a, sm_120a");
  for (const Chip &chip : allChips())
    EXPECT_GT(chip.model.multiprocessors, 0);
}

TEST(Chips, lookupNamesWhatIsAccepted) {
  mlir::MLIRContext context;
  std::string text;
  mlir::ScopedDiagnosticHandler handler(&context,
                                        [&](mlir::Diagnostic &diagnostic) {
                                          text = diagnostic.str();
                                          return mlir::success();
                                        });
  auto emitError = [&] {
    return mlir::emitError(mlir::UnknownLoc::get(&context));
  };
  EXPECT_TRUE(
      mlir::succeeded(lookupChip("sm_120a", "indexer-to-cubin", emitError)));
  EXPECT_EQ(text, "");
  EXPECT_TRUE(mlir::failed(lookupChip("sm_75", "indexer-to-cubin", emitError)));
  EXPECT_EQ(text, "option 'chip' of 'indexer-to-cubin' got \"sm_75\"; accepted "
                  "are sm_80, sm_89, sm_90a, sm_100a, sm_120a");
}
