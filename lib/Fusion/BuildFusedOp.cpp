//===- BuildFusedOp.cpp - From a chain to the fused op ---===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pattern: mul(mul(unsqueeze(mul(matmul(x, w), a)), q), b)
//       -> expand_shape(generic(x, w, q) { sum; epilogue }#1)
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/FusedOp.h"
#include "indexer/Fusion/HeadGateChain.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace indexer;

namespace {

/// Builds one fused op. Everything is inserted before the chain's last op.
class FusedOpBuilder {
public:
  FusedOpBuilder(RewriterBase &rewriter, HeadGateChain &chain)
      : rewriter(rewriter), chain(chain),
        last(chain.links.back().value.getDefiningOp()),
        loc(rewriter.getFusedLoc(
            {chain.contraction.getLoc(), last->getLoc()})) {}

  linalg::GenericOp build();

private:
  Value reshapeTo(Value tensor, const TensorAxes &dims,
                  ArrayRef<DimAxes> target);
  void sliceWeight();
  Value restoreShape(Value gate);
  void emitScalars(ArrayRef<unsigned> order);
  Value emitEpilogue(OpBuilder &body, ArrayRef<unsigned> order, Value sum,
                     ValueRange operands);

  RewriterBase &rewriter;
  HeadGateChain &chain;
  Operation *last;
  Location loc;
  /// Nodes that are the same for every element, computed before the fused op.
  llvm::SmallDenseMap<unsigned, Value> scalars;
  /// Constants among them; a cast that was folded leaves its constant unused.
  SmallVector<Operation *> constants;
  /// Run-time extent of the fused op's t loop.
  OpFoldResult tokens;
};

} // namespace

/// Groups the dimensions `dims` by the entry of `target` that holds their axes.
/// Unit dimensions go with their neighbour on the left, or on the right where
/// there is none. One group for each entry that is not empty.
static SmallVector<ReassociationIndices> groupDims(const TensorAxes &dims,
                                                   ArrayRef<DimAxes> target) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  const DimAxes *current = nullptr;
  for (auto [dim, axes] : llvm::enumerate(dims)) {
    if (axes.empty()) {
      (groups.empty() ? leading : groups.back()).push_back(dim);
      continue;
    }
    unsigned axis = axes.front();
    const DimAxes *entry = llvm::find_if(target, [&](const DimAxes &entry) {
      return llvm::is_contained(entry, axis);
    });
    if (entry != current)
      groups.push_back(std::exchange(leading, {}));
    current = entry;
    groups.back().push_back(dim);
  }
  return groups;
}

/// Reshapes `tensor` so that its dimensions hold the axes of `target`, one
/// entry a dimension; an empty entry is a dimension of extent 1.
Value FusedOpBuilder::reshapeTo(Value tensor, const TensorAxes &dims,
                                ArrayRef<DimAxes> target) {
  if (ArrayRef<DimAxes>(dims) == target)
    return tensor;
  SmallVector<ReassociationIndices> groups = groupDims(dims, target);
  if (groups.size() != dims.size())
    tensor = tensor::CollapseShapeOp::create(rewriter, loc, tensor, groups);
  if (groups.size() == target.size())
    return tensor;
  // Bring unit dimensions back.
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape;
  TensorAxes wide, all(target.begin(), target.end());
  unsigned next = 0;
  for (const DimAxes &axes : target) {
    shape.push_back(axes.empty() ? 1 : type.getDimSize(next++));
    if (!axes.empty())
      wide.push_back(axes);
  }
  return tensor::ExpandShapeOp::create(
      rewriter, loc, RankedTensorType::get(shape, type.getElementType()),
      tensor, groupDims(all, wide));
}

/// The rows of the weight that the chain uses, where it does not use all.
void FusedOpBuilder::sliceWeight() {
  if (!chain.rows)
    return;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, chain.rhs.tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
  unsigned row = chain.rows->dim;
  offsets[row] = rewriter.getIndexAttr(chain.rows->offset);
  sizes[row] = rewriter.getIndexAttr(chain.rows->size);
  chain.rhs.tensor = tensor::ExtractSliceOp::create(
      rewriter, loc, chain.rhs.tensor, offsets, sizes, strides);
}

