//===- TmaWgmmaKernel.cpp - Many tokens, copied by TMA --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fused op, or a group of them, in, a gpu.func out that computes it for many
// tokens, with the same tiles, multiplication and order of the sum as
// CpAsyncWgmmaKernel. Here one thread of a warp of its own copies by TMA
// (TmaBlocks), and one warpgroup or more, each with a part of the tile's
// tokens or heads, multiply; they hand over stages by mbarriers
// (MbarrierRing). The copies need no registers and hardly an instruction, and
// go on while sums are finished. In a CTA:
//
//   the copying thread fetches the tensor maps, makes the full barrier of one
//   stage after the other and starts its copies at once: until the first bytes
//   arrive, everything else is done
//   another thread makes the other barriers; barrier of the CTA, and of the
//   cluster if there is one
//   the copying thread: for each further step, wait until the stage is empty,
//     start its copies
//   a warpgroup: load the operands of the epilogue; for each step, wait until
//     the stage is full, multiply (WgmmaTile), release it; finish the sums
//     (WgmmaEpilogue)
//
// With a part of the heads each, warpgroups have all tokens of the tile, and as
// many sums that registers have to come from a copying warpgroup, of which
// three warps do nothing else: 13 warps have 128 registers a thread, as one of
// the four parts of a multiprocessor has four of them, and 16 warps have no
// fewer.
//
// A cluster divides d, or its CTAs have tiles of their own and copy parts of
// the weight to all of them (multicast). With `max_ctas` a CTA, or a cluster
// with multicast, goes on to a next tile.
//
// Rows of x and weight past the end are zeros; a token or head is one column or
// row of the product, so nothing of them reaches another.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/TmaWgmmaKernel.h"

#include "indexer/Codegen/GPU/DependentLaunch.h"
#include "indexer/Codegen/GPU/DynamicShared.h"
#include "indexer/Codegen/GPU/MbarrierRing.h"
#include "indexer/Codegen/GPU/TmaBlocks.h"
#include "indexer/Codegen/GPU/WgmmaEpilogue.h"
#include "indexer/Codegen/GPU/WgmmaTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

/// Numbers of the tensor maps of x and weight among the kernel's.
static constexpr unsigned xMap = 0, weightMap = 1;

/// Rows of operands with a tensor map start at multiples of this many bytes.
static constexpr unsigned rowAlignment = 16;

/// Threads of a warp.
static constexpr int64_t warpThreads = 32;

/// CTAs that divide d, up to which x is prefetched into L2 before the kernel in
/// front has ended: with more, the copies are too small to gain by it (measured
/// on an H100: 23.4 to 22.8 us for 4096 tokens, 8.4 to 8.5 us for 1024).
static constexpr int64_t maxPrefetchSplit = 2;

namespace {
/// Emits the body of one kernel.
class TmaWgmmaBuilder {
public:
  TmaWgmmaBuilder(OpBuilder &builder, const FusedGroup &group,
                  ScheduleAttr schedule, const KernelArguments &arguments)
      : kernel(builder, linalg::GenericOp(group.front().op).getLoc()),
        group(group), schedule(schedule), arguments(arguments) {}

  /// Returns the dynamic shared memory that the kernel needs, in bytes.
  int64_t build(gpu::GPUFuncOp func);

private:
  /// Blocks of 64 columns of a stage, stages of the ring, steps over the part
  /// of d that this CTA has.
  int64_t blocks() const { return schedule.getTileD() / swizzleColumns; }
  int64_t stages() const { return std::min(schedule.getStages(), steps()); }
  int64_t steps() const {
    return group.extents()[FusedOp::dLoop] /
           (schedule.getSplit() * schedule.getTileD());
  }
  int64_t stageBytes() const {
    return blocks() * (weight->blockBytes() + x->blockBytes());
  }
  /// True when the warp that copies is one of a warpgroup, of which the others
  /// only give their registers away.
  bool hasCopyingWarpgroup() const { return schedule.getTileH() > wgmmaHeads; }
  /// Threads that multiply, and what their warpgroups have of a tile.
  int64_t consumers() const {
    return schedule.getThreads() -
           (hasCopyingWarpgroup() ? warpgroupThreads : warpThreads);
  }
  TileShares shares() const { return {schedule, consumers()}; }
  /// True when sums of peers lie behind the stages: those of more heads are too
  /// many for static shared memory.
  bool receivesBehindStages() const {
    return schedule.getSplit() > 1 && schedule.getTileH() > wgmmaHeads;
  }
  bool hasMulticast() const { return schedule.getMulticast() > 1; }
  bool isPersistent() const { return schedule.getMaxCtas() > 0; }

