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
  OpFoldResult extentOf(const DimAxes &axes, OpBuilder &builder);
  Value reshapeTo(Value tensor, const TensorAxes &dims,
                  ArrayRef<DimAxes> target);
  Value restoreShape(Value gate);
  SmallVector<unsigned> sortNodes() const;
  void emitScalars(ArrayRef<unsigned> order);
  Value emitEpilogue(OpBuilder &body, ArrayRef<unsigned> order, Value sum,
                     ValueRange operands);
  void replaceDims();
  void eraseDead();

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

/// The product of the extents of `axes`, as an attribute where it is static.
OpFoldResult FusedOpBuilder::extentOf(const DimAxes &axes, OpBuilder &builder) {
  OpFoldResult extent = builder.getIndexAttr(1);
  for (unsigned number : axes) {
    const Axis &axis = chain.axes[number];
    OpFoldResult size = axis.size;
    if (tokens && chain.tAxes.size() == 1 && chain.tAxes[0] == number)
      size = tokens;
    if (!ShapedType::isDynamic(axis.extent))
      size = builder.getIndexAttr(axis.extent);
    else if (!size)
      size = tensor::getMixedSize(builder, loc, axis.tensor, axis.dim);
    if (isConstantIntValue(extent, 1)) {
      extent = size;
      continue;
    }
    extent =
        arith::MulIOp::create(
            builder, loc, getValueOrCreateConstantIndexOp(builder, loc, extent),
            getValueOrCreateConstantIndexOp(builder, loc, size))
            .getResult();
  }
  return extent;
}

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

/// Gives the gate, [T, H] or [H, T], the shape of the value that it replaces.
Value FusedOpBuilder::restoreShape(Value gate) {
  TensorAxes dims = chain.links.back().dims;
  chain.axes.resolve(dims);
  auto type = cast<RankedTensorType>(chain.links.back().value.getType());
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
        sizes.push_back(extentOf(axes, rewriter));
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

/// Nodes below the gate, each after its inputs, in the order in which the
/// source computes them.
SmallVector<unsigned> FusedOpBuilder::sortNodes() const {
  SmallVector<unsigned> order, stack = {chain.gate};
  llvm::SmallBitVector done(chain.nodes.size());
  while (!stack.empty()) {
    unsigned number = stack.back();
    unsigned depth = stack.size();
    if (!done.test(number))
      for (unsigned input : llvm::reverse(chain.nodes[number].inputs))
        if (!done.test(input))
          stack.push_back(input);
    if (stack.size() != depth)
      continue;
    stack.pop_back();
    if (!done.test(number))
      order.push_back(number);
    done.set(number);
  }
  return order;
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
    else {
      SmallVector<Value> inputs;
      for (unsigned input : node.inputs)
        inputs.push_back(values.lookup(input));
      values[number] = applyOp(body, node, inputs);
    }
  }
  return values.lookup(chain.gate);
}

/// Takes run-time extents of the chain's values from elsewhere, so that the
/// chain can go.
void FusedOpBuilder::replaceDims() {
  OpBuilder::InsertionGuard guard(rewriter);
  for (const ChainLink &link : chain.links)
    for (Operation *user : llvm::make_early_inc_range(link.value.getUsers())) {
      auto dimOp = dyn_cast<tensor::DimOp>(user);
      if (!dimOp || !dimOp.getConstantIndex())
        continue;
      rewriter.setInsertionPoint(dimOp);
      OpFoldResult extent =
          extentOf(link.dims[*dimOp.getConstantIndex()], rewriter);
      rewriter.replaceOp(dimOp, getValueOrCreateConstantIndexOp(
                                    rewriter, dimOp.getLoc(), extent));
    }
}

/// Erases the chain, and what was computed for it alone.
void FusedOpBuilder::eraseDead() {
  SmallVector<Operation *> work;
  llvm::SmallPtrSet<Operation *, 16> erased;
  for (const ChainLink &link : chain.links)
    work.push_back(link.value.getDefiningOp());
  // The end of the chain first: an op is dead once its users are gone.
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (erased.contains(op) || !isOpTriviallyDead(op))
      continue;
    SmallVector<Operation *> definers;
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *def = operand.getDefiningOp();
            def && !op->isAncestor(def))
          definers.push_back(def);
    });
    erased.insert(op);
    rewriter.eraseOp(op);
    work.append(definers.rbegin(), definers.rend());
  }
}

linalg::GenericOp FusedOpBuilder::build() {
  rewriter.setInsertionPoint(last);
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
  SmallVector<unsigned> order = sortNodes();
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
  // An extent is read where the fused op does not dominate, too.
  tokens = {};
  rewriter.replaceAllUsesWith(chain.links.back().value, gate);
  replaceDims();
  eraseDead();
  for (Operation *constant : constants)
    if (constant->use_empty())
      rewriter.eraseOp(constant);
  return fused;
}

linalg::GenericOp indexer::buildFusedOp(RewriterBase &rewriter,
                                        HeadGateChain &chain) {
  return FusedOpBuilder(rewriter, chain).build();
}
