//===- BlockReduction.cpp - Sum of the threads of a CTA -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/BlockReduction.h"

#include "indexer/Codegen/GPU/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

static constexpr int64_t warpSize = 32;

BlockReduction::BlockReduction(gpu::GPUFuncOp kernel, int64_t warps,
                               int64_t outputs)
    : warps(warps) {
  MLIRContext *context = kernel.getContext();
  auto type = MemRefType::get(
      {warps, outputs}, Float32Type::get(context), MemRefLayoutAttrInterface(),
      gpu::AddressSpaceAttr::get(context, gpu::AddressSpace::Workgroup));
  buffer = kernel.addWorkgroupAttribution(type, kernel.getLoc());
}

/// The sum of `value` over the lanes of a warp, in every lane.
static Value sumOfLanes(OpBuilder &builder, Location loc, Value value) {
  for (int32_t distance = warpSize / 2; distance > 0; distance /= 2) {
    auto other = gpu::ShuffleOp::create(builder, loc, value, distance, warpSize,
                                        gpu::ShuffleMode::XOR);
    value =
        arith::AddFOp::create(builder, loc, value, other.getShuffleResult());
  }
  return value;
}

void BlockReduction::deposit(OpBuilder &builder, Location loc, Value thread,
                             ValueRange values) {
  SmallVector<Value> sums;
  for (Value value : values)
    sums.push_back(sumOfLanes(builder, loc, value));

  Value size = arith::ConstantIntOp::create(builder, loc, warpSize, 64);
  Value lane = arith::RemUIOp::create(builder, loc, thread, size);
  Value warp = arith::IndexCastOp::create(
      builder, loc, builder.getIndexType(),
      arith::DivUIOp::create(builder, loc, thread, size));
  Value isFirstLane =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, lane,
                            arith::ConstantIntOp::create(builder, loc, 0, 64));
  scf::IfOp::create(
      builder, loc, isFirstLane, [&](OpBuilder &builder, Location loc) {
        for (auto [output, sum] : llvm::enumerate(sums)) {
          Value index = arith::ConstantIndexOp::create(builder, loc, output);
          memref::StoreOp::create(builder, loc, sum, buffer,
                                  ValueRange{warp, index});
        }
        scf::YieldOp::create(builder, loc);
      });
  gpu::BarrierOp::create(builder, loc);
}

Value BlockReduction::collect(OpBuilder &builder, Location loc, Value output) {
  Value index =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), output);
  SmallVector<Value> parts;
  for (int64_t warp = 0; warp < warps; ++warp)
    parts.push_back(memref::LoadOp::create(
        builder, loc, buffer,
        ValueRange{arith::ConstantIndexOp::create(builder, loc, warp), index}));
  return KernelBuilder(builder, loc).sum(parts);
}