  void setPlace(gpu::GPUFuncOp func);
  Stage stageAt(Value number);
  void copyTokens(Value stage, Value step);
  void copyWeight(Value stage, Value step);
  void byOneThread(function_ref<void()> emit);
  void startFirstCopies();
  void startUp();
  void copyRest();
  Value isCopyingWarp();
  void setRegisters(bool isCopying);
  void copy();
  void produce();
  void multiplyTile(RingPosition &position, Value isFollowed);
  void consume();

  /// Emits `emit` for each tile of this CTA, with the values of `carried`,
  /// which it changes, and whether another tile follows (i1; null: none).
  /// Meanwhile `place` is that tile's.
  void forEachTile(SmallVectorImpl<Value> &carried,
                   function_ref<void(MutableArrayRef<Value>, Value)> emit);

  KernelBuilder kernel;
  const FusedGroup &group;
  ScheduleAttr schedule;
  const KernelArguments &arguments;

  /// Number of this thread, of this CTA along x, and in its cluster; i32, the
  /// last one null with clusters of 1.
  Value thread, block, rank;
  /// The first element of d, i32.
  Value firstD;
  TilePlace place;
  /// The last head, i32; null when H is a multiple of the tile.
  Value lastH;
  /// The stages, !llvm.ptr<3>.
  Value base;
  std::optional<TmaBlocks> x, weight;
  std::optional<MbarrierRing> ring;
  /// Where a cluster divides d.
  std::optional<ClusterReduction> reduction;
};
} // namespace

void TmaWgmmaBuilder::setPlace(gpu::GPUFuncOp func) {
  int64_t split = schedule.getSplit(), multicast = schedule.getMulticast();
  thread = kernel.threadNumber();
  block = kernel.blockNumber(0);
  if (schedule.getCluster() > 1)
    rank = kernel.remainder(block, schedule.getCluster());
  firstD = kernel.i32(0);
  if (split > 1)
    firstD = kernel.multiply(rank, steps() * schedule.getTileD());
  place = wgmmaPlace(kernel, group, arguments, schedule, block);
  lastH = lastHead(kernel, group, arguments, schedule);

  x.emplace(arguments, xMap, schedule.getTileT(), CacheHint::None);
  // Every CTA reads the weight, so it stays in L2 while x passes through.
  weight.emplace(arguments, weightMap, schedule.getTileH(),
                 CacheHint::EvictLast, multicast,
                 hasMulticast() ? rank : Value());
  base = addDynamicShared(kernel, func, "stages", stagesAlignment);
  ring.emplace(kernel, func, stages(), consumers() / warpThreads, multicast);
  if (split == 1)
    return;
  Value received;
  if (receivesBehindStages())
    received = sharedByte(kernel, base, kernel.i32(stages() * stageBytes()));
  reduction.emplace(kernel, func, split, schedule.getOutputs(),
                    wgmmaReductionUnit(schedule.getOutputs(), split), rank,
                    received);
}

/// The stage `number` (i32). Its address is computed in 32 bits: pointers into
/// shared memory have 64, of which half are zeros, and ptxas (13.0) does not
/// give the same code each time for the longer sums.
Stage TmaWgmmaBuilder::stageAt(Value number) {
  OpBuilder &builder = kernel.builder;
  auto pointer = [&](Value address) -> Value {
    return LLVM::IntToPtrOp::create(builder, kernel.loc, base.getType(),
                                    address);
  };
  Value start =
      LLVM::PtrToIntOp::create(builder, kernel.loc, builder.getI32Type(), base);
  Value stage = kernel.add(start, kernel.multiply(number, stageBytes()));
  return {pointer(stage),
          pointer(kernel.add(stage, blocks() * weight->blockBytes()))};
}

