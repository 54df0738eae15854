//===- WgmmaEpilogue.cpp - From the sums of wgmma to the gate -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/WgmmaEpilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <numeric>

using namespace mlir;
using namespace indexer;

/// True when the tiles of heads are neighbours in x: CTAs that start together
/// then share x, which does not fit L2 (measured on an H100: three tiles of
/// heads one after the other take three times as long as one).
static bool isHeadsFirst(const FusedGroup &group, ScheduleAttr schedule) {
  return group.extents()[FusedOp::hLoop] > schedule.getTileH() &&
         schedule.getMulticast() == 1 && schedule.getMaxCtas() == 0;
}

TilePlace indexer::wgmmaPlace(KernelBuilder &kernel, const FusedGroup &group,
                              const KernelArguments &arguments,
                              ScheduleAttr schedule, Value block) {
  bool headsFirst = isHeadsFirst(group, schedule);
  auto tileAlongX = [&] { return kernel.divide(block, schedule.getSplit()); };
  auto tileAlongY = [&] { return kernel.blockNumber(1); };
  TilePlace place;
  place.tileH = schedule.getTileH();
  place.firstH =
      kernel.multiply(headsFirst ? tileAlongX() : tileAlongY(), place.tileH);
  place.setTokens(kernel, arguments,
                  kernel.multiply(headsFirst ? tileAlongY() : tileAlongX(),
                                  schedule.getTileT()));
  return place;
}

void indexer::setHeadsFirst(KernelLaunchInfo &launch, const FusedGroup &group,
                            ScheduleAttr schedule) {
  launch.headsFirst = isHeadsFirst(group, schedule);
  if (launch.headsFirst)
    launch.maxTokens =
        std::min(launch.maxTokens, maxGridY * schedule.getTileT());
}

Value indexer::lastHead(KernelBuilder &kernel, const FusedGroup &group,
                        const KernelArguments &arguments,
                        ScheduleAttr schedule) {
  int64_t heads = group.extents()[FusedOp::hLoop];
  if (ShapedType::isDynamic(heads))
    return kernel.add(
        arith::TruncIOp::create(kernel.builder, kernel.loc,
                                kernel.builder.getI32Type(),
                                arguments.extents[FusedOp::hLoop]),
        -1);
  return heads % schedule.getTileH() != 0 ? kernel.i32(heads - 1) : Value();
}

WgmmaEpilogue::WgmmaEpilogue(KernelBuilder &kernel, const FusedGroup &group,
                             const KernelArguments &arguments,
                             const TilePlace &place, Value lastHead,
                             Value thread, const TileShares &shares,
                             ClusterReduction *cluster, Value rank)
    : kernel(kernel), thread(thread), shares(shares), cluster(cluster),
      rank(rank), outputs(kernel, group, arguments, place, lastHead) {}

OutputGroup WgmmaEpilogue::ownGroup(int64_t block) {
  Value warp = kernel.divide(thread, 32), lane = kernel.remainder(thread, 32);
  if (shares.divideHeads())
    return {kernel.i32(block), warp, lane};
  Value warpgroup = kernel.divide(thread, warpgroupThreads);
  return {kernel.add(kernel.multiply(warpgroup, shares.tokens / 8), block),
          kernel.remainder(warp, 4), lane};
}

void WgmmaEpilogue::prepare() {
  if (cluster)
    prepareShare();
  else
    prepareOwn();
}

/// Tokens of a warpgroup up to which the operands of all its outputs fit into
/// registers beside sums and terms, where warpgroups divide the heads (measured
/// with ptxas: some kernels spill with 88).
static constexpr int64_t maxPreparedTokens = 64;

/// Beyond, the blocks of 8 tokens that are prepared at a time, when they are
/// finished.
static constexpr int64_t lateBlocks = 4;

/// Takes the outputs whose sums are in this thread's registers.
void WgmmaEpilogue::prepareOwn() {
  if (!shares.divideHeads() || shares.tokens <= maxPreparedTokens)
    outputs.prepareBlocks(ownGroup(0), shares.tokens / 8);
}

