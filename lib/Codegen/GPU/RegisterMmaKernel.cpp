//===- RegisterMmaKernel.cpp - Few tokens on tensor cores -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fused op in, a gpu.func out that computes it for few tokens. What limits it
// is latency, not bytes: a load from global memory takes half of its time. So
// every load is issued at once, from the start of the kernel, straight into the
// registers of mma.sync, and d is split over warps and over a cluster until all
// of it is in flight. A cluster owns tile_t x tile_h outputs; in a CTA:
//
//   load my rows of weight, prepare the barrier of the cluster
//   load my rows of x, arrive at the cluster barrier
//   load the operands of the epilogue, compute where sums go
//   wait for the cluster; multiply (MmaFragments)
//   sum over the warps (WarpReduction), send to the owners (ClusterReduction)
//   for each output that I own: sum over the cluster, epilogue, store
//
// With clusters of 1 the sum over the warps is the whole sum. Rows of x past the
// end are clamped to the last one: they are loaded, multiplied and not stored,
// and a token is one column of the mma, so nothing of them reaches another.
// Clusters that share tokens and clusters that share heads are neighbours in x
// and y of the grid; the CTAs of a cluster are neighbours in x.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/RegisterMmaKernel.h"

#include "indexer/Codegen/GPU/ClusterReduction.h"
#include "indexer/Codegen/GPU/Epilogue.h"
#include "indexer/Codegen/GPU/GlobalMemory.h"
#include "indexer/Codegen/GPU/MmaFragments.h"
#include "indexer/Codegen/GPU/WarpReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace indexer;

/// Bytes of one load: rows must start on a multiple.
static constexpr int64_t loadBytes = 16;

namespace {
/// An output of the tile that this thread finishes.
struct OwnedOutput {
  /// Number among the outputs that the CTA owns, i32.
  Value index;
  /// Place in the tensors, i64; t may lie past the end.
  Value t, h;
  /// True where the thread has such an output; null where every thread has.
  Value exists;
  /// Operands of the epilogue.
  SmallVector<Value> operands;
};

/// Emits the body of one kernel.
class RegisterMmaBuilder {
public:
  RegisterMmaBuilder(OpBuilder &builder, const FusedOp &fused,
                     ScheduleAttr schedule, const KernelArguments &arguments)
      : kernel(builder, linalg::GenericOp(fused.op).getLoc()), fused(fused),
        schedule(schedule), arguments(arguments) {}

  void build(gpu::GPUFuncOp func);

private:
  SmallVector<Value> tokenRows();
  SmallVector<Value> headRows();
  SmallVector<OwnedOutput> prepareOutputs(int64_t share);
  void sendSums(WarpReduction &warps, ClusterReduction &cluster,
                ArrayRef<ClusterReduction::Destination> destinations);
  void finish(const OwnedOutput &output, function_ref<Value(Value)> collect);
  void finishCluster(ClusterReduction &cluster,
                     ArrayRef<OwnedOutput> outputs);
  void ifTrue(Value condition, function_ref<void()> emit);
  /// True for thread `index` below `count`; null when it is for all threads.
  Value exists(Value index, int64_t round, int64_t count);

  int64_t threads() { return schedule.getThreads(); }

  KernelBuilder kernel;
  const FusedOp &fused;
  ScheduleAttr schedule;
  const KernelArguments &arguments;

  ThreadPosition position;
  /// Number of this CTA in its cluster, i32.
  Value rank;
  /// First token and head of the tile, and the last token there is; i64.
  Value firstT, firstH, lastT;
  /// First element of d of this thread, i64.
  Value firstD;
};
} // namespace

/// Emits `emit` under `condition`, or at once when it is null.
void RegisterMmaBuilder::ifTrue(Value condition, function_ref<void()> emit) {
  if (!condition)
    return emit();
  auto branch = scf::IfOp::create(kernel.builder, kernel.loc, condition);
  OpBuilder::InsertionGuard guard(kernel.builder);
  kernel.builder.setInsertionPointToStart(branch.thenBlock());
  emit();
}

Value RegisterMmaBuilder::exists(Value index, int64_t round, int64_t count) {
  return (round + 1) * threads() <= count
             ? Value()
             : kernel.lessThan(index, kernel.i32(count));
}

