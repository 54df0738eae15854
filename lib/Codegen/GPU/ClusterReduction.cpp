//===- ClusterReduction.cpp - Sum of the CTAs of a cluster ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/ClusterReduction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of the shared memory of a cluster.
static constexpr unsigned clusterSpace = 7;

ClusterReduction::ClusterReduction(KernelBuilder &kernel, gpu::GPUFuncOp func,
                                   int64_t cluster, int64_t outputs, Value rank)
    : cluster(cluster), outputs(outputs), rank(rank) {
  OpBuilder &builder = kernel.builder;
  buffer =
      addSharedVariable(kernel, func, "received",
                        LLVM::LLVMArrayType::get(builder.getF32Type(), outputs),
                        /*alignment=*/16);
  barrier = addSharedVariable(kernel, func, "arrived", builder.getI64Type(),
                              /*alignment=*/8);
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
  return arith::CmpIOp::create(kernel.builder, kernel.loc,
                               arith::CmpIPredicate::eq, thread, kernel.i32(0));
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
    NVVM::MBarrierArriveExpectTxOp::create(
        kernel.builder, kernel.loc, /*res=*/Type(), barrier,
        kernel.i32(outputs * int64_t(sizeof(float))), NVVM::MemScopeKind::CTA,
        /*relaxed=*/false, /*predicate=*/Value());
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
  Value owner = kernel.divide(output, share());
  Value index = kernel.add(kernel.multiply(rank, share()),
                           kernel.remainder(output, share()));
  return {mapToPeer(kernel, sharedElement(kernel, buffer, index), owner),
          mapToPeer(kernel, barrier, owner)};
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
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value phase = kernel.i32(0);
  scf::WhileOp::create(
      builder, loc, TypeRange(), ValueRange(),
      [&](OpBuilder &builder, Location loc, ValueRange) {
        Value isDone = NVVM::MBarrierTryWaitOp::create(
            builder, loc, builder.getI1Type(), barrier, phase,
            /*ticks=*/Value(), NVVM::MemScopeKind::CLUSTER, /*relaxed=*/false);
        Value isMissing = arith::XOrIOp::create(
            builder, loc, isDone,
            arith::ConstantIntOp::create(builder, loc, 1, 1));
        scf::ConditionOp::create(builder, loc, isMissing, ValueRange());
      },
      [&](OpBuilder &builder, Location loc, ValueRange) {
        scf::YieldOp::create(builder, loc);
      });
}

Value ClusterReduction::collect(KernelBuilder &kernel, Value index) {
  Value base = sharedElement(kernel, buffer, index);
  SmallVector<Value> terms;
  for (int64_t peer = 0; peer < cluster; ++peer)
    llvm::append_range(
        terms,
        loadShared(kernel,
                   sharedElement(kernel, base, kernel.i32(peer * share())), 1));
  return kernel.sumPairs(terms);
}
