//===- MatchHeadGate.cpp - Follow a GEMM to its gate ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a contraction in the user's IR. Out: the longest chain behind it that can
// be fused, or the reason why there is none. The chain is followed by single
// uses; each op that can be the end leaves a mark, to which the chain goes back
// when a later op cannot be fused.
//
//===----------------------------------------------------------------------===//

#include "Diamond.h"
#include "ReadContraction.h"

#include "indexer/Normalize/ElementwiseOp.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace indexer;

void HeadGateChain::goBackTo(const Mark &mark) {
  operands.truncate(mark.operands);
  nodes.truncate(mark.nodes);
  links.truncate(mark.links);
  axes.truncate(mark.axes);
  gate = mark.gate;
  headsFirst = mark.headsFirst;
  fork.reset();
}

void HeadGateChain::resolve() {
  for (DimAxes *loop : {&tAxes, &hAxes, &dAxes})
    axes.resolve(*loop);
  axes.resolve(lhs.dims);
  axes.resolve(rhs.dims);
  for (ChainOperand &operand : operands)
    axes.resolve(operand.dims);
}

/// The only op that reads the elements of `value`; tensor.dim does not. Null
/// when there are none; `others` tells that there are several.
static Operation *singleUser(Value value, bool &others) {
  Operation *user = nullptr;
  others = false;
  for (Operation *candidate : value.getUsers()) {
    if (isa<tensor::DimOp>(candidate) || candidate == user)
      continue;
    others |= user != nullptr;
    user = candidate;
  }
  return user;
}

/// Whether `op` gets, beside `value`, an operand that was computed from it.
static bool readsDescendant(Operation *op, Value value) {
  llvm::SmallPtrSet<Operation *, 16> seen;
  SmallVector<Operation *> work;
  for (Value operand : op->getOperands())
    if (operand != value)
      if (Operation *def = operand.getDefiningOp())
        work.push_back(def);
  while (!work.empty()) {
    Operation *def = work.pop_back_val();
    // An extent is no element.
    if (!seen.insert(def).second || isa<tensor::DimOp>(def) ||
        def->getBlock() != op->getBlock() ||
        (value.getDefiningOp() && def->isBeforeInBlock(value.getDefiningOp())))
      continue;
    for (Value operand : def->getOperands()) {
      if (operand == value)
        return true;
      if (Operation *next = operand.getDefiningOp())
        work.push_back(next);
    }
  }
  return false;
}

/// True when the dimensions that are not empty hold the axes of `first` in
/// order and then those of `second` in order.
static bool holdsInOrder(const TensorAxes &dims, const DimAxes &first,
                         const DimAxes &second) {
  DimAxes all, expected;
  for (const DimAxes &dim : dims) {
    all.append(dim);
    // A dimension that mixes tokens and heads cannot be taken apart again.
    bool hasFirst = false, hasSecond = false;
    for (unsigned axis : dim) {
      hasFirst |= llvm::is_contained(first, axis);
      hasSecond |= llvm::is_contained(second, axis);
    }
    if (hasFirst && hasSecond)
      return false;
  }
  expected.append(first);
  expected.append(second);
  return all == expected;
}

/// True when an operand with these axes can be reshaped to [T], [H], [T, H] or
/// [H, T].
static bool isOperandLayout(const TensorAxes &dims, const DimAxes &t,
                            const DimAxes &h) {
  return holdsInOrder(dims, t, h) || holdsInOrder(dims, h, t) ||
         holdsInOrder(dims, t, {}) || holdsInOrder(dims, h, {});
}

