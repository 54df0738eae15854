//===- ReadOperand.cpp - Operands of the epilogue -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a tensor that an op of the chain reads beside the sum. Out: nodes of the
// epilogue tree. Scalars in any spelling become scalars, elementwise producers
// that nothing else uses become part of the tree, and what remains is an
// operand of the fused op. Works with a list instead of recursion: an input can
// be arbitrarily deep.
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/HeadGateChain.h"
#include "indexer/Normalize/ElementwiseOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace indexer;

/// Adds a node of kind Scalar or Constant for a scalar value.
static EpilogueNode scalarNode(Value value) {
  EpilogueNode node;
  node.type = value.getType();
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant))) {
    node.kind = EpilogueNode::Kind::Constant;
    node.constant = cast<TypedAttr>(constant);
    return node;
  }
  node.kind = EpilogueNode::Kind::Scalar;
  node.value = value;
  return node;
}

unsigned indexer::appendBody(HeadGateChain &chain, const ElementwiseOp &op,
                             ArrayRef<unsigned> inputs) {
  auto append = [&](EpilogueNode node) -> unsigned {
    chain.nodes.push_back(std::move(node));
    return chain.nodes.size() - 1;
  };
  if (!op.body) {
    EpilogueNode apply;
    apply.kind = EpilogueNode::Kind::Apply;
    apply.op = op.op;
    apply.type = getElementTypeOrSelf(op.op->getResult(0).getType());
    apply.inputs.assign(inputs.begin(), inputs.end());
    return append(apply);
  }
  llvm::SmallDenseMap<Value, unsigned> known;
  for (auto [operand, node] : llvm::zip(op.operands, inputs))
    known[operand.argument] = node;
  auto nodeOf = [&](Value value) {
    auto [it, isNew] = known.try_emplace(value, 0);
    if (isNew)
      it->second = append(scalarNode(value));
    return it->second;
  };
  for (Operation &inner : op.body->without_terminator()) {
    if (inner.hasTrait<OpTrait::ConstantLike>())
      continue; // taken as a constant at its use
    EpilogueNode apply;
    apply.kind = EpilogueNode::Kind::Apply;
    apply.op = &inner;
    apply.type = inner.getResult(0).getType();
    for (Value operand : inner.getOperands())
      apply.inputs.push_back(nodeOf(operand));
    known[inner.getResult(0)] = append(apply);
  }
  return nodeOf(op.yielded);
}

/// The scalar that every element of `value` equals, as a node; none if unknown.
static std::optional<EpilogueNode> readSplat(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto fill = dyn_cast_if_present<linalg::FillOp>(op))
    return scalarNode(fill.getInputs()[0]);
  if (auto splat = dyn_cast_if_present<tensor::SplatOp>(op))
    return scalarNode(splat.getInput());
  if (auto elements = dyn_cast_if_present<tensor::FromElementsOp>(op))
    if (elements.getElements().size() == 1)
      return scalarNode(elements.getElements()[0]);
  SplatElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    EpilogueNode node;
    node.kind = EpilogueNode::Kind::Constant;
    node.constant = cast<TypedAttr>(constant.getSplatValue<Attribute>());
    node.type = node.constant.getType();
    return node;
  }
  return std::nullopt;
}

bool indexer::isScale(const ElementwiseOp &op) {
  auto isScaling = [](Operation &inner) {
    return isa<arith::MulFOp, arith::ExtFOp, arith::TruncFOp>(inner) ||
           inner.hasTrait<OpTrait::ConstantLike>();
  };
  return op.body ? llvm::all_of(op.body->without_terminator(), isScaling)
                 : isScaling(*op.op);
}

/// True when the elementwise `op` may become part of the tree: it computes
/// nothing, it reads scalars alone, or it is in the chain's block and nothing
/// else reads its result.
static bool mayInline(const ElementwiseOp &op, const HeadGateChain &chain) {
  if (chain.scalesOnly && !isScale(op))
    return false;
  if (op.body && op.body->without_terminator().empty())
    return true;
  bool scalarsOnly = true;
  for (const ElementwiseOperand &operand : op.operands) {
    if (!isa<RankedTensorType>(operand.value.getType()))
      continue;
    scalarsOnly = false;
    // An operand of the fused op is a float.
    if (!isa<FloatType>(getElementTypeOrSelf(operand.value.getType())))
      return false;
  }
  auto isReader = [](Operation *user) { return !isa<tensor::DimOp>(user); };
  return scalarsOnly ||
         (op.op->getBlock() == chain.block &&
          llvm::count_if(op.op->getResult(0).getUsers(), isReader) == 1);
}

