//===- WgmmaTile.cpp - wgmma on blocks in shared memory -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/WgmmaTile.h"

#include "indexer/Codegen/GPU/DynamicShared.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace indexer;

/// Columns that one instruction consumes.
static constexpr int64_t wgmmaColumns = 16;

/// Descriptors count in units of 16 bytes.
static constexpr int64_t descriptorUnit = 16;

TileShares::TileShares(ScheduleAttr schedule, int64_t threads)
    : tileT(schedule.getTileT()), tileH(schedule.getTileH()), threads(threads),
      tokens(tileT * tileH * warpgroupThreads / (wgmmaHeads * threads)) {}

/// The low half of the descriptor of the matrix at `address` (!llvm.ptr<3>),
/// i32: K-major with the 128-byte swizzle, 8 rows every 1024 bytes (PTX ISA,
/// "Matrix Descriptor Format": bits 0-13 address, 16-29 leading offset, unused
/// here, 32-45 stride offset, 62-63 swizzle). All that differs is in this half.
Value WgmmaTile::descriptor(Value address) {
  OpBuilder &builder = kernel.builder;
  Value number = LLVM::PtrToIntOp::create(builder, kernel.loc,
                                          builder.getI32Type(), address);
  return kernel.add(kernel.divide(number, descriptorUnit), int64_t(1) << 16);
}

/// The whole descriptor of which `low` is the low half; i64.
static Value wholeDescriptor(KernelBuilder &kernel, Value low) {
  constexpr int64_t high = int64_t(1024 / descriptorUnit) << 32 | int64_t(1)
                                                                      << 62;
  return arith::OrIOp::create(kernel.builder, kernel.loc, kernel.widen(low),
                              kernel.i64(high));
}

Value WgmmaTile::start(const Stage &stage, int64_t firstBlock, int64_t count,
                       Value accumulators) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  MLIRContext *context = builder.getContext();
  Type type = LLVM::LLVMStructType::getLiteral(
      context, SmallVector<Type>(sums(), builder.getF32Type()));
  auto ownRows = [&](Value address, int64_t rows) {
    return sharedByte(kernel, address,
                      kernel.multiply(warpgroup, rows * swizzleRowBytes));
  };
  Value heads = descriptor(
      shares.divideHeads() ? ownRows(stage.heads, wgmmaHeads) : stage.heads);
  Value tokens =
      descriptor(shares.divideHeads() ? stage.tokens
                                      : ownRows(stage.tokens, shares.tokens));
  NVVM::WGMMATypes operandType =
      elementType.isBF16() ? NVVM::WGMMATypes::bf16 : NVVM::WGMMATypes::f16;
  auto shape = NVVM::MMAShapeAttr::get(context, 64, int(shares.tokens),
                                       int(wgmmaColumns));

  NVVM::WgmmaFenceAlignedOp::create(builder, loc);
  // The first instruction of a chain does not read what it is given.
  bool isFirst = !accumulators;
  if (isFirst)
    accumulators = LLVM::UndefOp::create(builder, loc, type);
  for (int64_t block = firstBlock; block < firstBlock + count; ++block)
    for (int64_t column = 0; column < swizzleColumns; column += wgmmaColumns) {
      auto offset = [&](int64_t rows) {
        return (block * rows * swizzleRowBytes + column * 2) / descriptorUnit;
      };
      accumulators = NVVM::WgmmaMmaAsyncOp::create(
          builder, loc, type, accumulators,
          wholeDescriptor(kernel, kernel.add(heads, offset(shares.tileH))),
          wholeDescriptor(kernel, kernel.add(tokens, offset(shares.tileT))),
          shape, operandType, operandType, NVVM::WGMMATypes::f32,
          isFirst ? NVVM::WGMMAScaleOut::zero : NVVM::WGMMAScaleOut::one,
          NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
          NVVM::MMALayout::row, NVVM::MMALayout::col,
          /*satfinite=*/NVVM::MMAIntOverflowAttr());
      isFirst = false;
    }
  NVVM::WgmmaGroupSyncAlignedOp::create(builder, loc);
  return accumulators;
}

SmallVector<Value> WgmmaTile::finish(Value accumulators) {
  NVVM::WgmmaWaitGroupSyncOp::create(kernel.builder, kernel.loc, 0);
  SmallVector<Value> values;
  for (int64_t i = 0; i < sums(); ++i)
    values.push_back(LLVM::ExtractValueOp::create(kernel.builder, kernel.loc,
                                                  accumulators, i));
  return values;
}

void indexer::addTo(KernelBuilder &kernel, MutableArrayRef<Value> sums,
                    ValueRange terms) {
  for (auto [sum, term] : llvm::zip_equal(sums, terms))
    sum = arith::AddFOp::create(kernel.builder, kernel.loc, sum, term);
}
