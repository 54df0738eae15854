//===- RegisterMmaKernel.cpp - Few tokens on tensor cores -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fused op, or a group of them, in, a gpu.func out that computes it for few
// tokens. What limits it is latency, not bytes: a load from global memory takes
// half of its time. So every load is issued at once, from the start of the
// kernel, straight into the registers of mma.sync, and d is split over warps
// and over a cluster until all of it is in flight. A cluster owns tile_t x
// tile_h outputs; in a CTA:
//
//   load my rows of weight, prepare the barrier of the cluster
//   load my rows of x, arrive at the cluster barrier
//   load the operands of the epilogue, compute where sums go
//   wait for the cluster; multiply (MmaFragments)
//   sum over the warps (WarpReduction), send to the owners (ClusterReduction)
//   for each output that I own: sum over the cluster, epilogue, store
//
// With clusters of 1 the sum over the warps is the whole sum. Rows of x past
// the end are clamped to the last one: they are loaded, multiplied and not
// stored, and a token is one column of the mma, so nothing of them reaches
// another. Clusters that share tokens and clusters that share heads are
// neighbours in x and y of the grid; the CTAs of a cluster are neighbours in x.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/RegisterMmaKernel.h"

#include "indexer/Codegen/GPU/ClusterReduction.h"
#include "indexer/Codegen/GPU/DependentLaunch.h"
#include "indexer/Codegen/GPU/GlobalMemory.h"
#include "indexer/Codegen/GPU/MmaFragments.h"
#include "indexer/Codegen/GPU/TileOutputs.h"
#include "indexer/Codegen/GPU/WarpReduction.h"

using namespace mlir;
using namespace indexer;

/// Tokens of the tile whose kernels, when they start early, wait long for the
/// kernel in front, as they have little to load before: they meet their peers
/// first. With a larger tile the loads of the weight that come later cost more
/// than that saves (measured on an H100: 1.38 to 1.24 us for one token and
/// tiles of 8, 1.78 to 1.92 us for 16 tokens and tiles of 16).
static constexpr int64_t waitingTokens = 8;

namespace {
/// Emits the body of one kernel.
class RegisterMmaBuilder {
public:
  RegisterMmaBuilder(OpBuilder &builder, const FusedGroup &group,
                     ScheduleAttr schedule, const KernelArguments &arguments)
      : kernel(builder, linalg::GenericOp(group.front().op).getLoc()),
        group(group), schedule(schedule), arguments(arguments) {}

  void build(gpu::GPUFuncOp func);

private:
  SmallVector<Value> tokenRows();
  SmallVector<Value> headRows();
  void sendSums(WarpReduction &warps, ClusterReduction &cluster,
                ArrayRef<ClusterReduction::Destination> destinations);
  SmallVector<ClusterReduction::Destination>
  destinationsOf(ClusterReduction &cluster);

  int64_t threads() { return schedule.getThreads(); }

  KernelBuilder kernel;
  const FusedGroup &group;
  ScheduleAttr schedule;
  const KernelArguments &arguments;

  ThreadPosition position;
  /// Number of this CTA in its cluster, i32.
  Value rank;
  TilePlace place;
  /// First element of d of this thread, i32.
  Value firstD;
};
} // namespace

/// Addresses of this thread's rows of x, one for each 8 tokens.
SmallVector<Value> RegisterMmaBuilder::tokenRows() {
  SmallVector<Value> rows;
  for (int64_t block = 0; block < schedule.getTileT() / 8; ++block) {
    Value token = kernel.minimum(
        kernel.add(kernel.add(place.firstT, position.group), block * 8),
        place.lastT);
    Value indices[3] = {kernel.widen(token), Value(), Value()};
    rows.push_back(advance(
        kernel.builder, kernel.loc, arguments.lhs(),
        elementAddress(kernel.builder, kernel.loc, arguments.lhs(), indices),
        kernel.widen(firstD)));
  }
  return rows;
}

/// Addresses of this thread's rows of weight, one for each 8 heads.
SmallVector<Value> RegisterMmaBuilder::headRows() {
  const KernelOperand &weight = arguments.rhs();
  Value indices[3] = {
      Value(), kernel.widen(kernel.add(place.firstH, position.group)), Value()};
  Value row =
      advance(kernel.builder, kernel.loc, weight,
              elementAddress(kernel.builder, kernel.loc, weight, indices),
              kernel.widen(firstD));
  SmallVector<Value> rows;
  for (int64_t block = 0; block < schedule.getTileH() / 8; ++block)
    rows.push_back(
        block == 0 ? row
                   : advance(kernel.builder, kernel.loc, weight, row,
                             kernel.multiply(weight.strideAlong(FusedOp::hLoop),
                                             block * 8)));
  return rows;
}

/// Where this thread sends its groups of outputs, one for each round of the
/// threads. A thread without a group in the last round gets a place that it
/// does not use, of a CTA that exists.
SmallVector<ClusterReduction::Destination>
RegisterMmaBuilder::destinationsOf(ClusterReduction &cluster) {
  int64_t outputs = schedule.getOutputs(), width = cluster.sendWidth();
  SmallVector<ClusterReduction::Destination> destinations;
  for (int64_t first = 0; first < outputs / width; first += threads()) {
    Value output = kernel.multiply(kernel.add(position.thread, first), width);
    destinations.push_back(
        cluster.destination(kernel, kernel.remainder(output, outputs)));
  }
  return destinations;
}

