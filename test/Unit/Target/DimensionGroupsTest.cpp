//===- DimensionGroupsTest.cpp - Reshapes composed into a binding -*- C++
//-*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/DimensionGroups.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace indexer;
using mlir::ReassociationIndices;
using mlir::ShapedType;

namespace {

/// Makes tensor types of f32.
class DimensionGroupsTest : public testing::Test {
protected:
  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> shape) {
    return mlir::RankedTensorType::get(shape, mlir::Float32Type::get(&context));
  }

  static constexpr int64_t dynamic = ShapedType::kDynamic;
  mlir::MLIRContext context;
};

} // namespace

TEST_F(DimensionGroupsTest, splitKeepsTheOrder) {
  DimensionGroups groups = identityGroups(2);
  composeSplit(groups, {{0, 1}, {2}}, tensor({dynamic, 4, 64}));
  EXPECT_EQ(groups, (DimensionGroups{{0, 1}, {2}}));
}

TEST_F(DimensionGroupsTest, splitDropsUnits) {
  DimensionGroups groups = identityGroups(2);
  composeSplit(groups, {{0, 1}, {2, 3}}, tensor({1, dynamic, 1, 1}));
  EXPECT_EQ(groups, (DimensionGroups{{1}, {2}}));
}

TEST_F(DimensionGroupsTest, mergeOfUnits) {
  // [T, H] seen from [T, 1, H, 1].
  DimensionGroups groups{{0}, {2}};
  ASSERT_TRUE(mlir::succeeded(
      composeMerge(groups, {{0, 1}, {2, 3}}, tensor({dynamic, 1, 8, 1}))));
  EXPECT_EQ(groups, (DimensionGroups{{0}, {1}}));
}

TEST_F(DimensionGroupsTest, mergeUndoesASplit) {
  DimensionGroups groups = identityGroups(2);
  composeSplit(groups, {{0, 1}, {2}}, tensor({4, 8, 64}));
  ASSERT_TRUE(
      mlir::succeeded(composeMerge(groups, {{0, 1}, {2}}, tensor({4, 8, 64}))));
  EXPECT_EQ(groups, (DimensionGroups{{0}, {1}}));
}

TEST_F(DimensionGroupsTest, noMergeOfACut) {
  // One half of a dimension of the argument each.
  DimensionGroups groups = identityGroups(2);
  EXPECT_TRUE(mlir::failed(composeMerge(groups, {{0, 1}}, tensor({4, 8}))));
}

TEST_F(DimensionGroupsTest, noMergeOutOfOrder) {
  DimensionGroups groups{{1, 0}};
  EXPECT_TRUE(mlir::failed(composeMerge(groups, {{0, 1}}, tensor({4, 8}))));
}

TEST_F(DimensionGroupsTest, noMergeOfAPart) {
  DimensionGroups groups{{0}, {2}};
  EXPECT_TRUE(
      mlir::failed(composeMerge(groups, {{0, 1}, {2}}, tensor({4, 8, 3}))));
}

TEST_F(DimensionGroupsTest, emptyGroupsStay) {
  DimensionGroups groups{{}, {0}};
  composeSplit(groups, {{0, 1}}, tensor({4, 8}));
  EXPECT_EQ(groups, (DimensionGroups{{}, {0, 1}}));
}