/// Takes one elementwise step from the last link of `chain` through `op`.
static std::optional<RefusalReason> stepElementwise(HeadGateChain &chain,
                                                    const ElementwiseOp &op) {
  ChainLink from = chain.links.back();
  chain.axes.resolve(from.dims);
  SmallVector<std::optional<DimAxes>> loops(op.numLoops());
  bool readsSum = false;
  for (const ElementwiseOperand &operand : op.operands) {
    if (operand.value != from.value)
      continue;
    readsSum = true;
    if (failed(assignLoops(operand.map, from.dims, loops)))
      return RefusalReason::EpilogueNotElementwise;
  }
  if (!readsSum)
    return RefusalReason::EpilogueNotElementwise;

  // Every other loop must be a unit: the sum is not broadcast.
  auto resultType = cast<RankedTensorType>(op.op->getResult(0).getType());
  SmallVector<DimAxes> known;
  for (auto [loop, axes] : llvm::enumerate(loops)) {
    if (!axes) {
      for (auto [dim, expr] : llvm::enumerate(op.resultMap.getResults()))
        if (expr == getAffineDimExpr(loop, expr.getContext()) &&
            resultType.getDimSize(dim) != 1)
          return RefusalReason::EpilogueNotElementwise;
    }
    known.push_back(axes.value_or(DimAxes()));
  }

  SmallVector<unsigned> inputs;
  for (const ElementwiseOperand &operand : op.operands) {
    if (operand.value == from.value) {
      inputs.push_back(chain.gate);
      continue;
    }
    FailureOr<TensorAxes> dims =
        readThrough(operand.map, operand.value.getType(), known);
    if (failed(dims))
      return RefusalReason::OperandLayout;
    FailureOr<unsigned> node = readOperand(chain, operand.value, *dims);
    if (failed(node))
      return RefusalReason::UnsupportedElementType;
    inputs.push_back(*node);
  }
  FailureOr<TensorAxes> resultDims =
      readThrough(op.resultMap, resultType, known);
  if (failed(resultDims))
    return RefusalReason::ResultLayout;
  chain.gate = appendBody(chain, op, inputs);
  chain.links.push_back({op.op->getResult(0), *resultDims});
  return std::nullopt;
}

/// Why the fused op cannot yield the chain's last link; none when it can. Sets
/// `headsFirst`. Nodes and operands before `checked` were accepted with an
/// earlier end.
static std::optional<RefusalReason>
checkLayout(HeadGateChain &chain, const HeadGateChain::Mark &checked) {
  const ChainLink &end = chain.links.back();
  for (const EpilogueNode &node :
       ArrayRef(chain.nodes).drop_front(checked.nodes))
    if (node.kind == EpilogueNode::Kind::Scalar && !isa<FloatType>(node.type))
      return RefusalReason::UnsupportedElementType;
  auto resolved = [&](auto dims) {
    chain.axes.resolve(dims);
    return dims;
  };
  DimAxes t = resolved(chain.tAxes), h = resolved(chain.hAxes),
          d = resolved(chain.dAxes);
  TensorAxes dims = resolved(end.dims);
  if (holdsInOrder(dims, t, h))
    chain.headsFirst = false;
  else if (holdsInOrder(dims, h, t))
    chain.headsFirst = true;
  else
    return RefusalReason::ResultLayout;
  TensorAxes lhs = resolved(chain.lhs.dims), rhs = resolved(chain.rhs.dims);
  if (!holdsInOrder(lhs, t, d) && !holdsInOrder(lhs, d, t))
    return RefusalReason::OperandLayout;
  if (!holdsInOrder(rhs, h, d) && !holdsInOrder(rhs, d, h))
    return RefusalReason::OperandLayout;
  for (const ChainOperand &operand :
       ArrayRef(chain.operands).drop_front(checked.operands))
    if (!isOperandLayout(resolved(operand.dims), t, h))
      return RefusalReason::OperandLayout;
  return std::nullopt;
}

/// The same for a chain that ends with the gate: it scales the sum, in f32.
static std::optional<RefusalReason>
checkEnd(HeadGateChain &chain, const HeadGateChain::Mark &checked) {
  if (chain.nodes[chain.gate].kind == EpilogueNode::Kind::Sum)
    return RefusalReason::NoEpilogue;
  if (!getElementTypeOrSelf(chain.links.back().value.getType()).isF32())
    return RefusalReason::ResultType;
  return checkLayout(chain, checked);
}

