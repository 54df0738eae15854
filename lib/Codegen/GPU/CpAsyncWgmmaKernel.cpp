//===- CpAsyncWgmmaKernel.cpp - Many tokens on wgmma ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fused op, or a group of them, in, a gpu.func out that computes it for many
// tokens. What limits it is the bandwidth of global memory, so enough bytes
// must be on their way at all times: a ring of stages in shared memory, as
// large as it gets. Heads are M of wgmma and tokens are N, so that a tile may
// have any multiple of 8 tokens and the tiles fill the chip. A cluster owns
// tile_t x 64 outputs and divides d. All threads copy, and the first warpgroup
// multiplies; in a CTA:
//
//   start the copies of the first stages (StagedRows, StageRing)
//   prepare the barrier of the cluster, arrive at the cluster barrier
//   load the operands of the epilogue, compute where sums go
//   wait for the cluster
//   for each stage: wait, multiply (WgmmaTile), start the copies of a later one
//   send the sums to their owners (ClusterReduction)
//   for each output that I own: sum over the cluster, epilogue, store
//
// With clusters of 1 the sums of a thread are whole, and it finishes what it
// has in its registers. Rows of x and weight past the end are clamped to the
// last one; a token or head is one column or row of the product, so nothing of
// them reaches another.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/CpAsyncWgmmaKernel.h"

#include "indexer/Codegen/GPU/DependentLaunch.h"
#include "indexer/Codegen/GPU/StageRing.h"
#include "indexer/Codegen/GPU/WgmmaEpilogue.h"
#include "indexer/Codegen/GPU/WgmmaTile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

/// Rows that a thread reads start at multiples of this many bytes.
static constexpr unsigned rowAlignment = 16;

namespace {
/// Emits the body of one kernel.
class CpAsyncWgmmaBuilder {
public:
  CpAsyncWgmmaBuilder(OpBuilder &builder, const FusedGroup &group,
                      ScheduleAttr schedule, const KernelArguments &arguments)
      : kernel(builder, linalg::GenericOp(group.front().op).getLoc()),
        group(group), schedule(schedule), arguments(arguments) {}

  /// Returns the dynamic shared memory that the kernel needs, in bytes.
  int64_t build(gpu::GPUFuncOp func);

private:
  void multiply(StageRing &ring, ClusterReduction *cluster);
  void onlyCopy(StageRing &ring, ClusterReduction *cluster);

  KernelBuilder kernel;
  const FusedGroup &group;
  ScheduleAttr schedule;
  const KernelArguments &arguments;

  /// Number of this thread, i32.
  Value thread;
  /// Number of this CTA in its cluster, i32; null with clusters of 1.
  Value rank;
  TilePlace place;
  /// The last head, i32; null when H is a multiple of the tile.
  Value lastH;
};
} // namespace

/// The threads of the warpgroup that multiplies.
void CpAsyncWgmmaBuilder::multiply(StageRing &ring, ClusterReduction *cluster) {
  TileShares shares(schedule, warpgroupThreads);
  WgmmaEpilogue epilogue(kernel, group, arguments, place, lastH, thread, shares,
                         cluster, rank);
  epilogue.prepare();
  if (cluster)
    cluster->waitForPeers(kernel, thread);
  WgmmaTile tile(kernel, arguments.lhs().elementType, shares,
                 schedule.getTileD() / swizzleColumns,
                 /*warpgroup=*/kernel.i32(0));
  epilogue.finish(ring.run(kernel, &tile));
}

/// The other threads.
void CpAsyncWgmmaBuilder::onlyCopy(StageRing &ring, ClusterReduction *cluster) {
  if (cluster)
    cluster->waitForPeers(kernel, thread);
  ring.run(kernel, /*tile=*/nullptr);
}

int64_t CpAsyncWgmmaBuilder::build(gpu::GPUFuncOp func) {
  int64_t clusterSize = schedule.getCluster();
  int64_t elements = group.extents()[FusedOp::dLoop] / clusterSize;
  int64_t threads = schedule.getThreads();

  letNextKernelStart(kernel, schedule);
  thread = kernel.threadNumber();
  Value block = kernel.blockNumber(0);
  place = wgmmaPlace(kernel, group, arguments, schedule, block);
  lastH = lastHead(kernel, group, arguments, schedule);
  Value firstD = kernel.i32(0);
  std::optional<ClusterReduction> cluster;
  if (clusterSize > 1) {
    rank = kernel.remainder(block, clusterSize);
    firstD = kernel.multiply(rank, elements);
    cluster.emplace(kernel, func, clusterSize, schedule.getOutputs(),
                    wgmmaReductionUnit(schedule.getOutputs(), clusterSize),
                    rank);
  }

  StagedRows weight(kernel, arguments.rhs(), FusedOp::hLoop, place.firstH,
                    wgmmaHeads, lastH, firstD, thread, threads);
  StagedRows x(kernel, arguments.lhs(), FusedOp::tLoop, place.firstT,
               schedule.getTileT(), place.lastT, firstD, thread, threads);
  StageRing ring(kernel, func, weight, x, schedule.getTileD() / swizzleColumns,
                 schedule.getStages(), elements / schedule.getTileD(),
                 schedule.getParts(), threads);
  if (schedule.startsEarly())
    ring.fill(kernel, [&] { waitForPreviousKernel(kernel, schedule); });
  else
    ring.fill(kernel);
  if (cluster) {
    cluster->initialize(kernel, thread);
    cluster->arrive(kernel);
  }

  ClusterReduction *peers = cluster ? &*cluster : nullptr;
  if (threads == warpgroupThreads) {
    multiply(ring, peers);
    return ring.sharedBytes();
  }
  OpBuilder &builder = kernel.builder;
  auto roles =
      scf::IfOp::create(builder, kernel.loc,
                        kernel.lessThan(thread, kernel.i32(warpgroupThreads)),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(roles.thenBlock());
  multiply(ring, peers);
  builder.setInsertionPointToStart(roles.elseBlock());
  onlyCopy(ring, peers);
  return ring.sharedBytes();
}

KernelLaunchInfo indexer::buildCpAsyncWgmmaKernel(gpu::GPUModuleOp module,
                                                  StringRef name,
                                                  const FusedGroup &group,
                                                  ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  gpu::GPUFuncOp func = createKernel(builder, module, name, group,
                                     schedule.getThreads(), arguments);
  int64_t sharedBytes =
      CpAsyncWgmmaBuilder(builder, group, schedule, arguments).build(func);
  KernelLaunchInfo launch = launchOf(name, schedule, arguments);
  launch.maxTokens = std::min(launch.maxTokens, TilePlace::maxTokens);
  setHeadsFirst(launch, group, schedule);
  launch.dynamicSharedBytes = sharedBytes;
  launch.alignment = rowAlignment;
  return launch;
}
