//===- Diamond.cpp - A fork of a chain that comes together ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a value of a chain that several ops read. Out: the op where their paths
// end, and what lies between. The chain follows one path; the others become
// operands of the join, whose leaf is the value itself (ChainFork).
//
//===----------------------------------------------------------------------===//

#include "Diamond.h"

#include "indexer/Normalize/ElementwiseOp.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace indexer;

std::optional<Diamond> indexer::findDiamond(Value value) {
  Diamond diamond;
  SmallVector<Operation *> paths;
  auto addReaders = [&](Value from) {
    unsigned count = 0;
    for (Operation *user : from.getUsers()) {
      if (isa<tensor::DimOp>(user))
        continue;
      ++count;
      if (user->getBlock() != from.getParentBlock())
        return 0u;
      if (!llvm::is_contained(paths, user))
        paths.push_back(user);
    }
    return count;
  };
  if (addReaders(value) < 2)
    return std::nullopt;
  constexpr unsigned maxPaths = 8;
  while (paths.size() > 1) {
    if (paths.size() > maxPaths)
      return std::nullopt;
    auto *next = llvm::min_element(paths, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    Operation *op = *next;
    paths.erase(next);
    if (!diamond.first)
      diamond.first = op;
    diamond.inside.insert(op);
    if ((!isReshape(op) && failed(readElementwise(op))) ||
        addReaders(op->getResult(0)) != 1)
      return std::nullopt;
  }
  diamond.join = paths.front();
  if (failed(readElementwise(diamond.join)))
    return std::nullopt;
  return diamond;
}

bool indexer::readsItself(const HeadGateChain &chain, const Diamond &diamond) {
  auto isComputed = [&](Value value) {
    return diamond.inside.contains(value.getDefiningOp()) ||
           llvm::any_of(chain.links, [&](const ChainLink &link) {
             return link.value == value;
           });
  };
  return llvm::any_of(chain.operands,
                      [&](const ChainOperand &operand) {
                        return isComputed(operand.tensor);
                      }) ||
         llvm::any_of(chain.nodes, [&](const EpilogueNode &node) {
           return node.kind == EpilogueNode::Kind::OnlyElement &&
                  isComputed(node.value);
         });
}