namespace {
/// How far a chain was followed.
struct Followed {
  /// The longest chain that can be fused.
  std::optional<HeadGateChain::Mark> accepted;
  /// Why it went no further: the end that was refused last, and its op.
  Refusal refusal;
  /// The value that several ops read, or one op that takes a part of it.
  Value fork;
};
} // namespace

/// Follows `chain` from its last link by single uses. What the chain holds then
/// may go beyond the accepted mark.
static Followed follow(HeadGateChain &chain) {
  Operation *contraction = chain.contraction;
  Followed result{std::nullopt, {RefusalReason::NoEpilogue, contraction}, {}};
  HeadGateChain::Mark checked = {};
  std::optional<Diamond> diamond;
  auto refuse = [&](RefusalReason reason, Operation *op) {
    result.refusal = {reason, op};
    return result;
  };
  while (true) {
    Value from = chain.links.back().value;
    bool others = false;
    Operation *user = singleUser(from, others);
    if (others && !diamond && (diamond = findDiamond(from))) {
      chain.fork = ChainFork{chain.links.back(), chain.gate};
      user = diamond->first;
    } else if (others) {
      bool descendant = llvm::any_of(from.getUsers(), [&](Operation *op) {
        return op->getBlock() == contraction->getBlock() &&
               !op->hasTrait<OpTrait::IsTerminator>() &&
               readsDescendant(op, from);
      });
      result.fork = from;
      return refuse(descendant ? RefusalReason::OperandDependsOnReduction
                               : RefusalReason::MultipleUses,
                    from.getDefiningOp());
    }
    if (!user || user->hasTrait<OpTrait::IsTerminator>())
      return result;
    if (user->getBlock() != contraction->getBlock())
      return refuse(RefusalReason::OtherBlock, user);
    if (isReshape(user)) {
      TensorAxes dims = chain.links.back().dims;
      chain.axes.resolve(dims);
      FailureOr<TensorAxes> reshaped = reshapeForward(chain.axes, user, dims);
      if (failed(reshaped))
        return refuse(RefusalReason::ReshapeNotUnderstood, user);
      chain.links.push_back({user->getResult(0), *reshaped});
      continue;
    }
    if (isa<tensor::ExtractSliceOp>(user)) {
      result.fork = from;
      return refuse(RefusalReason::SliceNotUnderstood, user);
    }
    FailureOr<ElementwiseOp> read = readElementwise(user);
    if (failed(read))
      return refuse(RefusalReason::EpilogueNotElementwise, user);
    if (auto reason = stepElementwise(chain, *read))
      return refuse(*reason, user);
    if (diamond) {
      if (user != diamond->join)
        continue;
      if (readsItself(chain, *diamond))
        return refuse(RefusalReason::OperandDependsOnReduction, user);
      chain.fork.reset();
      diamond.reset();
    }
    if (auto reason = checkEnd(chain, checked)) {
      refuse(*reason, user);
      continue;
    }
    result.accepted = checked = chain.mark();
  }
}