/// Starts the copies of x, or of the weight, of step `step` to `stage` (i32).
void TmaWgmmaBuilder::copyTokens(Value stage, Value step) {
  x->copy(kernel, stageAt(stage).tokens, place.firstT,
          kernel.add(firstD, kernel.multiply(step, schedule.getTileD())),
          blocks(), ring->full(kernel, stage));
}
void TmaWgmmaBuilder::copyWeight(Value stage, Value step) {
  weight->copy(kernel, stageAt(stage).heads, place.firstH,
               kernel.add(firstD, kernel.multiply(step, schedule.getTileD())),
               blocks(), ring->full(kernel, stage));
}

/// Emits `emit` for one thread of a warp, the same one each time. Elected, not
/// chosen by its number: the assembler then knows that it is alone, and does
/// not repeat each copy for all threads that might be there.
void TmaWgmmaBuilder::byOneThread(function_ref<void()> emit) {
  Value isElected = NVVM::ElectSyncOp::create(kernel.builder, kernel.loc,
                                              kernel.builder.getI1Type(),
                                              /*membermask=*/Value());
  kernel.ifTrue(isElected, emit);
}

/// Makes the full barriers, and starts what may be copied to the first stages
/// before other threads are waited for: not x, when the kernel before this one
/// may still write it, and not the weight, when the barriers of peers count its
/// bytes too.
void TmaWgmmaBuilder::startFirstCopies() {
  x->prefetchMap(kernel);
  weight->prefetchMap(kernel);
  for (int64_t step = 0; step < stages(); ++step) {
    Value stage = kernel.i32(step);
    ring->initializeFull(kernel, step);
    ring->expect(kernel, stage, stageBytes());
    if (!schedule.startsEarly())
      copyTokens(stage, stage);
    if (!hasMulticast())
      copyWeight(stage, stage);
  }
}

/// True (i1) in the threads of the warp that copies.
Value TmaWgmmaBuilder::isCopyingWarp() {
  return kernel.equal(kernel.divide(thread, warpThreads),
                      kernel.i32(consumers() / warpThreads));
}

/// All that is done once, up to the point where every thread may use every
/// barrier.
void TmaWgmmaBuilder::startUp() {
  Location loc = kernel.loc;
  kernel.ifTrue(isCopyingWarp(),
                [&] { byOneThread([&] { startFirstCopies(); }); });
  kernel.ifTrue(kernel.equal(thread, kernel.i32(0)),
                [&] { ring->initializeEmpty(kernel); });
  if (reduction) {
    reduction->initialize(kernel, thread);
    reduction->arrive(kernel);
  } else if (hasMulticast()) {
    NVVM::ClusterArriveRelaxedOp::create(kernel.builder, loc,
                                         kernel.builder.getUnitAttr());
  }
  gpu::BarrierOp::create(kernel.builder, loc);
  if (reduction)
    reduction->waitForPeers(kernel, thread);
  else if (hasMulticast())
    NVVM::ClusterWaitOp::create(kernel.builder, loc,
                                kernel.builder.getUnitAttr());
}

void TmaWgmmaBuilder::forEachTile(
    SmallVectorImpl<Value> &carried,
    function_ref<void(MutableArrayRef<Value>, Value)> emit) {
  if (!isPersistent())
    return emit(carried, /*isFollowed=*/Value());
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  // The CTAs of a cluster with multicast have neighbouring tiles.
  int64_t cluster = schedule.getCluster(), tileT = schedule.getTileT();
  Value tokens = kernel.add(place.endT, cluster * tileT - 1);
  Value end = kernel.divide(tokens, cluster * tileT);
  Value grid = arith::IndexCastOp::create(
      builder, loc, builder.getI32Type(),
      gpu::GridDimOp::create(builder, loc, gpu::Dimension::x));
  Value clusters = kernel.divide(grid, cluster);
  auto loop = scf::ForOp::create(builder, loc, kernel.divide(block, cluster),
                                 end, clusters, carried);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  TilePlace firstPlace = place;
  Value number = loop.getInductionVar();
  Value tile = kernel.multiply(number, cluster);
  if (rank)
    tile = kernel.add(tile, rank);
  place.setTokens(kernel, arguments, kernel.multiply(tile, tileT));
  SmallVector<Value> values(loop.getRegionIterArgs());
  emit(values, kernel.lessThan(kernel.add(number, clusters), end));
  scf::YieldOp::create(builder, loc, values);
  place = firstPlace;
}

