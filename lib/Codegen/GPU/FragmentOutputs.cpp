//===- FragmentOutputs.cpp - Outputs of a wgmma tile, by thread -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/FragmentOutputs.h"

#include "indexer/Codegen/GPU/GlobalMemory.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace indexer;

void FragmentOutputs::prepare(const OutputGroup &group, Value exists) {
  take(group, exists);
  Group &taken = groups.back();
  Value t = kernel.widen(taken.t), h = kernel.widen(taken.h);
  for (size_t op = 0; op < fusedGroup.ops.size(); ++op)
    taken.addresses.push_back(
        resultAddress(kernel, fusedGroup, op, arguments, t, h));
}

void FragmentOutputs::prepareBlocks(const OutputGroup &group, int64_t blocks) {
  prepare(group, /*exists=*/Value());
  for (int64_t block = 1; block < blocks; ++block) {
    OutputGroup next = group;
    next.tokenBlock = kernel.add(group.tokenBlock, block);
    take(next, /*exists=*/Value());
  }
}

void FragmentOutputs::take(const OutputGroup &group, Value exists) {
  Group taken;
  taken.exists = exists;
  taken.t = kernel.add(
      place.firstT,
      kernel.add(kernel.multiply(group.tokenBlock, 8),
                 kernel.multiply(kernel.remainder(group.lane, 4), 2)));
  taken.h =
      kernel.add(place.firstH, kernel.add(kernel.multiply(group.headBlock, 16),
                                          kernel.divide(group.lane, 4)));
  for (int64_t part = 0; part < groupOutputs; ++part) {
    Value t = kernel.add(taken.t, part % 2);
    Value h = kernel.add(taken.h, part / 2 * 8);
    // Past the end, the operands of the last token or head: nothing branches
    // around a load.
    if (lastH)
      h = kernel.minimum(h, lastH);
    taken.operands[part] = loadEpilogueOperands(
        kernel, fusedGroup, arguments,
        kernel.widen(kernel.minimum(t, place.lastT)), kernel.widen(h));
  }
  groups.push_back(std::move(taken));
}

/// Stores those of the 4 outputs of `group`, all of fused op `op`, that are
/// inside.
void FragmentOutputs::storeGates(const Group &group, size_t op,
                                 ArrayRef<Value> gates) {
  const KernelOperand &result = arguments.result(op);
  Value strideT = result.strideAlong(FusedOp::tLoop);
  Value nextHeads = kernel.multiply(result.strideAlong(FusedOp::hLoop), 8);
  auto move = [&](Value from, Value offset) {
    return advance(kernel.builder, kernel.loc, result, from, offset);
  };
  for (int64_t token = 0; token < 2; ++token) {
    Value t = kernel.add(group.t, token);
    kernel.ifTrue(kernel.lessThan(t, place.endT), [&] {
      Value address = group.addresses[op];
      Value first = token ? move(address, strideT) : address;
      for (int64_t heads = 0; heads < 2; ++heads) {
        Value isHead =
            lastH ? arith::CmpIOp::create(kernel.builder, kernel.loc,
                                          arith::CmpIPredicate::sle,
                                          kernel.add(group.h, heads * 8), lastH)
                  : Value();
        kernel.ifTrue(isHead, [&] {
          storeElement(kernel.builder, kernel.loc, gates[heads * 2 + token],
                       heads ? move(first, nextHeads) : first);
        });
      }
    });
  }
}

void FragmentOutputs::finish(int64_t index,
                             function_ref<SmallVector<Value>()> collect) {
  Group &group = groups[index];
  // What comes after the last sum is waited for by all, so an address is the
  // sum of the one before and of 8 strides.
  if (group.addresses.empty())
    for (auto [op, before] : llvm::enumerate(groups[index - 1].addresses)) {
      const KernelOperand &result = arguments.result(op);
      group.addresses.push_back(
          advance(kernel.builder, kernel.loc, result, before,
                  kernel.multiply(result.strideAlong(FusedOp::tLoop), 8)));
    }
  kernel.ifTrue(group.exists, [&] {
    SmallVector<Value> sums = collect();
    forOpOfHead(kernel, fusedGroup, group.h, [&](size_t op) {
      SmallVector<Value> gates;
      for (auto [sum, operands] : llvm::zip_equal(sums, group.operands))
        gates.push_back(
            finishSum(kernel, fusedGroup, op, arguments, sum, operands));
      storeGates(group, op, gates);
    });
  });
}
