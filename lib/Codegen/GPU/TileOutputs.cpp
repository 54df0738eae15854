//===- TileOutputs.cpp - Outputs of a tile, by thread ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/TileOutputs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

void TilePlace::setTokens(KernelBuilder &kernel,
                          const KernelArguments &arguments, Value first) {
  firstT = first;
  endT = arith::TruncIOp::create(kernel.builder, kernel.loc,
                                 kernel.builder.getI32Type(),
                                 arguments.extents[FusedOp::tLoop]);
  lastT = kernel.add(endT, -1);
}

/// The operands of `output`, under way; zeros in threads that have no such
/// output. A token past the end reads those of the last one.
SmallVector<Value> TileOutputs::loadOperands(const Output &output) {
  Value t = kernel.widen(kernel.minimum(output.t, place.lastT));
  Value h = kernel.widen(output.h);
  if (!output.exists || arguments.epilogueOperands().empty())
    return loadEpilogueOperands(kernel, group, arguments, t, h);
  OpBuilder &builder = kernel.builder;
  auto branch = scf::IfOp::create(
      builder, kernel.loc, output.exists,
      [&](OpBuilder &, Location loc) {
        scf::YieldOp::create(
            builder, loc, loadEpilogueOperands(kernel, group, arguments, t, h));
      },
      [&](OpBuilder &, Location loc) {
        scf::YieldOp::create(builder, loc,
                             zerosFor(kernel, arguments.epilogueOperands()));
      });
  return SmallVector<Value>(branch.getResults());
}

void TileOutputs::prepare(Value first, int64_t count) {
  for (int64_t round = 0; round * threads < count; ++round) {
    Output output;
    output.number = kernel.add(thread, round * threads);
    if ((round + 1) * threads > count)
      output.exists = kernel.lessThan(output.number, kernel.i32(count));
    Value inTile = first ? kernel.add(first, output.number) : output.number;
    output.t = kernel.add(place.firstT, kernel.divide(inTile, place.tileH));
    output.h = kernel.add(place.firstH, kernel.remainder(inTile, place.tileH));
    output.operands = loadOperands(output);
    outputs.push_back(std::move(output));
  }
}

void TileOutputs::finish(function_ref<Value(Value)> collect) {
  for (const Output &output : outputs) {
    Value isInside = kernel.lessThan(output.t, place.endT);
    if (output.exists)
      isInside = arith::AndIOp::create(kernel.builder, kernel.loc,
                                       output.exists, isInside);
    kernel.ifTrue(isInside, [&] {
      storeGate(kernel, group, arguments, collect(output.number),
                output.operands, kernel.widen(output.t),
                kernel.widen(output.h));
    });
  }
}