/// Copies the steps for which a stage must become empty first. The ring is
/// filled, so the walk goes on with its second round.
void TmaWgmmaBuilder::copyRest() {
  if (!isPersistent() && stages() == steps())
    return;
  // Stage, parity, first step of the tile.
  SmallVector<Value> carried = {kernel.i32(0), kernel.i32(1),
                                kernel.i32(stages())};
  forEachTile(carried, [&](MutableArrayRef<Value> values, Value) {
    OpBuilder &builder = kernel.builder;
    auto loop =
        scf::ForOp::create(builder, kernel.loc, values[2], kernel.i32(steps()),
                           kernel.i32(1), ValueRange(values.take_front(2)));
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      RingPosition position = {loop.getRegionIterArg(0),
                               loop.getRegionIterArg(1)};
      ring->waitForEmpty(kernel, position);
      ring->expect(kernel, position.stage, stageBytes());
      copyTokens(position.stage, loop.getInductionVar());
      copyWeight(position.stage, loop.getInductionVar());
      RingPosition next = ring->next(kernel, position);
      scf::YieldOp::create(builder, kernel.loc,
                           ValueRange{next.stage, next.parity});
    }
    values[0] = loop.getResult(0);
    values[1] = loop.getResult(1);
    values[2] = kernel.i32(0);
  });
}

/// By all threads of a warpgroup: moves registers from the copying one to the
/// others, where there is one. A launch gives every thread the same.
void TmaWgmmaBuilder::setRegisters(bool isCopying) {
  if (!hasCopyingWarpgroup())
    return;
  // Counts are multiples of 8 from 24 on (PTX ISA, "setmaxnreg").
  constexpr int64_t unit = 8, fewest = 24;
  int64_t warpgroups = consumers() / warpgroupThreads;
  int64_t launched = registersPerThread(schedule.getThreads()) / unit * unit;
  int64_t all = launched * (warpgroups + 1);
  int64_t multiplying = (all - fewest) / warpgroups / unit * unit;
  int64_t count = isCopying ? all - warpgroups * multiplying : multiplying;
  auto action = isCopying ? NVVM::SetMaxRegisterAction::decrease
                          : NVVM::SetMaxRegisterAction::increase;
  NVVM::SetMaxRegisterOp::create(kernel.builder, kernel.loc, count, action);
}

/// What the copying thread does after startUp().
void TmaWgmmaBuilder::copy() {
  if (hasMulticast())
    for (int64_t step = 0; step < stages(); ++step)
      copyWeight(kernel.i32(step), kernel.i32(step));
  if (schedule.startsEarly()) {
    if (schedule.getSplit() <= maxPrefetchSplit)
      for (int64_t step = 0; step < stages(); ++step)
        x->prefetch(kernel, place.firstT,
                    kernel.add(firstD, step * schedule.getTileD()), blocks());
    waitForPreviousKernel(kernel, schedule);
    for (int64_t step = 0; step < stages(); ++step)
      copyTokens(kernel.i32(step), kernel.i32(step));
  }
  copyRest();
}

/// The copying warp, after startUp(), and those of its warpgroup.
void TmaWgmmaBuilder::produce() {
  setRegisters(/*isCopying=*/true);
  kernel.ifTrue(hasCopyingWarpgroup() ? isCopyingWarp() : Value(),
                [&] { byOneThread([&] { copy(); }); });
}

