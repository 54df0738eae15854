//===- ExpandDynamicShapes.cpp - Shapes with several unknown extents ------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's expand-strided-metadata takes the extents of an expanded dimension
// from its type and crashes where a group has two that are unknown, as
// [T] -> [B, S] does. memref.expand_shape names the extents: this lowers such
// ops with them.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/CPU/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace indexer {
#define GEN_PASS_DEF_EXPANDDYNAMICSHAPES
#include "indexer/Codegen/CPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// True when a dimension of the source becomes several of unknown extent.
static bool cutsIntoUnknowns(memref::ExpandShapeOp op) {
  return llvm::any_of(op.getReassociationIndices(),
                      [&](ReassociationIndicesRef group) {
                        return llvm::count_if(group, [&](int64_t dim) {
                                 return op.getResultType().isDynamicDim(dim);
                               }) > 1;
                      });
}

// Pattern: expand_shape(m) -> reinterpret_cast(base(m), sizes, strides)
static void lower(RewriterBase &rewriter, memref::ExpandShapeOp op) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto metadata =
      memref::ExtractStridedMetadataOp::create(rewriter, loc, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride = metadata.getStrides()[dim];
    for (int64_t inner : llvm::reverse(group)) {
      strides[inner] = stride;
      if (inner == group.front())
        break;
      stride = arith::MulIOp::create(
                   rewriter, loc,
                   getValueOrCreateConstantIndexOp(rewriter, loc, stride),
                   getValueOrCreateConstantIndexOp(rewriter, loc, sizes[inner]))
                   .getResult();
    }
  }
  // The result's type may know a stride or the offset.
  SmallVector<int64_t> knownStrides;
  int64_t knownOffset;
  OpFoldResult offset = metadata.getOffset();
  if (succeeded(
          op.getResultType().getStridesAndOffset(knownStrides, knownOffset))) {
    if (!ShapedType::isDynamic(knownOffset))
      offset = rewriter.getIndexAttr(knownOffset);
    for (auto [stride, known] : llvm::zip(strides, knownStrides))
      if (!ShapedType::isDynamic(known))
        stride = rewriter.getIndexAttr(known);
  }
  rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(
      op, op.getResultType(), metadata.getBaseBuffer(), offset, sizes, strides);
}

namespace {

struct ExpandDynamicShapes
    : indexer::impl::ExpandDynamicShapesBase<ExpandDynamicShapes> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation().walk([&](memref::ExpandShapeOp op) {
      if (cutsIntoUnknowns(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (memref::ExpandShapeOp op : ops)
      lower(rewriter, op);
  }
};

} // namespace
