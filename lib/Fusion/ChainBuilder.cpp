//===- ChainBuilder.cpp - What a chain becomes ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a matched chain. Out: its scalars, its tree of scalar ops and the
// reshapes around it, for the ops that are built from chains.
//
//===----------------------------------------------------------------------===//

#include "ChainBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace indexer;

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

Value ChainBuilder::reshapeTo(Value tensor, const TensorAxes &dims,
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

/// Casts `tensor` to the type that can be expanded to `shape`: a dimension is
/// known when its whole group is.
static Value castToGroups(OpBuilder &builder, Location loc, Value tensor,
                          ArrayRef<int64_t> shape,
                          ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> collapsed;
  for (const ReassociationIndices &group : groups) {
    int64_t extent = 1;
    for (int64_t dim : group)
      extent =
          ShapedType::isDynamic(extent) || ShapedType::isDynamic(shape[dim])
              ? ShapedType::kDynamic
              : extent * shape[dim];
    collapsed.push_back(extent);
  }
  auto type = cast<RankedTensorType>(tensor.getType());
  if (groups.empty() || type.getShape() == ArrayRef(collapsed))
    return tensor;
  return tensor::CastOp::create(
      builder, loc, RankedTensorType::get(collapsed, type.getElementType()),
      tensor);
}

Value ChainBuilder::restoreShape(
    Value gate, const TensorAxes &fused,
    ArrayRef<std::pair<DimAxes, OpFoldResult>> known) {
  TensorAxes dims = chain.links.back().dims;
  chain.axes.resolve(dims);
  auto type = cast<RankedTensorType>(chain.links.back().value.getType());
  if (chain.roundedType) {
    auto gateType = cast<RankedTensorType>(gate.getType());
    gate = arith::TruncFOp::create(rewriter, loc,
                                   gateType.clone(chain.roundedType), gate);
  }
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
        auto *size =
            llvm::find_if(known, [&, &wanted = axes](const auto &entry) {
              return entry.first == wanted;
            });
        sizes.push_back(size != known.end()
                            ? size->second
                            : extentOf(chain, axes, rewriter, loc));
        // An extent that is a value is unknown to the type, constant or not.
        bool isStatic = isa<Attribute>(sizes.back());
        shape.push_back(isStatic ? *getConstantIntValue(sizes.back())
                                 : ShapedType::kDynamic);
      }
      SmallVector<ReassociationIndices> groups = groupDims(dims, wide);
      gate = castToGroups(rewriter, loc, gate, shape, groups);
      gate = tensor::ExpandShapeOp::create(
          rewriter, loc, RankedTensorType::get(shape, type.getElementType()),
          gate, groups, sizes);
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

void ChainBuilder::emitScalars(ArrayRef<unsigned> order) {
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

Value ChainBuilder::emitEpilogue(OpBuilder &body, ArrayRef<unsigned> order,
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

void ChainBuilder::replaceLast(Value gate) {
  rewriter.replaceAllUsesWith(chain.links.back().value, gate);
  for (Operation *constant : constants)
    if (constant->use_empty())
      rewriter.eraseOp(constant);
}
