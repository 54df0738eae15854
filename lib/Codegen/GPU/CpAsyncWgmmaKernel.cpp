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
// tile_t x 64 outputs and divides d; in a CTA, one warpgroup:
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

int64_t CpAsyncWgmmaBuilder::build(gpu::GPUFuncOp func) {
  int64_t clusterSize = schedule.getCluster();
  int64_t elements = group.extents()[FusedOp::dLoop] / clusterSize;
  int64_t blocks = schedule.getTileD() / swizzleColumns;

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
                    wgmmaHeads, lastH, firstD, thread, warpgroupThreads);
  StagedRows x(kernel, arguments.lhs(), FusedOp::tLoop, place.firstT,
               schedule.getTileT(), place.lastT, firstD, thread,
               warpgroupThreads);
  StageRing ring(kernel, func, weight, x, blocks, schedule.getStages(),
                 elements / schedule.getTileD(), schedule.getParts());
  if (schedule.startsEarly())
    ring.fill(kernel, [&] { waitForPreviousKernel(kernel, schedule); });
  else
    ring.fill(kernel);
  if (cluster) {
    cluster->initialize(kernel, thread);
    cluster->arrive(kernel);
  }

  TileShares shares(schedule, warpgroupThreads);
  WgmmaEpilogue epilogue(kernel, group, arguments, place, lastH, thread, shares,
                         cluster ? &*cluster : nullptr, rank);
  epilogue.prepare();
  if (cluster)
    cluster->waitForPeers(kernel, thread);

  WgmmaTile tile(kernel, arguments.lhs().elementType, shares, blocks,
                 /*warpgroup=*/kernel.i32(0));
  epilogue.finish(ring.run(kernel, tile));
  return ring.sharedBytes();
}

KernelLaunchInfo indexer::buildCpAsyncWgmmaKernel(gpu::GPUModuleOp module,
                                                  StringRef name,
                                                  const FusedGroup &group,
                                                  ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  gpu::GPUFuncOp func =
      createKernel(builder, module, name, group, schedule, arguments);
  int64_t sharedBytes =
      CpAsyncWgmmaBuilder(builder, group, schedule, arguments).build(func);
  KernelLaunchInfo launch = launchOf(name, schedule, arguments);
  launch.maxTokens = std::min(launch.maxTokens, TilePlace::maxTokens);
  setHeadsFirst(launch, group, schedule);
  launch.dynamicSharedBytes = sharedBytes;
  launch.alignment = rowAlignment;
  return launch;
}
