//===- MbarrierRing.cpp - Stages handed over by mbarriers -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/MbarrierRing.h"

#include "indexer/Codegen/GPU/Mbarrier.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of the shared memory of a cluster.
static constexpr unsigned clusterSpace = 7;

/// Barrier `number` (i32) of those that start at `barriers`.
static Value barrierAt(KernelBuilder &kernel, Value barriers, Value number) {
  return LLVM::GEPOp::create(kernel.builder, kernel.loc, barriers.getType(),
                             kernel.builder.getI64Type(), barriers,
                             ValueRange{number});
}

MbarrierRing::MbarrierRing(KernelBuilder &kernel, gpu::GPUFuncOp func,
                           int64_t stages, int64_t consumers, int64_t multicast)
    : count(stages), consumers(consumers), multicast(multicast) {
  auto type = LLVM::LLVMArrayType::get(kernel.builder.getI64Type(), stages);
  fullBarriers = addSharedVariable(kernel, func, "full", type, 8);
  emptyBarriers = addSharedVariable(kernel, func, "empty", type, 8);
}

void MbarrierRing::initializeFull(KernelBuilder &kernel, int64_t stage) {
  NVVM::MBarrierInitOp::create(
      kernel.builder, kernel.loc,
      barrierAt(kernel, fullBarriers, kernel.i32(stage)), kernel.i32(1),
      /*predicate=*/Value());
  NVVM::FenceMbarrierInitOp::create(kernel.builder, kernel.loc);
}

void MbarrierRing::initializeEmpty(KernelBuilder &kernel) {
  for (int64_t stage = 0; stage < count; ++stage)
    NVVM::MBarrierInitOp::create(
        kernel.builder, kernel.loc,
        barrierAt(kernel, emptyBarriers, kernel.i32(stage)),
        kernel.i32(consumers * multicast), /*predicate=*/Value());
  NVVM::FenceMbarrierInitOp::create(kernel.builder, kernel.loc);
}

RingPosition MbarrierRing::first(KernelBuilder &kernel) const {
  return {kernel.i32(0), kernel.i32(0)};
}

RingPosition MbarrierRing::next(KernelBuilder &kernel,
                                const RingPosition &position) const {
  OpBuilder &builder = kernel.builder;
  Value stage = kernel.add(position.stage, 1);
  Value isRound = kernel.equal(stage, kernel.i32(count));
  Value flipped = arith::XOrIOp::create(builder, kernel.loc, position.parity,
                                        kernel.i32(1));
  return {arith::SelectOp::create(builder, kernel.loc, isRound, kernel.i32(0),
                                  stage),
          arith::SelectOp::create(builder, kernel.loc, isRound, flipped,
                                  position.parity)};
}

Value MbarrierRing::full(KernelBuilder &kernel, Value stage) const {
  return barrierAt(kernel, fullBarriers, stage);
}

void MbarrierRing::expect(KernelBuilder &kernel, Value stage, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(
      kernel.builder, kernel.loc, /*res=*/Type(), full(kernel, stage),
      kernel.i32(bytes), NVVM::MemScopeKind::CTA, /*relaxed=*/false,
      /*predicate=*/Value());
}

void MbarrierRing::waitForEmpty(KernelBuilder &kernel,
                                const RingPosition &position) {
  Value before = arith::XOrIOp::create(kernel.builder, kernel.loc,
                                       position.parity, kernel.i32(1));
  waitForPhase(kernel, barrierAt(kernel, emptyBarriers, position.stage), before,
               NVVM::MemScopeKind::CTA);
}

void MbarrierRing::waitForFull(KernelBuilder &kernel,
                               const RingPosition &position) {
  waitForPhase(kernel, full(kernel, position.stage), position.parity,
               NVVM::MemScopeKind::CTA);
}

void MbarrierRing::release(KernelBuilder &kernel, const RingPosition &position,
                           Value lane) {
  OpBuilder &builder = kernel.builder;
  Value barrier = barrierAt(kernel, emptyBarriers, position.stage);
  if (multicast == 1) {
    kernel.ifTrue(kernel.equal(lane, kernel.i32(0)), [&] {
      NVVM::MBarrierArriveOp::create(builder, kernel.loc, builder.getI64Type(),
                                     barrier, /*count=*/Value(),
                                     NVVM::MemScopeKind::CTA,
                                     /*relaxed=*/false);
    });
    return;
  }
  // One lane for each CTA. What was read was read by wgmma, which has ended;
  // nothing was written that the peers would have to see. A release at the
  // scope of the cluster would wait for all memory of the GPU, 0.6 us each
  // time.
  kernel.ifTrue(kernel.lessThan(lane, kernel.i32(multicast)), [&] {
    auto type = LLVM::LLVMPointerType::get(builder.getContext(), clusterSpace);
    Value peer = NVVM::MapaOp::create(builder, kernel.loc, type, barrier, lane);
    NVVM::MBarrierArriveOp::create(builder, kernel.loc, /*res=*/Type(), peer,
                                   /*count=*/Value(),
                                   NVVM::MemScopeKind::CLUSTER,
                                   /*relaxed=*/true);
  });
}