/// Takes the step through `slice`, which keeps some of the heads and all of
/// everything else: from here on the GEMM has these rows of the weight alone.
static LogicalResult stepSlice(HeadGateChain &chain,
                               tensor::ExtractSliceOp slice) {
  TensorAxes dims = chain.links.back().dims;
  chain.axes.resolve(dims);
  chain.axes.resolve(chain.hAxes);
  chain.axes.resolve(chain.rhs.dims);
  if (chain.rows || chain.hAxes.size() != 1 || !slice.hasUnitStride())
    return failure();
  DimAxes heads;
  for (auto [dim, axes] : llvm::enumerate(dims)) {
    OpFoldResult offset = slice.getMixedOffsets()[dim];
    OpFoldResult size = slice.getMixedSizes()[dim];
    std::optional<int64_t> start = getConstantIntValue(offset);
    std::optional<int64_t> length = getConstantIntValue(size);
    if (axes == chain.hAxes) {
      if (!start || !length || *start < 0 || *length < 1)
        return failure();
      chain.rows = WeightRows{0, *start, *length};
      if (*length != 1) {
        Axis axis;
        axis.extent = *length;
        heads = {chain.axes.add(axis)};
      }
      continue;
    }
    bool whole = axes.empty()
                     ? length == std::optional<int64_t>(1)
                     : axes.size() == 1 && chain.axes.isExtent(axes[0], size);
    auto value = dyn_cast<Value>(size);
    auto dimOp = value ? value.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    whole |= dimOp && dimOp.getSource() == slice.getSource() &&
             dimOp.getConstantIndex() == std::optional<int64_t>(dim);
    if (start != std::optional<int64_t>(0) || !whole)
      return failure();
  }
  if (!chain.rows)
    return failure();
  TensorAxes result;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  for (auto [dim, axes] : llvm::enumerate(dims))
    if (!dropped.test(dim))
      result.push_back(axes == chain.hAxes ? heads : axes);
  auto *row = llvm::find(chain.rhs.dims, chain.hAxes);
  if (row == chain.rhs.dims.end())
    return failure();
  chain.rows->dim = row - chain.rhs.dims.begin();
  *row = heads;
  chain.hAxes = heads;
  chain.links.push_back({slice.getResult(), result});
  return success();
}

/// Splits a merged GEMM whose result, `fork`, is only sliced by heads: a chain
/// for each slice. Slices that nothing scales become chains that end with the
/// slice. None when no slice is scaled, or when something else reads `fork`.
static SmallVector<HeadGateChain, 1> split(const HeadGateChain &merged,
                                           Value fork) {
  SmallVector<HeadGateChain, 1> chains;
  bool isScaled = false;
  for (Operation *user : fork.getUsers()) {
    if (isa<tensor::DimOp>(user))
      continue;
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    if (!slice || slice->getBlock() != merged.contraction->getBlock())
      return {};
    HeadGateChain chain = merged;
    if (failed(stepSlice(chain, slice)))
      return {};
    HeadGateChain::Mark atSlice = chain.mark();
    if (std::optional<HeadGateChain::Mark> accepted = follow(chain).accepted) {
      isScaled = true;
      chain.goBackTo(*accepted);
      chains.push_back(std::move(chain));
      continue;
    }
    chain.goBackTo(atSlice);
    if (checkLayout(chain, {}))
      return {};
    Type type = slice.getType().getElementType();
    if (!type.isF32()) {
      if (!type.isBF16() && !type.isF16())
        return {};
      chain.roundedType = type;
      EpilogueNode widen;
      widen.kind = EpilogueNode::Kind::Widen;
      widen.type = Float32Type::get(type.getContext());
      widen.inputs = {chain.gate};
      chain.gate = chain.nodes.size();
      chain.nodes.push_back(widen);
    }
    chains.push_back(std::move(chain));
  }
  if (!isScaled)
    return {};
  // The uses of a value are listed last one first.
  std::reverse(chains.begin(), chains.end());
  return chains;
}

HeadGateMatch indexer::matchHeadGate(linalg::LinalgOp contraction,
                                     bool allowPrecision) {
  HeadGateMatch match;
  HeadGateChain chain;
  TensorAxes resultDims;
  if (auto reason =
          readContraction(contraction, chain, resultDims, allowPrecision)) {
    match.refusal = Refusal{*reason, contraction};
    return match;
  }
  EpilogueNode sum;
  sum.kind = EpilogueNode::Kind::Sum;
  sum.type = getElementTypeOrSelf(contraction->getResult(0).getType());
  chain.nodes.push_back(sum);
  chain.links.push_back({contraction->getResult(0), resultDims});

  Followed followed = follow(chain);
  if (followed.fork)
    match.chains = split(chain, followed.fork);
  if (match.chains.empty() && followed.accepted) {
    chain.goBackTo(*followed.accepted);
    match.chains.push_back(std::move(chain));
  }
  if (match.chains.empty())
    match.refusal = followed.refusal;
  for (HeadGateChain &accepted : match.chains)
    accepted.resolve();
  return match;
}
