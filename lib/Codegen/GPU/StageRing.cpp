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

/// Ends the group of copies that are waited for together.
static void closeCopies(KernelBuilder &kernel) {
  NVVM::CpAsyncCommitGroupOp::create(kernel.builder, kernel.loc);
}

/// A stage that is used once is waited for in pieces of two blocks where they
/// divide it: fewer waits than with one.
int64_t StageRing::pieceBlocks() const {
  if (!isResident())
    return blocks;
  return blocks % 2 == 0 ? 2 : 1;
}

void StageRing::fill(KernelBuilder &kernel, function_ref<void()> beforeTokens) {
  int64_t piece = pieceBlocks(), pieces = ahead() * blocks / piece;
  auto copy = [&](const StagedRows &rows, Value Stage::*start, int64_t number) {
    int64_t block = number * piece;
    Stage stage = stageAt(kernel, kernel.i32(block / blocks * stageBytes()));
    Value target = sharedByte(kernel, stage.*start,
                              kernel.i32(block % blocks * rows.blockBytes()));
    rows.copy(kernel, target, kernel.i64(block * swizzleColumns), piece);
  };
  if (beforeTokens) {
    for (int64_t number = 0; number < pieces; ++number)
      copy(heads, &Stage::heads, number);
    beforeTokens();
  }
  for (int64_t number = 0; number < pieces; ++number) {
    if (!beforeTokens)
      copy(heads, &Stage::heads, number);
    copy(tokens, &Stage::tokens, number);
    closeCopies(kernel);
  }
}

/// Waits until the oldest copies in flight, before `pending` groups of others,
/// are there.
void StageRing::waitForCopies(KernelBuilder &kernel, int64_t pending) {
  OpBuilder &builder = kernel.builder;
  MLIRContext *context = builder.getContext();
  NVVM::CpAsyncWaitGroupOp::create(builder, kernel.loc, pending);
  NVVM::FenceProxyOp::create(
      builder, kernel.loc, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
  gpu::BarrierOp::create(builder, kernel.loc);
}

/// Values that a loop carries besides the sums.
static constexpr size_t positionValues = 3;

void StageRing::runSteps(KernelBuilder &kernel, int64_t count, Copies copies,
                         WgmmaTile &tile, SmallVectorImpl<Value> &carried) {
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

  waitForCopies(kernel, stages - 2);
  Value product = tile.start(stageAt(kernel, current));
  auto copy = [&] {
    Stage target = stageAt(kernel, before);
    heads.copy(kernel, target.heads, column, blocks);
    tokens.copy(kernel, target.tokens, column, blocks);
  };
  if (copies == Copies::All)
    copy();
  else if (copies == Copies::UntilEnd)
    kernel.ifTrue(
        kernel.lessThan(column, kernel.i64(steps * blocks * swizzleColumns)),
        copy);
  // Without copies an empty group, so that what is pending can be counted in
  // the same way.
  closeCopies(kernel);
  addTo(kernel, MutableArrayRef(values).drop_back(positionValues),
        tile.finish(product));

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

SmallVector<Value> StageRing::runResident(KernelBuilder &kernel,
                                          WgmmaTile &tile) {
  PartSums partSums(kernel);
  SmallVector<Value> sums;
  int64_t piece = pieceBlocks(), pending = steps * blocks / piece;
  for (int64_t step = 0; step < steps; ++step) {
    Stage stage = stageAt(kernel, kernel.i32(step * stageBytes()));
    Value product;
    for (int64_t block = 0; block < blocks; block += piece) {
      waitForCopies(kernel, --pending);
      product = tile.start(stage, block, piece, product);
    }
    SmallVector<Value> terms = tile.finish(product);
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

void StageRing::runParts(KernelBuilder &kernel, int64_t count, WgmmaTile &tile,
                         SmallVectorImpl<Value> &carried) {
  if (count == 1)
    return runSteps(kernel, steps / parts, Copies::UntilEnd, tile, carried);
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
  runParts(kernel, count / 2, tile, half);
  addTo(kernel, MutableArrayRef(values).take_front(sums),
        ArrayRef(half).take_front(sums));
  std::copy(half.begin() + sums, half.end(), values.begin() + sums);
  scf::YieldOp::create(builder, kernel.loc, values);
  carried.assign(halves.getResults().begin(), halves.getResults().end());
}

SmallVector<Value> StageRing::run(KernelBuilder &kernel, WgmmaTile &tile) {
  if (isResident())
    return runResident(kernel, tile);

  // Adding to -0 gives what is added, -0 included.
  Value none = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getF32FloatAttr(-0.0f));
  SmallVector<Value> carried(tile.sums(), none);
  carried.push_back(kernel.i32(0));
  carried.push_back(kernel.i32((stages - 1) * stageBytes()));
  carried.push_back(kernel.i64(ahead() * blocks * swizzleColumns));
  if (parts > 1) {
    runParts(kernel, parts, tile, carried);
  } else {
    runSteps(kernel, steps - ahead(), Copies::All, tile, carried);
    runSteps(kernel, ahead(), Copies::None, tile, carried);
  }
  carried.resize(tile.sums());
  return carried;
}
