//===- GroupSharedOperand.cpp - Let fused ops share a kernel --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fused ops whose weights are parts of one tensor get the same `indexer.group`
// where they share x, and what they depend on is moved in front of the first:
//
//   %keys:2 = linalg.generic ins(%x, %wk) ...
//   %gate:2 = linalg.generic ins(%x, %wg, %q) ...
//     -> both with {indexer.group = 0}
//
//===----------------------------------------------------------------------===//

#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Fusion/FusedOp.h"
#include "indexer/Schedule/FusedGroup.h"
#include "indexer/Schedule/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

namespace indexer {
#define GEN_PASS_DEF_GROUPSHAREDOPERAND
#include "indexer/Schedule/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// What the ops of a group have in common: x and the merged weight.
using SharedOperands = std::pair<Value, Value>;

/// The fused ops of `func` that are in no group and have no schedules, by what
/// they share; each list in the order of the function.
static llvm::MapVector<SharedOperands, SmallVector<linalg::GenericOp>>
collectCandidates(func::FuncOp func) {
  llvm::MapVector<SharedOperands, SmallVector<linalg::GenericOp>> candidates;
  func.walk([&](linalg::GenericOp op) {
    if (op->hasAttr(groupAttrName) || op->hasAttr(schedulesAttrName))
      return;
    FailureOr<FusedOp> fused = FusedOp::read(op);
    if (failed(fused))
      return;
    if (auto slice = fused->rhs.getDefiningOp<tensor::ExtractSliceOp>())
      candidates[{fused->lhs, slice.getSource()}].push_back(op);
  });
  return candidates;
}

/// Moves what `ops`, in the order of the block, depend on in front of the first
/// of them, where one kernel will take their place. Fails, and may have moved
/// what some depend on, when an op depends on another one or on something that
/// may not be moved.
static LogicalResult moveTogether(ArrayRef<linalg::GenericOp> ops) {
  linalg::GenericOp first = ops.front();
  IRRewriter rewriter(first.getContext());
  for (linalg::GenericOp op : ops.drop_front()) {
    SetVector<Value> values(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), values);
    if (failed(moveValueDefinitions(rewriter, values.getArrayRef(), first)))
      return failure();
  }
  return success();
}

namespace {
struct GroupSharedOperand
    : public indexer::impl::GroupSharedOperandBase<GroupSharedOperand> {
  void runOnOperation() override {
    int64_t number = firstFreeNumber();
    for (auto &[shared, ops] : collectCandidates(getOperation())) {
      if (ops.size() < 2)
        continue;
      std::string why = "expected ops that do not depend on each other, nor on "
                        "what cannot be moved";
      FailureOr<FusedGroup> group = FusedGroup::read(ops, &why);
      if (failed(group) || failed(moveTogether(ops))) {
        remarkDeclined(ops.front(), ops.size(), why);
        continue;
      }
      for (linalg::GenericOp op : ops)
        op->setAttr(
            groupAttrName,
            IntegerAttr::get(IntegerType::get(&getContext(), 64), number));
      ++number;
      remarkGrouped(*group);
    }
  }

private:
  /// A number that no group of the function has.
  int64_t firstFreeNumber() {
    int64_t number = 0;
    getOperation().walk([&](Operation *op) {
      if (auto known = op->getAttrOfType<IntegerAttr>(groupAttrName))
        number = std::max(number, known.getInt() + 1);
    });
    return number;
  }

  static remark::RemarkOpts options() {
    return remark::RemarkOpts::name("GroupSharedOperand")
        .category("indexer-schedule");
  }
  static void remarkGrouped(const FusedGroup &group) {
    linalg::GenericOp op = group.front().op;
    if (auto remark = remark::passed(op.getLoc(), options()))
      remark << remark::metric("ops", int64_t(group.ops.size()))
             << remark::metric("heads", group.extents()[FusedOp::hLoop]);
  }
  static void remarkDeclined(linalg::GenericOp op, size_t count,
                             StringRef why) {
    if (auto remark = remark::missed(op.getLoc(), options()))
      remark << remark::reason("{0} fused ops with rows of one weight get a "
                               "kernel each: {1}",
                               count, why);
  }
};
} // namespace
