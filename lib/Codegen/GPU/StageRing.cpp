//===- StageRing.cpp - Blocks of both operands in flight ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/StageRing.h"

#include "indexer/Codegen/GPU/DynamicShared.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

StageRing::StageRing(KernelBuilder &kernel, gpu::GPUFuncOp func,
                     const StagedRows &heads, const StagedRows &tokens,
                     int64_t blocks, int64_t stages, int64_t steps)
    : heads(heads), tokens(tokens), blocks(blocks),
      stages(std::min(stages, steps)), steps(steps),
      base(addDynamicShared(kernel, func, "stages", stagesAlignment)) {}

int64_t StageRing::sharedBytes() const {
  return stages * stageBytes() + stagesAlignment;
}

StageRing::Stage StageRing::stageAt(KernelBuilder &kernel, Value offset) const {
  Value stage = sharedByte(kernel, base, offset);
  return {stage,
          sharedByte(kernel, stage, kernel.i32(blocks * heads.blockBytes()))};
}

void StageRing::copyHeads(KernelBuilder &kernel, const Stage &stage,
                          Value column) {
  heads.copy(kernel, stage.heads, column, blocks);
}

/// Also closes the group of the stage.
void StageRing::copyTokens(KernelBuilder &kernel, const Stage &stage,
                           Value column) {
  tokens.copy(kernel, stage.tokens, column, blocks);
  NVVM::CpAsyncCommitGroupOp::create(kernel.builder, kernel.loc);
}

void StageRing::fill(KernelBuilder &kernel, function_ref<void()> beforeTokens) {
  auto stage = [&](int64_t step) {
    return stageAt(kernel, kernel.i32(step * stageBytes()));
  };
  auto column = [&](int64_t step) {
    return kernel.i64(step * blocks * swizzleColumns);
  };
  if (beforeTokens) {
    for (int64_t step = 0; step < ahead(); ++step)
      copyHeads(kernel, stage(step), column(step));
    beforeTokens();
  }
  for (int64_t step = 0; step < ahead(); ++step) {
    if (!beforeTokens)
      copyHeads(kernel, stage(step), column(step));
    copyTokens(kernel, stage(step), column(step));
  }
}

/// Waits until the oldest stage in flight, before `pending` others, is there.
void StageRing::waitForStage(KernelBuilder &kernel, int64_t pending) {
  MLIRContext *context = kernel.builder.getContext();
  NVVM::CpAsyncWaitGroupOp::create(kernel.builder, kernel.loc, pending);
  NVVM::FenceProxyOp::create(
      kernel.builder, kernel.loc, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
  gpu::BarrierOp::create(kernel.builder, kernel.loc);
}

/// Adds `terms` to `sums`, one by one.
static void addTo(KernelBuilder &kernel, MutableArrayRef<Value> sums,
                  ValueRange terms) {
  for (auto [sum, term] : llvm::zip_equal(sums, terms))
    sum = arith::AddFOp::create(kernel.builder, kernel.loc, sum, term);
}

void StageRing::runSteps(KernelBuilder &kernel, int64_t count, bool isCopying,
                         function_ref<Value(const Stage &)> start,
                         function_ref<SmallVector<Value>(Value)> finish,
                         SmallVectorImpl<Value> &carried) {
  OpBuilder &builder = kernel.builder;
  auto loop = scf::ForOp::create(builder, kernel.loc, kernel.i32(0),
                                 kernel.i32(count), kernel.i32(1), carried);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> values(loop.getRegionIterArgs());
  // Bytes of the stage to read and of the one read before it, and the first
  // column to copy.
  MutableArrayRef<Value> position = MutableArrayRef(values).take_back(3);
  Value current = position[0], before = position[1], column = position[2];

  waitForStage(kernel, stages - 2);
  Value product = start(stageAt(kernel, current));
  if (isCopying) {
    Stage target = stageAt(kernel, before);
    copyHeads(kernel, target, column);
    copyTokens(kernel, target, column);
  } else {
    // An empty group, so that what is pending can be counted in the same way.
    NVVM::CpAsyncCommitGroupOp::create(builder, kernel.loc);
  }
  addTo(kernel, MutableArrayRef(values).drop_back(3), finish(product));

  Value next = kernel.add(current, stageBytes());
  Value isLast =
      arith::CmpIOp::create(builder, kernel.loc, arith::CmpIPredicate::eq, next,
                            kernel.i32(stages * stageBytes()));
  position[0] =
      arith::SelectOp::create(builder, kernel.loc, isLast, kernel.i32(0), next);
  position[1] = current;
  position[2] = kernel.add(column, blocks * swizzleColumns);
  scf::YieldOp::create(builder, kernel.loc, values);
  carried.assign(loop.getResults().begin(), loop.getResults().end());
}

SmallVector<Value>
StageRing::run(KernelBuilder &kernel, int64_t sums,
               function_ref<Value(const Stage &)> start,
               function_ref<SmallVector<Value>(Value)> finish) {
  if (isResident()) {
    SmallVector<Value> totals;
    for (int64_t step = 0; step < steps; ++step) {
      waitForStage(kernel, steps - 1 - step);
      Value product = start(stageAt(kernel, kernel.i32(step * stageBytes())));
      SmallVector<Value> terms = finish(product);
      if (step == 0)
        totals = terms;
      else
        addTo(kernel, totals, terms);
    }
    return totals;
  }

  Value zero = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getF32FloatAttr(0.0f));
  SmallVector<Value> carried(sums, zero);
  carried.push_back(kernel.i32(0));
  carried.push_back(kernel.i32((stages - 1) * stageBytes()));
  carried.push_back(kernel.i64(ahead() * blocks * swizzleColumns));
  runSteps(kernel, steps - ahead(), /*isCopying=*/true, start, finish, carried);
  runSteps(kernel, ahead(), /*isCopying=*/false, start, finish, carried);
  carried.resize(sums);
  return carried;
}