/// Gives the gate, [T, H] or [H, T], the shape of the value that it replaces.
Value FusedOpBuilder::restoreShape(Value gate) {
  TensorAxes dims = chain.links.back().dims;
  chain.axes.resolve(dims);
  auto type = cast<RankedTensorType>(chain.links.back().value.getType());
  if (chain.roundedType) {
    auto gateType = cast<RankedTensorType>(gate.getType());
    gate = arith::TruncFOp::create(rewriter, loc,
                                   gateType.clone(chain.roundedType), gate);
  }
  TensorAxes fused = {chain.tAxes, chain.hAxes};
  if (chain.headsFirst)
    std::swap(fused[0], fused[1]);
  if (fused != dims) {
    TensorAxes wide;
    for (const DimAxes &axes : fused)
      if (!axes.empty())
        wide.push_back(axes);
    gate = reshapeTo(gate, fused, wide);
    if (wide != dims) {
      SmallVector<int64_t> shape;
      SmallVector<OpFoldResult> sizes;
      for (auto [dim, axes] : llvm::enumerate(dims)) {
        bool isTokens = axes.size() == 1 && axes == chain.tAxes;
        sizes.push_back(isTokens ? tokens
                                 : extentOf(chain, axes, rewriter, loc));
        auto constant = getConstantIntValue(sizes.back());
        shape.push_back(constant ? *constant : ShapedType::kDynamic);
      }
      gate = tensor::ExpandShapeOp::create(
          rewriter, loc, RankedTensorType::get(shape, type.getElementType()),
          gate, groupDims(dims, wide), sizes);
    }
  }
  if (gate.getType() != type)
    gate = tensor::CastOp::create(rewriter, loc, type, gate);
  return gate;
}

/// Clones the scalar op of `node`, without fast-math flags.
static Value applyOp(OpBuilder &builder, const EpilogueNode &node,
                     ArrayRef<Value> inputs) {
  OperationState state(node.op->getLoc(), node.op->getName());
  state.addOperands(inputs);
  state.addTypes(node.type);
  state.addAttributes(node.op->getAttrDictionary().getValue());
  Operation *op = builder.create(state);
  auto fastMath = dyn_cast<arith::ArithFastMathInterface>(op);
  if (fastMath && op->hasAttr(fastMath.getFastMathAttrName()))
    op->setAttr(fastMath.getFastMathAttrName(),
                arith::FastMathFlagsAttr::get(op->getContext(),
                                              arith::FastMathFlags::none));
  return op->getResult(0);
}

/// The constant that `node` folds to with constant inputs; null if none.
static Value foldToConstant(OpBuilder &builder, const EpilogueNode &node,
                            ArrayRef<Value> inputs) {
  SmallVector<Attribute> constants(inputs.size());
  for (auto [constant, input] : llvm::zip(constants, inputs))
    if (!matchPattern(input, m_Constant(&constant)))
      return {};
  // An op on tensors folds to a tensor, with other rules for its attributes.
  bool isTensorOp = isa<ShapedType>(node.op->getResult(0).getType());
  // arith folds a rounding only when it rounds nothing.
  if (auto trunc = dyn_cast<arith::TruncFOp>(node.op)) {
    if (trunc.getRoundingmode())
      return {};
    APFloat value = cast<FloatAttr>(constants[0]).getValue();
    bool losesInfo;
    value.convert(cast<FloatType>(node.type).getFloatSemantics(),
                  APFloat::rmNearestTiesToEven, &losesInfo);
    return arith::ConstantOp::create(builder, node.op->getLoc(),
                                     FloatAttr::get(node.type, value));
  }
  SmallVector<OpFoldResult> results;
  if (isTensorOp || failed(node.op->fold(constants, results)) ||
      results.size() != 1)
    return {};
  auto constant =
      dyn_cast_if_present<TypedAttr>(dyn_cast<Attribute>(results[0]));
  if (!constant || constant.getType() != node.type)
    return {};
  return arith::ConstantOp::create(builder, node.op->getLoc(), constant);
}

