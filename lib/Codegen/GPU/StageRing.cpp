//===- StageRing.cpp - Blocks of both operands in flight ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/StageRing.h"

#include "indexer/Codegen/GPU/DynamicShared.h"
#include "indexer/Codegen/GPU/WgmmaTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

StageRing::StageRing(KernelBuilder &kernel, gpu::GPUFuncOp func,
                     const StagedRows &heads, const StagedRows &tokens,
                     int64_t blocks, int64_t stages, int64_t steps,
                     int64_t parts)
    : heads(heads), tokens(tokens), blocks(blocks),
      stages(std::min(stages, steps)), steps(steps), parts(parts),
      base(addDynamicShared(kernel, func, "stages", stagesAlignment)) {}

int64_t StageRing::sharedBytes() const {
  return stages * stageBytes() + stagesAlignment;
}

Stage StageRing::stageAt(KernelBuilder &kernel, Value offset) const {
  Value stage = sharedByte(kernel, base, offset);
  return {stage,
          sharedByte(kernel, stage, kernel.i32(blocks * heads.blockBytes()))};
}

void StageRing::copyHeads(KernelBuilder &kernel, const Stage &stage,
                          Value column) {
  heads.copy(kernel, stage.heads, column, blocks);
}

void StageRing::copyTokens(KernelBuilder &kernel, const Stage &stage,
                           Value column) {
  tokens.copy(kernel, stage.tokens, column, blocks);
}

/// Ends the group of copies of a stage.
static void closeStage(KernelBuilder &kernel) {
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
    closeStage(kernel);
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

/// Values that a loop carries besides the sums.
static constexpr size_t positionValues = 3;

void StageRing::runSteps(KernelBuilder &kernel, int64_t count, Copies copies,
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
  MutableArrayRef<Value> position =
      MutableArrayRef(values).take_back(positionValues);
  Value current = position[0], before = position[1], column = position[2];

  waitForStage(kernel, stages - 2);
  Value product = start(stageAt(kernel, current));
  auto copy = [&] {
    Stage target = stageAt(kernel, before);
    copyHeads(kernel, target, column);
    copyTokens(kernel, target, column);
  };
  if (copies == Copies::All)
    copy();
  else if (copies == Copies::UntilEnd)
    kernel.ifTrue(
        kernel.lessThan(column, kernel.i64(steps * blocks * swizzleColumns)),
        copy);
  // Without copies an empty group, so that what is pending can be counted in
  // the same way.
  closeStage(kernel);
  addTo(kernel, MutableArrayRef(values).drop_back(positionValues),
        finish(product));

  Value next = kernel.add(current, stageBytes());
  Value isLast = kernel.equal(next, kernel.i32(stages * stageBytes()));
  position[0] =
      arith::SelectOp::create(builder, kernel.loc, isLast, kernel.i32(0), next);
  position[1] = current;
  position[2] = kernel.add(column, blocks * swizzleColumns);
  scf::YieldOp::create(builder, kernel.loc, values);
  carried.assign(loop.getResults().begin(), loop.getResults().end());
}

namespace {
/// Adds the sums of parts pairwise, as they come.
class PartSums {
public:
  explicit PartSums(KernelBuilder &kernel) : kernel(kernel) {}

  /// Takes the sums of the next part.
  void push(ArrayRef<Value> sums) {
    SmallVector<Value> complete(sums);
    // As many pairs end here as the number of parts has zeros at its end.
    for (int64_t number = ++count; number % 2 == 0; number /= 2) {
      SmallVector<Value> first = pending.pop_back_val();
      addTo(kernel, first, complete);
      complete = first;
    }
    pending.push_back(complete);
  }
  /// The sums of all parts, whose number is a power of two.
  SmallVector<Value> total() { return pending.front(); }

private:
  KernelBuilder &kernel;
  int64_t count = 0;
  SmallVector<SmallVector<Value>> pending;
};
} // namespace

SmallVector<Value>
StageRing::runResident(KernelBuilder &kernel,
                       function_ref<Value(const Stage &)> start,
                       function_ref<SmallVector<Value>(Value)> finish) {
  PartSums partSums(kernel);
  SmallVector<Value> sums;
  for (int64_t step = 0; step < steps; ++step) {
    waitForStage(kernel, steps - 1 - step);
    Value product = start(stageAt(kernel, kernel.i32(step * stageBytes())));
    SmallVector<Value> terms = finish(product);
    bool isFirst = step % (steps / parts) == 0;
    bool isLast = (step + 1) % (steps / parts) == 0;
    if (isFirst)
      sums = terms;
    else
      addTo(kernel, sums, terms);
    if (isLast)
      partSums.push(sums);
  }
  return partSums.total();
}

void StageRing::runParts(KernelBuilder &kernel, int64_t count,
                         function_ref<Value(const Stage &)> start,
                         function_ref<SmallVector<Value>(Value)> finish,
                         SmallVectorImpl<Value> &carried) {
  if (count == 1)
    return runSteps(kernel, steps / parts, Copies::UntilEnd, start, finish,
                    carried);
  OpBuilder &builder = kernel.builder;
  size_t sums = carried.size() - positionValues;
  SmallVector<Value> none(carried.begin(), carried.begin() + sums);
  auto halves = scf::ForOp::create(builder, kernel.loc, kernel.i32(0),
                                   kernel.i32(2), kernel.i32(1), carried);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(halves.getBody());
  SmallVector<Value> values(halves.getRegionIterArgs());
  SmallVector<Value> half = none;
  half.append(values.begin() + sums, values.end());
  runParts(kernel, count / 2, start, finish, half);
  addTo(kernel, MutableArrayRef(values).take_front(sums),
        ArrayRef(half).take_front(sums));
  std::copy(half.begin() + sums, half.end(), values.begin() + sums);
  scf::YieldOp::create(builder, kernel.loc, values);
  carried.assign(halves.getResults().begin(), halves.getResults().end());
}

SmallVector<Value>
StageRing::run(KernelBuilder &kernel, int64_t sums,
               function_ref<Value(const Stage &)> start,
               function_ref<SmallVector<Value>(Value)> finish) {
  if (isResident())
    return runResident(kernel, start, finish);

  // Adding to -0 gives what is added, -0 included.
  Value none = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getF32FloatAttr(-0.0f));
  SmallVector<Value> carried(sums, none);
  carried.push_back(kernel.i32(0));
  carried.push_back(kernel.i32((stages - 1) * stageBytes()));
  carried.push_back(kernel.i64(ahead() * blocks * swizzleColumns));
  if (parts > 1) {
    runParts(kernel, parts, start, finish, carried);
  } else {
    runSteps(kernel, steps - ahead(), Copies::All, start, finish, carried);
    runSteps(kernel, ahead(), Copies::None, start, finish, carried);
  }
  carried.resize(sums);
  return carried;
}