FailureOr<SmallVector<TensorAxes>>
indexer::operandAxes(const ElementwiseOp &op, const TensorAxes &dims) {
  SmallVector<std::optional<DimAxes>> loops(op.numLoops());
  if (failed(assignLoops(op.resultMap, dims, loops)))
    return failure();
  SmallVector<DimAxes> known;
  for (std::optional<DimAxes> &loop : loops)
    known.push_back(loop.value_or(DimAxes()));
  SmallVector<TensorAxes> axes;
  for (const ElementwiseOperand &operand : op.operands) {
    FailureOr<TensorAxes> read =
        readThrough(operand.map, operand.value.getType(), known);
    if (failed(read))
      return failure();
    axes.push_back(*read);
  }
  return axes;
}

FailureOr<unsigned> indexer::readOperand(HeadGateChain &chain, Value value,
                                         const TensorAxes &dims) {
  struct Pending {
    Value value;
    TensorAxes dims;
    unsigned node;
  };
  unsigned root = chain.nodes.size();
  chain.nodes.emplace_back();
  SmallVector<Pending> pending = {{value, dims, root}};
  while (!pending.empty()) {
    Pending item = pending.pop_back_val();
    if (!isa<RankedTensorType>(item.value.getType())) {
      chain.nodes[item.node] = scalarNode(item.value);
      continue;
    }
    if (std::optional<EpilogueNode> splat = readSplat(item.value)) {
      chain.nodes[item.node] = *splat;
      continue;
    }
    if (chain.fork && chain.fork->link.value == item.value) {
      TensorAxes forkDims = chain.fork->link.dims;
      chain.axes.resolve(forkDims);
      chain.axes.resolve(item.dims);
      if (forkDims == item.dims) {
        chain.nodes[item.node].kind = EpilogueNode::Kind::Alias;
        chain.nodes[item.node].inputs = {chain.fork->node};
        chain.nodes[item.node].type = chain.nodes[chain.fork->node].type;
        continue;
      }
    }
    Operation *op = item.value.getDefiningOp();
    if (op && isReshape(op)) {
      FailureOr<TensorAxes> source = reshapeBackward(chain.axes, op, item.dims);
      if (succeeded(source)) {
        pending.push_back({op->getOperand(0), *source, item.node});
        continue;
      }
    }
    FailureOr<ElementwiseOp> read =
        op ? readElementwise(op) : FailureOr<ElementwiseOp>(failure());
    if (succeeded(read) && mayInline(*read, chain)) {
      FailureOr<SmallVector<TensorAxes>> axes = operandAxes(*read, item.dims);
      if (succeeded(axes)) {
        SmallVector<unsigned> inputs;
        size_t first = pending.size();
        for (auto [operand, operandDims] : llvm::zip(read->operands, *axes)) {
          inputs.push_back(chain.nodes.size());
          chain.nodes.emplace_back();
          pending.push_back({operand.value, operandDims, inputs.back()});
        }
        // The first operand is read first.
        std::reverse(pending.begin() + first, pending.end());
        unsigned result = appendBody(chain, *read, inputs);
        chain.nodes[item.node].kind = EpilogueNode::Kind::Alias;
        chain.nodes[item.node].inputs = {result};
        continue;
      }
    }
    // A leaf. One without axes holds a single element.
    EpilogueNode node;
    node.type = getElementTypeOrSelf(item.value.getType());
    if (!isa<FloatType>(node.type))
      return failure();
    if (llvm::all_of(item.dims, [](const DimAxes &d) { return d.empty(); })) {
      node.kind = EpilogueNode::Kind::OnlyElement;
      node.value = item.value;
    } else {
      node.kind = EpilogueNode::Kind::Operand;
      auto *same = llvm::find_if(chain.operands, [&](const ChainOperand &o) {
        return o.tensor == item.value && o.dims == item.dims;
      });
      node.operand = same - chain.operands.begin();
      if (same == chain.operands.end())
        chain.operands.push_back({item.value, item.dims});
    }
    chain.nodes[item.node] = node;
  }
  return root;
}
