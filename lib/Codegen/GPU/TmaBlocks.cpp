//===- TmaBlocks.cpp - Blocks of an operand copied by TMA -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/TmaBlocks.h"

#include "indexer/Codegen/GPU/DynamicShared.h"
#include "indexer/Codegen/GPU/StagedRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of the shared memory of a cluster.
static constexpr unsigned clusterSpace = 7;

/// The policy that createpolicy.fractional.L2::evict_last makes for all lines.
/// No op of nvvm makes policies; as a constant it is in CUTLASS
/// (TMA::CacheHintSm90 in cute/arch/copy_sm90_desc.hpp).
static constexpr int64_t evictLastPolicy = 0x14F0000000000000;

KernelParameterInfo TmaBlocks::parameter(unsigned operand, int64_t boxRows) {
  KernelParameterInfo info;
  info.kind = ParameterKind::TensorMap;
  info.index = operand;
  info.boxRows = boxRows;
  info.boxColumns = swizzleColumns;
  return info;
}

int64_t TmaBlocks::blockBytes() const { return rows * swizzleRowBytes; }

void TmaBlocks::prefetchMap(KernelBuilder &kernel) const {
  NVVM::PrefetchOp::create(kernel.builder, kernel.loc,
                           /*cacheLevel=*/NVVM::PrefetchCacheLevelAttr(),
                           /*evictPriority=*/NVVM::CacheEvictionPriorityAttr(),
                           tensorMap, /*predicate=*/Value(),
                           /*tensormap=*/kernel.builder.getUnitAttr(),
                           /*uniform=*/UnitAttr(),
                           /*in_param_space=*/UnitAttr());
}

void TmaBlocks::copy(KernelBuilder &kernel, Value target, Value row,
                     Value column, int64_t blocks, Value barrier) const {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value mask, policy;
  if (multicast > 1) {
    int64_t part = rows / multicast;
    target = sharedByte(kernel, target,
                        kernel.multiply(rank, part * swizzleRowBytes));
    row = kernel.add(row, kernel.multiply(rank, part));
    mask = arith::ConstantIntOp::create(builder, loc, (1 << multicast) - 1, 16);
  }
  if (hint == CacheHint::EvictLast)
    policy = kernel.i64(evictLastPolicy);
  auto clusterPointer =
      LLVM::LLVMPointerType::get(builder.getContext(), clusterSpace);
  for (int64_t block = 0; block < blocks; ++block) {
    Value place = sharedByte(kernel, target, kernel.i32(block * blockBytes()));
    Value coordinates[] = {kernel.add(column, block * swizzleColumns), row};
    // The address of the own CTA is an address of the cluster.
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        builder, loc,
        LLVM::AddrSpaceCastOp::create(builder, loc, clusterPointer, place),
        tensorMap, coordinates, barrier, /*im2colOffsets=*/ValueRange(), mask,
        policy, NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
        /*group=*/NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
  }
}

void TmaBlocks::prefetch(KernelBuilder &kernel, Value row, Value column,
                         int64_t blocks) const {
  for (int64_t block = 0; block < blocks; ++block) {
    Value coordinates[] = {kernel.add(column, block * swizzleColumns), row};
    NVVM::CpAsyncBulkTensorPrefetchOp::create(
        kernel.builder, kernel.loc, tensorMap, coordinates,
        /*im2colOffsets=*/ValueRange(), NVVM::TMALoadMode::TILE,
        /*l2CacheHint=*/Value());
  }
}
