//===- RelaxRounding.cpp - Rewrites of the epilogue that change bits ------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a matched chain. Out: the same chain with fewer roundings. Both rewrites
// run only when the user asks for them: the bits of the result may differ from
// the source's, the error gets smaller or stays within one rounding a factor.
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/HeadGateChain.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace indexer;
using Kind = EpilogueNode::Kind;

SmallVector<unsigned> indexer::sortNodes(const HeadGateChain &chain) {
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

static bool isProduct(const EpilogueNode &node) {
  return node.kind == Kind::Apply && isa<arith::MulFOp>(node.op) &&
         node.type.isF32();
}

unsigned indexer::foldConstants(HeadGateChain &chain) {
  SmallVector<unsigned> order = sortNodes(chain);
  // Aliases stand for what they alias.
  SmallVector<unsigned> target(chain.nodes.size());
  SmallVector<unsigned> uses(chain.nodes.size(), 0);
  for (unsigned number : order) {
    const EpilogueNode &node = chain.nodes[number];
    target[number] = node.kind == Kind::Alias ? target[node.inputs[0]] : number;
    if (node.kind != Kind::Alias)
      for (unsigned input : node.inputs)
        ++uses[target[input]];
  }
  // The product that each node is a factor of: the topmost of its products.
  SmallVector<std::optional<unsigned>> root(chain.nodes.size());
  for (unsigned number : llvm::reverse(order)) {
    const EpilogueNode &node = chain.nodes[number];
    if (!isProduct(node))
      continue;
    if (!root[number])
      root[number] = number;
    for (unsigned input : node.inputs)
      if (uses[target[input]] == 1)
        root[target[input]] = root[number];
  }
  // A constant that is rounded from f64 takes part unrounded.
  auto constantOf = [&](unsigned number) -> std::optional<double> {
    const EpilogueNode *node = &chain.nodes[number];
    if (!node->type || !node->type.isF32() || !root[number])
      return std::nullopt;
    if (node->kind == Kind::Apply && isa<arith::TruncFOp>(node->op))
      node = &chain.nodes[target[node->inputs[0]]];
    if (node->kind != Kind::Constant)
      return std::nullopt;
    auto value = dyn_cast<FloatAttr>(node->constant);
    if (!value || !(value.getType().isF32() || value.getType().isF64()))
      return std::nullopt;
    return value.getValueAsDouble();
  };
  // The first constant of a product takes the others in.
  llvm::SmallDenseMap<unsigned, std::pair<unsigned, double>> folded;
  SmallVector<bool> isGone(chain.nodes.size(), false);
  unsigned count = 0;
  for (unsigned number : order)
    if (std::optional<double> value = constantOf(number)) {
      auto [it, isFirst] = folded.try_emplace(*root[number], number, *value);
      if (isFirst)
        continue;
      it->second.second *= *value;
      isGone[number] = true;
      ++count;
    }
  // A product with a factor that went away is its other factor.
  for (unsigned number : order) {
    EpilogueNode &node = chain.nodes[number];
    if (node.kind == Kind::Alias) {
      isGone[number] = isGone[node.inputs[0]];
      continue;
    }
    if (!isProduct(node))
      continue;
    bool first = isGone[node.inputs[0]], second = isGone[node.inputs[1]];
    if (!first && !second)
      continue;
    isGone[number] = first && second;
    unsigned rest = node.inputs[first ? 1 : 0];
    node = EpilogueNode();
    node.type = Float32Type::get(chain.contraction->getContext());
    node.inputs = {rest};
  }
  if (count == 0)
    return 0;
  for (auto &[product, constant] : folded) {
    Type f32 = Float32Type::get(chain.contraction->getContext());
    EpilogueNode node;
    node.kind = Kind::Constant;
    node.type = f32;
    node.constant = FloatAttr::get(f32, constant.second);
    chain.nodes[constant.first] = node;
  }
  return count;
}

static bool isNarrow(Type type) {
  return type && (type.isBF16() || type.isF16());
}

/// True when `op` means the same in f32 as in a narrower type.
static bool hasWideForm(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
             arith::NegFOp, arith::MaximumFOp, arith::MinimumFOp,
             arith::MaxNumFOp, arith::MinNumFOp, arith::CmpFOp, arith::SelectOp,
             arith::ExtFOp, arith::TruncFOp>(op) ||
         op->getName().getDialectNamespace() == "math";
}

std::optional<unsigned> indexer::dropRoundings(HeadGateChain &chain) {
  SmallVector<unsigned> order = sortNodes(chain);
  auto readsNarrow = [&](const EpilogueNode &node) {
    return isNarrow(node.type) ||
           llvm::any_of(node.op->getOperandTypes(), [](Type type) {
             return isNarrow(getElementTypeOrSelf(type));
           });
  };
  for (unsigned number : order) {
    const EpilogueNode &node = chain.nodes[number];
    if (node.kind == Kind::Apply && readsNarrow(node) && !hasWideForm(node.op))
      return std::nullopt;
  }
  Type f32 = Float32Type::get(chain.contraction->getContext());
  unsigned count = 0;
  for (unsigned number : order) {
    EpilogueNode node = chain.nodes[number];
    switch (node.kind) {
    case Kind::Sum:
      count += isNarrow(node.type);
      node.type = f32;
      break;
    case Kind::Operand:
    case Kind::Scalar:
    case Kind::Constant:
    case Kind::OnlyElement: {
      if (!isNarrow(node.type))
        continue;
      EpilogueNode widen;
      widen.kind = Kind::Widen;
      widen.type = f32;
      widen.inputs = {unsigned(chain.nodes.size())};
      chain.nodes.push_back(node);
      node = widen;
      break;
    }
    case Kind::Widen:
      // What it widens is f32 by now.
      node.kind = Kind::Alias;
      break;
    case Kind::Alias:
      if (isNarrow(node.type))
        node.type = f32;
      break;
    case Kind::Apply: {
      auto sourceType = getElementTypeOrSelf(node.op->getOperand(0).getType());
      bool isNarrowing = isa<arith::TruncFOp>(node.op) && isNarrow(node.type);
      bool isWidening = isa<arith::ExtFOp>(node.op) && isNarrow(sourceType);
      bool fromF64 = sourceType.isF64();
      bool isComputed = !isNarrowing && !isWidening && isNarrow(node.type) &&
                        !isa<arith::SelectOp>(node.op);
      count += isNarrowing || isComputed;
      if ((isNarrowing && !fromF64) || (isWidening && node.type.isF32())) {
        node.kind = Kind::Alias;
        node.type = f32;
      } else if (isNarrow(node.type)) {
        node.type = f32;
      }
      break;
    }
    }
    chain.nodes[number] = node;
  }
  return count;
}
