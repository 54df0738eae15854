//===- ClusterReduction.cpp - Sum of the CTAs of a cluster ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/ClusterReduction.h"

#include "indexer/Codegen/GPU/Mbarrier.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of the shared memory of a cluster.
static constexpr unsigned clusterSpace = 7;

ClusterReduction::ClusterReduction(KernelBuilder &kernel, gpu::GPUFuncOp func,
                                   int64_t cluster, int64_t outputs,
                                   int64_t unit, Value rank, Value buffer)
    : cluster(cluster), outputs(outputs), unit(unit), rank(rank),
      buffer(buffer) {
  OpBuilder &builder = kernel.builder;
  if (!buffer)
    this->buffer = addSharedVariable(
        kernel, func, "received",
        LLVM::LLVMArrayType::get(builder.getF32Type(), share() * cluster),
        /*alignment=*/16);
  barrier = addSharedVariable(kernel, func, "arrived", builder.getI64Type(),
                              /*alignment=*/8);
}

int64_t ClusterReduction::slots() const {
  return llvm::divideCeil(outputs / unit, cluster);
}

Value ClusterReduction::ownedOutput(KernelBuilder &kernel, Value index) const {
  if (slots() == 1)
    return kernel.add(kernel.multiply(rank, unit), index);
  Value owned =
      kernel.add(kernel.multiply(kernel.divide(index, unit), cluster), rank);
  return kernel.add(kernel.multiply(owned, unit),
                    kernel.remainder(index, unit));
}

Value ClusterReduction::placeOf(KernelBuilder &kernel, Value index,
                                Value source) const {
  // With one slot the index is the place in it.
  if (slots() == 1)
    return kernel.add(kernel.multiply(source, unit), index);
  Value slot = kernel.multiply(kernel.divide(index, unit), cluster);
  return kernel.add(kernel.multiply(kernel.add(slot, source), unit),
                    kernel.remainder(index, unit));
}

int64_t ClusterReduction::sendWidth() const {
  // Few outputs are better spread over more threads.
  if (outputs >= 1024 && share() % 4 == 0)
    return 4;
  return outputs >= 512 && share() % 2 == 0 ? 2 : 1;
}

/// True in the first of the threads `thread`, which owns an output: it waits
/// for the barrier that it prepares.
static Value isFirst(KernelBuilder &kernel, Value thread) {
  return kernel.equal(thread, kernel.i32(0));
}

void ClusterReduction::initialize(KernelBuilder &kernel, Value thread) {
  kernel.ifTrue(isFirst(kernel, thread), [&] {
    NVVM::MBarrierInitOp::create(kernel.builder, kernel.loc, barrier,
                                 kernel.i32(1), Value());
    NVVM::FenceMbarrierInitOp::create(kernel.builder, kernel.loc);
  });
}

void ClusterReduction::arrive(KernelBuilder &kernel) {
  NVVM::ClusterArriveRelaxedOp::create(kernel.builder, kernel.loc,
                                       kernel.builder.getUnitAttr());
}

void ClusterReduction::waitForPeers(KernelBuilder &kernel, Value thread) {
  NVVM::ClusterWaitOp::create(kernel.builder, kernel.loc,
                              kernel.builder.getUnitAttr());
  // Bytes of a peer that is faster count already: until this arrival, the phase
  // cannot end.
  kernel.ifTrue(isFirst(kernel, thread), [&] {
    int64_t unitBytes = cluster * unit * int64_t(sizeof(float));
    Value bytes = kernel.i32(slots() * unitBytes);
    if (isUneven()) {
      // The CTAs behind the last one with a unit in the last slot.
      int64_t full = outputs / unit % cluster;
      bytes = arith::SelectOp::create(
          kernel.builder, kernel.loc, kernel.lessThan(rank, kernel.i32(full)),
          bytes, kernel.i32((slots() - 1) * unitBytes));
    }
    NVVM::MBarrierArriveExpectTxOp::create(
        kernel.builder, kernel.loc, /*res=*/Type(), barrier, bytes,
        NVVM::MemScopeKind::CTA, /*relaxed=*/false, /*predicate=*/Value());
  });
}

/// 32-bit address of what the CTA `owner` has at `address`.
static Value mapToPeer(KernelBuilder &kernel, Value address, Value owner) {
  OpBuilder &builder = kernel.builder;
  auto type = LLVM::LLVMPointerType::get(builder.getContext(), clusterSpace);
  Value peer = NVVM::MapaOp::create(builder, kernel.loc, type, address, owner);
  return LLVM::PtrToIntOp::create(builder, kernel.loc, builder.getI32Type(),
                                  peer);
}

ClusterReduction::Destination
ClusterReduction::destination(KernelBuilder &kernel, Value output) {
  Value number = kernel.divide(output, unit);
  Value owner = number, index = kernel.remainder(output, unit);
  if (slots() > 1) {
    owner = kernel.remainder(number, cluster);
    index = kernel.add(kernel.multiply(kernel.divide(number, cluster), unit),
                       index);
  }
  Value place = placeOf(kernel, index, rank);
  return {mapToPeer(kernel, sharedElement(kernel, buffer, place), owner),
          mapToPeer(kernel, barrier, owner)};
}

ClusterReduction::Destination
ClusterReduction::further(KernelBuilder &kernel, const Destination &destination,
                          int64_t units) {
  // A slot has a unit of each CTA.
  return {kernel.add(destination.data, units * unit * int64_t(sizeof(float))),
          destination.barrier};
}

void ClusterReduction::send(KernelBuilder &kernel,
                            const Destination &destination, ValueRange sums) {
  // No op of nvvm stores asynchronously.
  static constexpr llvm::StringLiteral code[] = {
      "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.f32 "
      "[{$r0}], {$r2}, [{$r1}];",
      "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 "
      "[{$r0}], {{$r2}, {$r3}}, [{$r1}];",
      "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 "
      "[{$r0}], {{$r2}, {$r3}, {$r4}, {$r5}}, [{$r1}];"};
  SmallVector<Value> operands = {destination.data, destination.barrier};
  llvm::append_range(operands, sums);
  NVVM::InlinePtxOp::create(kernel.builder, kernel.loc, TypeRange(), operands,
                            /*readWriteArgs=*/ValueRange{},
                            code[sums.size() / 2], /*predicate=*/Value());
}

void ClusterReduction::waitForSums(KernelBuilder &kernel) {
  waitForPhase(kernel, barrier, kernel.i32(0), NVVM::MemScopeKind::CLUSTER);
}

SmallVector<Value> ClusterReduction::collect(KernelBuilder &kernel, Value index,
                                             int64_t width) {
  Value base =
      sharedElement(kernel, buffer, placeOf(kernel, index, kernel.i32(0)));
  SmallVector<SmallVector<Value>> terms(width);
  for (int64_t peer = 0; peer < cluster; ++peer) {
    Value part = sharedElement(kernel, base, kernel.i32(peer * unit));
    for (auto [output, value] :
         llvm::enumerate(loadShared(kernel, part, width)))
      terms[output].push_back(value);
  }
  return llvm::map_to_vector(
      terms, [&](ArrayRef<Value> all) { return kernel.sumPairs(all); });
}