/// Sums the tile over the warps and sends each share to its owner.
void RegisterMmaBuilder::sendSums(
    WarpReduction &warps, ClusterReduction &cluster,
    ArrayRef<ClusterReduction::Destination> destinations) {
  int64_t width = cluster.sendWidth(), groups = schedule.getOutputs() / width;
  for (int64_t round = 0; round < int64_t(destinations.size()); ++round) {
    Value group = kernel.add(position.thread, round * threads());
    Value exists = (round + 1) * threads() <= groups
                       ? Value()
                       : kernel.lessThan(group, kernel.i32(groups));
    kernel.ifTrue(exists, [&] {
      Value output = kernel.multiply(group, width);
      cluster.send(kernel, destinations[round],
                   warps.collect(kernel, output, width));
    });
  }
}

void RegisterMmaBuilder::build(gpu::GPUFuncOp func) {
  int64_t clusterSize = schedule.getCluster();
  int64_t extentD = group.extents()[FusedOp::dLoop];
  int64_t elements = extentD / (clusterSize * schedule.getWarps());
  WarpReduction warps(kernel, func, schedule.getWarps(), schedule.getTileT(),
                      schedule.getTileH());

  letNextKernelStart(kernel, schedule);
  position = ThreadPosition::create(kernel);
  Value block = kernel.blockNumber(0);
  Value part = position.warp;
  std::optional<ClusterReduction> cluster;
  if (clusterSize > 1) {
    rank = kernel.remainder(block, clusterSize);
    cluster.emplace(kernel, func, clusterSize, schedule.getOutputs(),
                    /*unit=*/schedule.getOutputs() / clusterSize, rank);
    part = kernel.add(kernel.multiply(rank, schedule.getWarps()), part);
  }
  place.tileH = schedule.getTileH();
  place.firstH = kernel.multiply(kernel.blockNumber(1), place.tileH);
  firstD = kernel.add(kernel.multiply(part, elements),
                      kernel.multiply(position.quad, fragmentElements));
  bool waitsLong =
      schedule.startsEarly() && schedule.getTileT() == waitingTokens;
  SmallVector<ClusterReduction::Destination> destinations;
  auto meetPeers = [&] {
    destinations = destinationsOf(*cluster);
    cluster->waitForPeers(kernel, position.thread);
  };
  if (cluster && waitsLong) {
    cluster->initialize(kernel, position.thread);
    cluster->arrive(kernel);
    meetPeers();
  }
  OperandFragments weight = OperandFragments::load(
      kernel, arguments.rhs(), headRows(), elements / mmaStep, mmaStep,
      /*isConstant=*/!schedule.startsEarly());

  if (cluster && !waitsLong)
    cluster->initialize(kernel, position.thread);
  place.setTokens(
      kernel, arguments,
      kernel.multiply(kernel.divide(block, clusterSize), schedule.getTileT()));
  SmallVector<Value> tokens = tokenRows();
  if (schedule.startsEarly())
    OperandFragments::prefetch(kernel, arguments.lhs(), tokens,
                               elements / mmaStep, mmaStep);
  waitForPreviousKernel(kernel, schedule);
  OperandFragments x = OperandFragments::load(
      kernel, arguments.lhs(), tokens, elements / mmaStep, mmaStep,
      /*isConstant=*/!schedule.startsEarly());
  if (cluster && !waitsLong)
    cluster->arrive(kernel);

  int64_t share = cluster ? cluster->share() : schedule.getOutputs();
  TileOutputs outputs(kernel, group, arguments, place, position.thread,
                      threads());
  outputs.prepare(cluster ? kernel.multiply(rank, share) : Value(), share);
  if (cluster && !waitsLong)
    meetPeers();

  warps.deposit(
      kernel, position,
      multiplyFragments(kernel, arguments.lhs().elementType, weight, x));
  if (!cluster)
    return outputs.finish(
        [&](Value output) { return warps.collect(kernel, output, 1).front(); });
  sendSums(warps, *cluster, destinations);
  // Threads without outputs need not wait. The first has one, and keeps the CTA
  // alive until the peers have written.
  kernel.ifTrue(outputs.hasOutput(), [&] { cluster->waitForSums(kernel); });
  outputs.finish([&](Value output) {
    return cluster->collect(kernel, output, /*width=*/1).front();
  });
}

KernelLaunchInfo indexer::buildRegisterMmaKernel(gpu::GPUModuleOp module,
                                                 StringRef name,
                                                 const FusedGroup &group,
                                                 ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  gpu::GPUFuncOp func =
      createKernel(builder, module, name, group, schedule, arguments);
  // The size of the cluster is the launch's to say. Declared on the kernel, it
  // removes the branches around the cluster barrier that keep ptxas from
  // multiplying the first steps before the last loads are issued (0.3 us).
  RegisterMmaBuilder(builder, group, schedule, arguments).build(func);

  KernelLaunchInfo launch = launchOf(name, schedule, arguments);
  launch.maxTokens = std::min(launch.maxTokens, TilePlace::maxTokens);
  launch.alignment = fragmentBytes;
  return launch;
}