/// Addresses of this thread's rows of x, one for each 8 tokens.
SmallVector<Value> RegisterMmaBuilder::tokenRows() {
  SmallVector<Value> rows;
  for (int64_t block = 0; block < schedule.getTileT() / 8; ++block) {
    Value token = kernel.minimum(
        kernel.add(firstT, kernel.add(kernel.widen(position.group), block * 8)),
        lastT);
    Value indices[3] = {token, Value(), Value()};
    rows.push_back(advance(kernel.builder, kernel.loc, arguments.lhs(),
                           elementAddress(kernel.builder, kernel.loc,
                                          arguments.lhs(), indices),
                           firstD));
  }
  return rows;
}

/// Addresses of this thread's rows of weight, one for each 8 heads.
SmallVector<Value> RegisterMmaBuilder::headRows() {
  const KernelOperand &weight = arguments.rhs();
  Value indices[3] = {
      Value(), kernel.add(firstH, kernel.widen(position.group)), Value()};
  Value row = advance(
      kernel.builder, kernel.loc, weight,
      elementAddress(kernel.builder, kernel.loc, weight, indices), firstD);
  SmallVector<Value> rows;
  for (int64_t block = 0; block < schedule.getTileH() / 8; ++block)
    rows.push_back(
        block == 0
            ? row
            : advance(kernel.builder, kernel.loc, weight, row,
                      kernel.multiply(weight.strideAlong(FusedOp::hLoop),
                                      block * 8)));
  return rows;
}

/// The outputs that this thread finishes, of `share` that its CTA owns, with
/// the operands of their epilogues under way.
SmallVector<OwnedOutput> RegisterMmaBuilder::prepareOutputs(int64_t share) {
  OpBuilder &builder = kernel.builder;
  SmallVector<OwnedOutput> outputs;
  for (int64_t round = 0; round * threads() < share; ++round) {
    OwnedOutput output;
    output.index = kernel.add(position.thread, round * threads());
    output.exists = exists(output.index, round, share);
    Value number = output.index;
    if (rank)
      number = kernel.add(kernel.multiply(rank, share), number);
    output.t = kernel.add(
        firstT, kernel.widen(kernel.divide(number, schedule.getTileH())));
    output.h = kernel.add(
        firstH, kernel.widen(kernel.remainder(number, schedule.getTileH())));
    Value t = kernel.minimum(output.t, lastT);
    if (!output.exists || arguments.epilogueOperands().empty()) {
      output.operands = loadEpilogueOperands(kernel, arguments, t, output.h);
      outputs.push_back(std::move(output));
      continue;
    }
    auto branch = scf::IfOp::create(
        builder, kernel.loc, output.exists,
        [&](OpBuilder &, Location loc) {
          scf::YieldOp::create(
              builder, loc,
              loadEpilogueOperands(kernel, arguments, t, output.h));
        },
        [&](OpBuilder &, Location loc) {
          SmallVector<Value> zeros;
          for (const KernelOperand &operand : arguments.epilogueOperands())
            zeros.push_back(arith::ConstantOp::create(
                builder, loc, builder.getZeroAttr(operand.elementType)));
          scf::YieldOp::create(builder, loc, zeros);
        });
    output.operands = branch.getResults();
    outputs.push_back(std::move(output));
  }
  return outputs;
}

/// Runs the epilogue of `output` on the sum that `collect` gives for its index,
/// and stores it when its token exists.
void RegisterMmaBuilder::finish(const OwnedOutput &output,
                                function_ref<Value(Value)> collect) {
  Value isInside =
      kernel.lessThan(output.t, arguments.extents[FusedOp::tLoop]);
  if (output.exists)
    isInside = arith::AndIOp::create(kernel.builder, kernel.loc, output.exists,
                                     isInside);
  ifTrue(isInside, [&] {
    storeGate(kernel, fused, arguments, collect(output.index), output.operands,
              output.t, output.h);
  });
}

/// Sums the tile over the warps and sends each share to its owner.
void RegisterMmaBuilder::sendSums(
    WarpReduction &warps, ClusterReduction &cluster,
    ArrayRef<ClusterReduction::Destination> destinations) {
  int64_t width = cluster.sendWidth();
  for (int64_t round = 0; round < int64_t(destinations.size()); ++round) {
    Value group = kernel.add(position.thread, round * threads());
    ifTrue(exists(group, round, schedule.getOutputs() / width), [&] {
      Value output = kernel.multiply(group, width);
      cluster.send(kernel, destinations[round],
                   warps.collect(kernel, output, width));
    });
  }
}

