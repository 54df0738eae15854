//===- FragmentOutputs.cpp - Outputs of a wgmma tile, by thread -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/FragmentOutputs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace indexer;

void FragmentOutputs::prepare(Value group, Value exists) {
  Value lane = kernel.remainder(group, 32);
  Value headBlock = kernel.remainder(kernel.divide(group, 32), 4);
  Value tokenBlock = kernel.divide(group, blockGroups);
  Value t = kernel.add(
      place.firstT, kernel.add(kernel.multiply(tokenBlock, 8),
                               kernel.multiply(kernel.remainder(lane, 4), 2)));
  Value h = kernel.add(place.firstH, kernel.add(kernel.multiply(headBlock, 16),
                                                kernel.divide(lane, 4)));
  Group taken;
  taken.exists = exists;
  for (int64_t part = 0; part < groupOutputs; ++part) {
    Output output;
    output.t = kernel.add(t, part % 2);
    output.h = kernel.add(h, part / 2 * 8);
    // Past the end, the operands of the last token or head: nothing branches
    // around a load.
    Value inside = lastH ? kernel.minimum(output.h, lastH) : output.h;
    output.operands = loadEpilogueOperands(
        kernel, arguments, kernel.widen(kernel.minimum(output.t, place.lastT)),
        kernel.widen(inside));
    taken.outputs.push_back(std::move(output));
  }
  groups.push_back(std::move(taken));
}

void FragmentOutputs::finish(int64_t index,
                             function_ref<SmallVector<Value>()> collect) {
  const Group &group = groups[index];
  kernel.ifTrue(group.exists, [&] {
    SmallVector<Value> sums = collect();
    for (auto pair : llvm::zip_equal(group.outputs, sums)) {
      const Output &output = std::get<0>(pair);
      Value sum = std::get<1>(pair);
      Value isInside = kernel.lessThan(output.t, place.endT);
      if (lastH)
        isInside = arith::AndIOp::create(
            kernel.builder, kernel.loc, isInside,
            arith::CmpIOp::create(kernel.builder, kernel.loc,
                                  arith::CmpIPredicate::sle, output.h, lastH));
      kernel.ifTrue(isInside, [&] {
        storeGate(kernel, fused, arguments, sum, output.operands,
                  kernel.widen(output.t), kernel.widen(output.h));
      });
    }
  });
}