/// Outputs of a warp in a block of 8 tokens.
static constexpr int64_t warpOutputs = 128;

int64_t WgmmaEpilogue::blockOutputs() const { return 8 * shares.tileH; }

/// Takes this thread's part of the outputs that the CTA owns, and computes
/// where it sends its own. Outputs are numbered in the order of groups: lanes,
/// blocks of 16 heads, blocks of 8 tokens.
void WgmmaEpilogue::prepareShare() {
  int64_t groups = cluster->share() / groupOutputs;
  int64_t lastOutput = shares.tileT * shares.tileH - groupOutputs;
  int64_t threads = shares.threads;
  for (int64_t round = 0; round * threads < groups; ++round) {
    Value number = kernel.add(thread, round * threads);
    Value exists;
    if ((round + 1) * threads > groups) {
      exists = kernel.lessThan(number, kernel.i32(groups));
      number = kernel.minimum(number, kernel.i32(groups - 1));
    }
    Value output =
        cluster->ownedOutput(kernel, kernel.multiply(number, groupOutputs));
    if (cluster->isUneven()) {
      Value isOwned = kernel.lessThan(output, kernel.i32(lastOutput + 1));
      exists = exists ? arith::AndIOp::create(kernel.builder, kernel.loc,
                                              exists, isOwned)
                      : isOwned;
      output = kernel.minimum(output, kernel.i32(lastOutput));
    }
    outputs.prepare({kernel.divide(output, blockOutputs()),
                     kernel.remainder(kernel.divide(output, warpOutputs),
                                      blockOutputs() / warpOutputs),
                     kernel.remainder(kernel.divide(output, groupOutputs), 32)},
                    exists);
  }
  prepareDestinations();
}

/// After some blocks of 8 tokens the owners come round again, so that only
/// those of the first few are computed: what follows the last multiplication is
/// waited for by all.
void WgmmaEpilogue::prepareDestinations() {
  int64_t blockUnits = blockOutputs() / cluster->getUnit();
  int64_t period = cluster->size() / std::gcd(cluster->size(), blockUnits);
  for (int64_t block = 0; block < shares.tokens / 8; ++block) {
    if (block >= period) {
      destinations.push_back(cluster->further(
          kernel, destinations[block - period], period * blockUnits));
      continue;
    }
    OutputGroup group = ownGroup(block);
    Value output =
        kernel.add(kernel.multiply(group.tokenBlock, blockOutputs()),
                   kernel.add(kernel.multiply(group.headBlock, warpOutputs),
                              kernel.multiply(group.lane, groupOutputs)));
    destinations.push_back(cluster->destination(kernel, output));
  }
}

void WgmmaEpilogue::finish(ArrayRef<Value> sums) {
  if (cluster)
    return finishShare(sums);
  for (int64_t block = 0; block < shares.tokens / 8; ++block) {
    if (block == outputs.size())
      outputs.prepareBlocks(ownGroup(block),
                            std::min(lateBlocks, shares.tokens / 8 - block));
    outputs.finish(block, [&] {
      return SmallVector<Value>(sums.slice(block * groupOutputs, groupOutputs));
    });
  }
}

/// Sends `sums` to their owners, sums up the share of this CTA and finishes it.
void WgmmaEpilogue::finishShare(ArrayRef<Value> sums) {
  for (auto [block, destination] : llvm::enumerate(destinations))
    cluster->send(kernel, destination,
                  ValueRange(sums.slice(block * groupOutputs, groupOutputs)));
  cluster->waitForSums(kernel);
  for (int64_t round = 0; round < outputs.size(); ++round)
    outputs.finish(round, [&] {
      Value first = kernel.multiply(kernel.add(thread, round * shares.threads),
                                    groupOutputs);
      return cluster->collect(kernel, first, groupOutputs);
    });
}