/// Computes what is the same for every element before the fused op: the kernel
/// gets it as one scalar. A cast of a constant is a constant, rounded once.
void FusedOpBuilder::emitScalars(ArrayRef<unsigned> order) {
  for (unsigned number : order) {
    const EpilogueNode &node = chain.nodes[number];
    switch (node.kind) {
    case EpilogueNode::Kind::Sum:
    case EpilogueNode::Kind::Operand:
      break;
    case EpilogueNode::Kind::Widen:
      if (Value narrow = scalars.lookup(node.inputs[0]))
        scalars[number] =
            arith::ExtFOp::create(rewriter, loc, node.type, narrow);
      break;
    case EpilogueNode::Kind::Scalar:
      scalars[number] = node.value;
      break;
    case EpilogueNode::Kind::Constant:
      scalars[number] = arith::ConstantOp::create(rewriter, loc, node.constant);
      constants.push_back(scalars[number].getDefiningOp());
      break;
    case EpilogueNode::Kind::OnlyElement: {
      Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
      auto rank = cast<RankedTensorType>(node.value.getType()).getRank();
      scalars[number] = tensor::ExtractOp::create(
          rewriter, loc, node.value, SmallVector<Value>(rank, zero));
      break;
    }
    case EpilogueNode::Kind::Alias:
      if (scalars.contains(node.inputs[0]))
        scalars[number] = scalars.lookup(node.inputs[0]);
      break;
    case EpilogueNode::Kind::Apply: {
      SmallVector<Value> inputs;
      for (unsigned input : node.inputs)
        if (Value scalar = scalars.lookup(input))
          inputs.push_back(scalar);
      if (inputs.size() != node.inputs.size() || !isSpeculatable(node.op))
        break;
      Value value = foldToConstant(rewriter, node, inputs);
      scalars[number] = value ? value : applyOp(rewriter, node, inputs);
      break;
    }
    }
  }
}

/// Emits the epilogue tree in the order in which the source computes it.
Value FusedOpBuilder::emitEpilogue(OpBuilder &body, ArrayRef<unsigned> order,
                                   Value sum, ValueRange operands) {
  llvm::SmallDenseMap<unsigned, Value> values;
  for (unsigned number : order) {
    const EpilogueNode &node = chain.nodes[number];
    Value &value = values[number];
    if ((value = scalars.lookup(number)))
      continue;
    if (node.kind == EpilogueNode::Kind::Sum)
      value = sum;
    else if (node.kind == EpilogueNode::Kind::Operand)
      value = operands[node.operand];
    else if (node.kind == EpilogueNode::Kind::Alias)
      value = values.lookup(node.inputs[0]);
    else if (node.kind == EpilogueNode::Kind::Widen)
      value = arith::ExtFOp::create(body, loc, node.type,
                                    values.lookup(node.inputs[0]));
    else {
      SmallVector<Value> inputs;
      for (unsigned input : node.inputs)
        inputs.push_back(values.lookup(input));
      values[number] = applyOp(body, node, inputs);
    }
  }
  return values.lookup(chain.gate);
}

