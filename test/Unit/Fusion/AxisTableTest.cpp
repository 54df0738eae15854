//===- AxisTableTest.cpp - Axes through reshapes --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Normalize/Axes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace indexer;

namespace {

constexpr int64_t dynamic = ShapedType::kDynamic;

class AxisTableTest : public ::testing::Test {
protected:
  /// Adds an axis of static or unknown extent.
  unsigned add(int64_t extent) {
    Axis axis;
    axis.extent = extent;
    return table.add(axis);
  }

  /// Sizes of `shape` as attributes; null where the extent is unknown.
  SmallVector<OpFoldResult> sizes(ArrayRef<int64_t> shape) {
    SmallVector<OpFoldResult> result;
    for (int64_t extent : shape)
      result.push_back(
          ShapedType::isDynamic(extent)
              ? OpFoldResult()
              : OpFoldResult(Builder(&context).getIndexAttr(extent)));
    return result;
  }

  FailureOr<TensorAxes> expand(const DimAxes &source, ArrayRef<int64_t> shape) {
    return table.expand(source, shape, sizes(shape));
  }

  MLIRContext context;
  AxisTable table;
};

TEST_F(AxisTableTest, UnitDimensionsHaveNoAxes) {
  unsigned t = add(dynamic);
  FailureOr<TensorAxes> dims = expand({t}, {1, dynamic, 1});
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(*dims, (TensorAxes{{}, {t}, {}}));
}

TEST_F(AxisTableTest, NoAxesSpreadOverUnits) {
  FailureOr<TensorAxes> dims = expand({}, {1, 1});
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(*dims, (TensorAxes{{}, {}}));
}

TEST_F(AxisTableTest, AnAxisDoesNotFitIntoUnits) {
  unsigned t = add(dynamic);
  EXPECT_TRUE(failed(expand({t}, {1, 1})));
}

TEST_F(AxisTableTest, ExpandCutsALoneAxis) {
  unsigned t = add(32);
  FailureOr<TensorAxes> dims = expand({t}, {4, 8});
  ASSERT_TRUE(succeeded(dims));
  ASSERT_EQ((*dims)[0].size(), 1u);
  ASSERT_EQ((*dims)[1].size(), 1u);
  EXPECT_EQ(table[(*dims)[0][0]].extent, 4);
  EXPECT_EQ(table[(*dims)[1][0]].extent, 8);
  // Whoever holds the old axis gets the parts.
  DimAxes old = {t};
  table.resolve(old);
  EXPECT_EQ(old, (DimAxes{(*dims)[0][0], (*dims)[1][0]}));
}

TEST_F(AxisTableTest, PartsAreCutAgain) {
  unsigned t = add(32);
  FailureOr<TensorAxes> dims = expand({t}, {4, 8});
  ASSERT_TRUE(succeeded(dims));
  FailureOr<TensorAxes> finer = expand((*dims)[1], {2, 4});
  ASSERT_TRUE(succeeded(finer));
  DimAxes old = {t};
  table.resolve(old);
  EXPECT_EQ(old, (DimAxes{(*dims)[0][0], (*finer)[0][0], (*finer)[1][0]}));
}

TEST_F(AxisTableTest, ExpandUndoesACollapse) {
  unsigned t = add(4), h = add(8);
  FailureOr<TensorAxes> dims = expand({t, h}, {4, 1, 8});
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(*dims, (TensorAxes{{t}, {}, {h}}));
}

TEST_F(AxisTableTest, OneUnknownExtentFollowsFromTheOthers) {
  unsigned t = add(dynamic), h = add(8);
  FailureOr<TensorAxes> dims = expand({t, h}, {dynamic, 8});
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(*dims, (TensorAxes{{t}, {h}}));
}

TEST_F(AxisTableTest, TwoUnknownExtentsMayBeSharedOutAnew) {
  unsigned t = add(dynamic), h = add(dynamic);
  EXPECT_TRUE(failed(expand({t, h}, {dynamic, dynamic})));
}

TEST_F(AxisTableTest, ExpandDoesNotCutAcrossAxes) {
  unsigned t = add(4), h = add(8);
  EXPECT_TRUE(failed(expand({t, h}, {8, 4})));
  EXPECT_TRUE(failed(expand({t, h}, {2, 2, 8})));
}

TEST_F(AxisTableTest, TruncateForgetsCuts) {
  unsigned t = add(32);
  unsigned size = table.size();
  ASSERT_TRUE(succeeded(expand({t}, {4, 8})));
  table.truncate(size);
  EXPECT_EQ(table.size(), size);
  DimAxes whole = {t};
  table.resolve(whole);
  EXPECT_EQ(whole, (DimAxes{t}));
}

TEST_F(AxisTableTest, ReadThroughRejectsWhatIsNoWholeDimension) {
  unsigned t = add(4), h = add(8);
  SmallVector<DimAxes> loops = {{t}, {h}};
  AffineExpr d0 = getAffineDimExpr(0, &context),
             d1 = getAffineDimExpr(1, &context),
             zero = getAffineConstantExpr(0, &context);
  Type f32 = Builder(&context).getF32Type();
  auto read = [&](ArrayRef<AffineExpr> exprs, ArrayRef<int64_t> shape) {
    return readThrough(AffineMap::get(2, 0, exprs, &context),
                       RankedTensorType::get(shape, f32), loops);
  };
  FailureOr<TensorAxes> dims = read({d1, zero, d0}, {8, 1, 4});
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(*dims, (TensorAxes{{h}, {}, {t}}));
  EXPECT_TRUE(failed(read({d0, zero}, {4, 2})));
  EXPECT_TRUE(failed(read({d0, d0}, {4, 4})));
  EXPECT_TRUE(failed(read({d0 + d1}, {11})));
}

} // namespace
