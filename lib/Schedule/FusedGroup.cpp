//===- FusedGroup.cpp - Fused ops that one kernel computes ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/FusedGroup.h"

#include "indexer/Dialect/Indexer/IndexerDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace indexer;

namespace {
/// Rows of a merged weight that one fused op reads.
struct WeightRows {
  Value weight;
  int64_t first, count;
};
} // namespace

unsigned indexer::headDimension(const FusedOp &fused) {
  return fused.inputMap(1).getDimPosition(0) == FusedOp::hLoop ? 0 : 1;
}

/// The rows that the weight of `fused` is; fails when it is no run of rows of
/// a tensor, all of it known.
static FailureOr<WeightRows> readRows(const FusedOp &fused) {
  auto slice = fused.rhs.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getSourceType().getRank() != 2 ||
      slice.getType().getRank() != 2 || !slice.hasUnitStride() ||
      !slice.getSourceType().hasStaticShape() ||
      !slice.getType().hasStaticShape())
    return failure();
  unsigned rows = headDimension(fused), columns = 1 - rows;
  if (slice.getStaticOffset(columns) != 0 ||
      slice.getStaticSize(columns) !=
          slice.getSourceType().getDimSize(columns) ||
      ShapedType::isDynamic(slice.getStaticOffset(rows)))
    return failure();
  return WeightRows{slice.getSource(), slice.getStaticOffset(rows),
                    slice.getStaticSize(rows)};
}

SmallVector<int64_t, 3> FusedGroup::extents() const {
  SmallVector<int64_t, 3> extents = ops.back().extents();
  if (!isSingle())
    extents[FusedOp::hLoop] += firstHeads.back();
  return extents;
}

RankedTensorType FusedGroup::weightType() const {
  auto type = cast<RankedTensorType>(weight.getType());
  if (isSingle())
    return type;
  SmallVector<int64_t> shape(type.getShape());
  shape[headDimension(front())] = extents()[FusedOp::hLoop];
  return type.clone(shape);
}

SmallVector<Value>
FusedGroup::arguments(function_ref<bool(Value)> isConstant) const {
  SmallVector<Value> arguments = {front().lhs, weight};
  llvm::SetVector<Value> scalars;
  for (const FusedOp &fused : ops) {
    linalg::GenericOp op = fused.op;
    llvm::append_range(arguments, llvm::drop_begin(op.getDpsInputs(), 2));
    scalars.insert_range(fused.scalars);
  }
  llvm::copy_if(scalars, std::back_inserter(arguments),
                [&](Value scalar) { return !isConstant(scalar); });
  return arguments;
}

FailureOr<FusedGroup> FusedGroup::read(ArrayRef<linalg::GenericOp> ops,
                                       std::string *why) {
  auto refuse = [&](const char *reason) -> FailureOr<FusedGroup> {
    if (why)
      *why = reason;
    return failure();
  };
  FusedGroup group;
  for (linalg::GenericOp op : ops) {
    FailureOr<FusedOp> fused = FusedOp::read(op, why);
    if (failed(fused))
      return failure();
    group.ops.push_back(std::move(*fused));
  }
  if (group.isSingle()) {
    group.weight = group.front().rhs;
    group.firstHeads = {0};
    return group;
  }

  SmallVector<WeightRows> rows;
  for (const FusedOp &fused : group.ops) {
    FailureOr<WeightRows> read = readRows(fused);
    if (failed(read))
      return refuse("expected each weight to be a tensor.extract_slice of rows "
                    "of one tensor with known extents");
    rows.push_back(*read);
  }
  SmallVector<size_t> order = llvm::to_vector(llvm::seq<size_t>(0, ops.size()));
  llvm::sort(order,
             [&](size_t a, size_t b) { return rows[a].first < rows[b].first; });
  const FusedOp &first = group.ops[order.front()];
  int64_t next = rows[order.front()].first;
  FusedGroup sorted;
  sorted.weight = rows[order.front()].weight;
  sorted.firstRow = next;
  for (size_t number : order) {
    const FusedOp &fused = group.ops[number];
    if (fused.lhs != first.lhs || fused.inputMap(0) != first.inputMap(0))
      return refuse("expected all ops to read the same x");
    if (fused.op->getBlock() != first.op->getBlock())
      return refuse("expected all ops in one block");
    if (rows[number].weight != sorted.weight ||
        fused.inputMap(1) != first.inputMap(1))
      return refuse("expected the weights to be rows of one tensor");
    if (rows[number].first != next)
      return refuse("expected the rows of the weights one behind the other");
    sorted.ops.push_back(fused);
    sorted.firstHeads.push_back(next - sorted.firstRow);
    next += rows[number].count;
  }
  return sorted;
}

SmallVector<SmallVector<linalg::GenericOp>>
indexer::collectGroups(func::FuncOp func,
                       function_ref<bool(linalg::GenericOp)> isWanted) {
  SmallVector<SmallVector<linalg::GenericOp>> groups;
  llvm::SmallDenseMap<Attribute, size_t> numbers;
  func.walk([&](linalg::GenericOp op) {
    if (!isWanted(op))
      return;
    if (Attribute number = op->getAttr(groupAttrName)) {
      auto [known, isNew] = numbers.try_emplace(number, groups.size());
      if (!isNew)
        return groups[known->second].push_back(op);
    }
    groups.push_back({op});
  });
  return groups;
}