/// Multiplies and finishes the tile at `place`; `position` is moved behind its
/// steps. `isFollowed` (i1) says whether another tile comes, null: none.
void TmaWgmmaBuilder::multiplyTile(RingPosition &position, Value isFollowed) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  WgmmaEpilogue epilogue(kernel, group, arguments, place, lastH, thread,
                         shares(), reduction ? &*reduction : nullptr, rank);
  epilogue.prepare();
  Value warpgroup = consumers() == warpgroupThreads
                        ? kernel.i32(0)
                        : kernel.divide(thread, warpgroupThreads);
  WgmmaTile tile(kernel, arguments.lhs().elementType, shares(), blocks(),
                 warpgroup);
  Value lane = kernel.remainder(thread, warpThreads);
  // Adding to -0 gives what is added, -0 included.
  Value none =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(-0.0f));
  SmallVector<Value> carried(tile.sums(), none);
  carried.append({position.stage, position.parity});

  auto loop = scf::ForOp::create(builder, loc, kernel.i32(0),
                                 kernel.i32(steps()), kernel.i32(1), carried);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> values(loop.getRegionIterArgs());
    RingPosition current = {values[tile.sums()], values[tile.sums() + 1]};
    ring->waitForFull(kernel, current);
    SmallVector<Value> terms = tile.finish(tile.start(stageAt(current.stage)));
    // A peer must not be told of stages that it does not wait for.
    Value isAwaited;
    if (hasMulticast()) {
      isAwaited = kernel.lessThan(loop.getInductionVar(),
                                  kernel.i32(steps() - stages()));
      if (isFollowed)
        isAwaited = arith::OrIOp::create(builder, loc, isAwaited, isFollowed);
    }
    kernel.ifTrue(isAwaited, [&] { ring->release(kernel, current, lane); });
    addTo(kernel, MutableArrayRef(values).drop_back(2), terms);
    RingPosition next = ring->next(kernel, current);
    values[tile.sums()] = next.stage;
    values[tile.sums() + 1] = next.parity;
    scf::YieldOp::create(builder, loc, values);
  }
  position = {loop.getResult(tile.sums()), loop.getResult(tile.sums() + 1)};
  epilogue.finish(
      SmallVector<Value>(loop.getResults().take_front(tile.sums())));
}

/// The threads of the warpgroups, after startUp().
void TmaWgmmaBuilder::consume() {
  setRegisters(/*isCopying=*/false);
  waitForPreviousKernel(kernel, schedule);
  RingPosition first = ring->first(kernel);
  SmallVector<Value> carried = {first.stage, first.parity};
  forEachTile(carried, [&](MutableArrayRef<Value> values, Value isFollowed) {
    RingPosition position = {values[0], values[1]};
    multiplyTile(position, isFollowed);
    values[0] = position.stage;
    values[1] = position.parity;
  });
}

int64_t TmaWgmmaBuilder::build(gpu::GPUFuncOp func) {
  letNextKernelStart(kernel, schedule);
  // One CTA a multiprocessor: with this, and not without it, ptxas knows that a
  // launch gives all registers, and obeys setRegisters().
  if (hasCopyingWarpgroup())
    func->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                  kernel.builder.getI32IntegerAttr(1));
  setPlace(func);
  startUp();
  OpBuilder &builder = kernel.builder;
  auto roles = scf::IfOp::create(
      builder, kernel.loc, kernel.lessThan(thread, kernel.i32(consumers())),
      /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(roles.thenBlock());
  consume();
  builder.setInsertionPointToStart(roles.elseBlock());
  produce();
  int64_t bytes = stages() * stageBytes() + stagesAlignment;
  if (receivesBehindStages())
    bytes += reduction->bufferBytes();
  return bytes;
}

KernelLaunchInfo indexer::buildTmaWgmmaKernel(gpu::GPUModuleOp module,
                                              StringRef name,
                                              const FusedGroup &group,
                                              ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  KernelParameterInfo tensorMaps[2];
  tensorMaps[xMap] = TmaBlocks::parameter(/*operand=*/0, schedule.getTileT());
  tensorMaps[weightMap] = TmaBlocks::parameter(
      /*operand=*/1, schedule.getTileH() / schedule.getMulticast());
  gpu::GPUFuncOp func = createKernel(builder, module, name, group, schedule,
                                     arguments, tensorMaps);
  int64_t sharedBytes =
      TmaWgmmaBuilder(builder, group, schedule, arguments).build(func);
  KernelLaunchInfo launch = launchOf(name, schedule, arguments);
  launch.maxTokens = std::min(launch.maxTokens, TilePlace::maxTokens);
  setHeadsFirst(launch, group, schedule);
  launch.dynamicSharedBytes = sharedBytes;
  launch.alignment = rowAlignment;
  return launch;
}
