//===- DotKernel.cpp - One or two tokens on CUDA cores --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fused op, or a group of them, in, a gpu.func out that computes it for one
// or two tokens. With so few columns an mma is mostly padding and a cluster
// costs more than it hides: a CTA takes tile_h heads over the whole of d, and
// every thread loads its share of all rows at once, in groups of 8 elements
// that are 8 x threads apart:
//
//   load my groups of weight, then of x, then the operands of the epilogue
//   multiply and add, each output in two chains (even and odd elements)
//   sum over the threads (BlockReduction); epilogue, store
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/DotKernel.h"

#include "indexer/Codegen/GPU/BlockReduction.h"
#include "indexer/Codegen/GPU/DependentLaunch.h"
#include "indexer/Codegen/GPU/GlobalMemory.h"
#include "indexer/Codegen/GPU/OperandFragments.h"
#include "indexer/Codegen/GPU/TileOutputs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace indexer;

/// Addresses of this thread's first group of `operand` in `count` rows along
/// `loop`, from row `first` (i32) on; past row `last` (i32, or null) that row.
static SmallVector<Value>
rowAddresses(KernelBuilder &kernel, const KernelOperand &operand, unsigned loop,
             Value first, int64_t count, Value last, Value thread) {
  Value firstD = kernel.widen(kernel.multiply(thread, fragmentElements));
  SmallVector<Value> rows;
  for (int64_t row = 0; row < count; ++row) {
    Value index = kernel.add(first, row);
    if (last)
      index = kernel.minimum(index, last);
    Value indices[3];
    indices[loop] = kernel.widen(index);
    rows.push_back(advance(
        kernel.builder, kernel.loc, operand,
        elementAddress(kernel.builder, kernel.loc, operand, indices), firstD));
  }
  return rows;
}

/// The thread's share of the sum of row `token` of x by row `head` of weight.
static Value contractRows(KernelBuilder &kernel, const FusedGroup &group,
                          const OperandFragments &x, int64_t token,
                          const OperandFragments &weight, int64_t head) {
  Value zero = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getF32FloatAttr(0.0f));
  Value chains[2] = {zero, zero};
  for (int64_t step = 0; step < x.steps; ++step)
    for (int64_t element = 0; element < fragmentElements; ++element) {
      Value &chain = chains[element % 2];
      chain = cloneContraction(kernel.builder, group.front(), chain,
                               x.element(kernel, step, token, element),
                               weight.element(kernel, step, head, element));
    }
  return kernel.sum(chains);
}

/// Emits the body of the kernel `func`.
static void buildBody(KernelBuilder kernel, gpu::GPUFuncOp func,
                      const FusedGroup &group, ScheduleAttr schedule,
                      const KernelArguments &arguments) {
  int64_t threads = schedule.getThreads();
  int64_t distance = threads * fragmentElements;
  int64_t steps = group.extents()[FusedOp::dLoop] / distance;
  BlockReduction reduction(func, schedule.getWarps(), schedule.getOutputs());

  letNextKernelStart(kernel, schedule);
  Value thread = kernel.threadNumber();
  TilePlace place;
  place.tileH = schedule.getTileH();
  place.firstH = kernel.multiply(kernel.blockNumber(1), place.tileH);
  OperandFragments weight = OperandFragments::load(
      kernel, arguments.rhs(),
      rowAddresses(kernel, arguments.rhs(), FusedOp::hLoop, place.firstH,
                   place.tileH, /*last=*/Value(), thread),
      steps, distance, /*isConstant=*/!schedule.startsEarly());
  place.setTokens(kernel, arguments,
                  kernel.multiply(kernel.blockNumber(0), schedule.getTileT()));
  SmallVector<Value> tokens =
      rowAddresses(kernel, arguments.lhs(), FusedOp::tLoop, place.firstT,
                   schedule.getTileT(), place.lastT, thread);
  if (schedule.startsEarly())
    OperandFragments::prefetch(kernel, arguments.lhs(), tokens, steps,
                               distance);
  waitForPreviousKernel(kernel, schedule);
  OperandFragments x =
      OperandFragments::load(kernel, arguments.lhs(), tokens, steps, distance,
                             /*isConstant=*/!schedule.startsEarly());
  TileOutputs outputs(kernel, group, arguments, place, thread, threads);
  outputs.prepare(/*first=*/Value(), schedule.getOutputs());

  SmallVector<Value> sums;
  for (int64_t token = 0; token < x.rows; ++token)
    for (int64_t head = 0; head < weight.rows; ++head)
      sums.push_back(contractRows(kernel, group, x, token, weight, head));
  reduction.deposit(kernel.builder, kernel.loc, kernel.widen(thread), sums);
  outputs.finish([&](Value output) {
    return reduction.collect(kernel.builder, kernel.loc, output);
  });
}

KernelLaunchInfo indexer::buildDotKernel(gpu::GPUModuleOp module,
                                         StringRef name,
                                         const FusedGroup &group,
                                         ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  gpu::GPUFuncOp func =
      createKernel(builder, module, name, group, schedule, arguments);
  buildBody(KernelBuilder(builder, func.getLoc()), func, group, schedule,
            arguments);

  KernelLaunchInfo launch = launchOf(name, schedule, arguments);
  launch.maxTokens = std::min(launch.maxTokens, TilePlace::maxTokens);
  launch.alignment = fragmentBytes;
  return launch;
}