linalg::GenericOp FusedOpBuilder::build() {
  rewriter.setInsertionPoint(last);
  sliceWeight();
  MLIRContext *context = rewriter.getContext();
  AffineExpr t = getAffineDimExpr(FusedOp::tLoop, context),
             h = getAffineDimExpr(FusedOp::hLoop, context),
             d = getAffineDimExpr(FusedOp::dLoop, context);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  // `axes` and `loops` in the order of the operand's dimensions.
  auto addInput = [&](const ChainOperand &operand, ArrayRef<DimAxes> axes,
                      ArrayRef<AffineExpr> loops) {
    inputs.push_back(reshapeTo(operand.tensor, operand.dims, axes));
    maps.push_back(AffineMap::get(3, 0, loops, context));
  };
  // True when `second` comes before `first` in `dims`.
  auto isReversed = [](const TensorAxes &dims, const DimAxes &first,
                       const DimAxes &second) {
    for (const DimAxes &axes : dims)
      if (!axes.empty())
        return !llvm::is_contained(first, axes.front()) && !second.empty();
    return false;
  };
  auto addMatrix = [&](const ChainOperand &operand, const DimAxes &rowAxes,
                       AffineExpr row, const DimAxes &columnAxes,
                       AffineExpr column) {
    if (isReversed(operand.dims, rowAxes, columnAxes) && !rowAxes.empty())
      addInput(operand, {columnAxes, rowAxes}, {column, row});
    else
      addInput(operand, {rowAxes, columnAxes}, {row, column});
  };
  addMatrix(chain.lhs, chain.tAxes, t, chain.dAxes, d);
  addMatrix(chain.rhs, chain.hAxes, h, chain.dAxes, d);
  for (const ChainOperand &operand : chain.operands) {
    bool hasT = false, hasH = false;
    for (const DimAxes &axes : operand.dims)
      for (unsigned axis : axes) {
        hasT |= llvm::is_contained(chain.tAxes, axis);
        hasH |= llvm::is_contained(chain.hAxes, axis);
      }
    if (hasT && hasH)
      addMatrix(operand, chain.tAxes, t, chain.hAxes, h);
    else if (hasT)
      addInput(operand, {chain.tAxes}, {t});
    else
      addInput(operand, {chain.hAxes}, {h});
  }

  // Destinations: the sum from zero, and the gate.
  auto extent = [&](unsigned input, AffineExpr loop) {
    for (auto [dim, expr] : llvm::enumerate(maps[input].getResults()))
      if (expr == loop)
        return tensor::getMixedSize(rewriter, loc, inputs[input], dim);
    llvm_unreachable("x holds t, weight holds h");
  };
  SmallVector<OpFoldResult> sizes = {extent(0, t), extent(1, h)};
  tokens = sizes[0];
  SmallVector<AffineExpr> resultLoops = {t, h};
  if (chain.headsFirst) {
    std::swap(sizes[0], sizes[1]);
    std::swap(resultLoops[0], resultLoops[1]);
  }
  Type f32 = rewriter.getF32Type();
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, f32);
  Value zero =
      arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
  Value sum = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
  maps.append(2, AffineMap::get(3, 0, resultLoops, context));
  SmallVector<unsigned> order = sortNodes(chain);
  emitScalars(order);

  utils::IteratorType parallel = utils::IteratorType::parallel;
  auto fused = linalg::GenericOp::create(
      rewriter, loc, TypeRange{empty.getType(), empty.getType()}, inputs,
      ValueRange{sum, empty}, maps,
      {parallel, parallel, utils::IteratorType::reduction},
      [&](OpBuilder &body, Location, ValueRange args) {
        auto widen = [&](Value value, ArrayRef<Operation *> extensions) {
          for (Operation *op : extensions)
            value = arith::ExtFOp::create(
                body, op->getLoc(),
                getElementTypeOrSelf(op->getResult(0).getType()), value);
          // A GEMM that accumulated in less than f32 did not widen them.
          if (!value.getType().isF32())
            value = arith::ExtFOp::create(body, loc, f32, value);
          return value;
        };
        Value x = widen(args[0], chain.lhsExtensions);
        Value w = widen(args[1], chain.rhsExtensions);
        if (chain.swappedProduct)
          std::swap(x, w);
        Value product = arith::MulFOp::create(body, loc, x, w);
        Value newSum =
            arith::AddFOp::create(body, loc, args[inputs.size()], product);
        Value gate = emitEpilogue(body, order, newSum,
                                  args.slice(2, chain.operands.size()));
        linalg::YieldOp::create(body, loc, ValueRange{newSum, gate});
      });
  Value gate = restoreShape(fused.getResult(1));
  rewriter.replaceAllUsesWith(chain.links.back().value, gate);
  for (Operation *constant : constants)
    if (constant->use_empty())
      rewriter.eraseOp(constant);
  return fused;
}

linalg::GenericOp indexer::buildFusedOp(RewriterBase &rewriter,
                                        HeadGateChain &chain) {
  return FusedOpBuilder(rewriter, chain).build();
}