/// Waits for the sums of all peers and finishes the outputs.
void RegisterMmaBuilder::finishCluster(ClusterReduction &cluster,
                                       ArrayRef<OwnedOutput> outputs) {
  // With one output a thread at most, the others need not wait. The first
  // thread has one in any case, and keeps the CTA alive until all has arrived.
  ifTrue(outputs.size() == 1 ? outputs.front().exists : Value(),
         [&] { cluster.waitForSums(kernel); });
  for (const OwnedOutput &output : outputs)
    finish(output,
           [&](Value index) { return cluster.collect(kernel, index); });
}

void RegisterMmaBuilder::build(gpu::GPUFuncOp func) {
  int64_t clusterSize = schedule.getCluster();
  int64_t extentD = fused.extents()[FusedOp::dLoop];
  int64_t elements = extentD / (clusterSize * schedule.getWarps());
  int64_t outputs = schedule.getOutputs();
  WarpReduction warps(kernel, func, schedule.getWarps(), schedule.getTileT(),
                      schedule.getTileH());

  position = ThreadPosition::create(kernel);
  Value block = kernel.blockNumber(0);
  Value part = position.warp;
  if (clusterSize > 1) {
    rank = kernel.remainder(block, clusterSize);
    part = kernel.add(kernel.multiply(rank, schedule.getWarps()), part);
  }
  firstH = kernel.widen(
      kernel.multiply(kernel.blockNumber(1), schedule.getTileH()));
  firstD = kernel.widen(kernel.add(kernel.multiply(part, elements),
                                   kernel.multiply(position.quad, 8)));
  OperandFragments weight = OperandFragments::load(
      kernel, arguments.rhs(), headRows(), elements / mmaStep);

  std::optional<ClusterReduction> cluster;
  if (clusterSize > 1) {
    cluster.emplace(kernel, func, clusterSize, outputs, rank);
    cluster->initialize(kernel, position.thread, threads() - 32);
  }
  firstT = kernel.multiply(kernel.widen(kernel.divide(block, clusterSize)),
                           schedule.getTileT());
  lastT = kernel.add(arguments.extents[FusedOp::tLoop], -1);
  OperandFragments x = OperandFragments::load(
      kernel, arguments.lhs(), tokenRows(), elements / mmaStep);
  if (cluster)
    cluster->arrive(kernel);

  int64_t share = cluster ? cluster->share() : outputs;
  SmallVector<OwnedOutput> owned = prepareOutputs(share);
  SmallVector<ClusterReduction::Destination> destinations;
  if (cluster) {
    int64_t width = cluster->sendWidth();
    for (int64_t first = 0; first < outputs / width; first += threads()) {
      Value output =
          kernel.multiply(kernel.add(position.thread, first), width);
      // Threads without outputs compute an address that is not used, of a CTA
      // that exists.
      destinations.push_back(
          cluster->destination(kernel, kernel.remainder(output, outputs)));
    }
    cluster->waitForPeers(kernel);
  }

  MmaSums sums = multiplyFragments(kernel, arguments.lhs().elementType, weight,
                                   x);
  warps.deposit(kernel, position, sums);
  if (cluster) {
    sendSums(warps, *cluster, destinations);
    finishCluster(*cluster, owned);
    return;
  }
  for (const OwnedOutput &output : owned)
    finish(output, [&](Value index) {
      return warps.collect(kernel, index, 1).front();
    });
}

KernelLaunchInfo indexer::buildRegisterMmaKernel(gpu::GPUModuleOp module,
                                                 StringRef name,
                                                 const FusedOp &fused,
                                                 ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  gpu::GPUFuncOp func = createKernel(builder, module, name, fused,
                                     schedule.getThreads(), arguments);
  int64_t cluster = schedule.getCluster();
  if (cluster > 1)
    func.setKnownClusterSize(ArrayRef<int32_t>{int32_t(cluster), 1, 1});
  RegisterMmaBuilder(builder, fused, schedule, arguments).build(func);

  KernelLaunchInfo launch;
  launch.kernel = name.str();
  launch.family = stringifyFamily(schedule.getFamily()).str();
  launch.maxTokens = schedule.getMaxTokens();
  launch.tileT = schedule.getTileT();
  launch.tileH = schedule.getTileH();
  launch.split = cluster;
  launch.threads = schedule.getThreads();
  launch.cluster = cluster;
  launch.alignment = loadBytes;
  launch.parameters = std::move(arguments.parameters);
  return launch;
}
