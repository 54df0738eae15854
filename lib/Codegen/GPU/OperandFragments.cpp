//===- OperandFragments.cpp - Rows of an operand in registers -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/OperandFragments.h"

#include "indexer/Codegen/GPU/GlobalMemory.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace indexer;

/// Loads 16 bytes that no thread writes and no thread of this SM reads again:
/// past L1, which only costs time (no op of nvvm says that). What a kernel
/// before this one may still have written after the start of this one is not
/// constant, and may not be read through the path of constant data (.nc). ptxas
/// also moves such loads freely, behind the wait that they should come before.
static void loadOnce(KernelBuilder &kernel, Value address, bool isConstant,
                     SmallVectorImpl<Value> &registers) {
  SmallVector<Type> types(4, kernel.builder.getI32Type());
  auto load = NVVM::InlinePtxOp::create(
      kernel.builder, kernel.loc, types, /*readOnlyArgs=*/ValueRange{address},
      /*readWriteArgs=*/ValueRange{},
      isConstant ? "ld.global.nc.L1::no_allocate.v4.b32 "
                   "{{$w0}, {$w1}, {$w2}, {$w3}}, [{$r0}];"
                 : "ld.global.L1::no_allocate.v4.b32 "
                   "{{$w0}, {$w1}, {$w2}, {$w3}}, [{$r0}];",
      /*predicate=*/Value());
  llvm::append_range(registers, load.getResults());
}

/// The address of step `step` of the row at `row`.
static Value stepAddress(KernelBuilder &kernel, const KernelOperand &operand,
                         Value row, int64_t step, int64_t distance) {
  return step == 0 ? row
                   : advance(kernel.builder, kernel.loc, operand, row,
                             kernel.i64(step * distance));
}

OperandFragments OperandFragments::load(KernelBuilder &kernel,
                                        const KernelOperand &operand,
                                        ArrayRef<Value> rows, int64_t steps,
                                        int64_t distance, bool isConstant) {
  OperandFragments fragments;
  fragments.rows = rows.size();
  fragments.steps = steps;
  fragments.elementType = operand.elementType;
  for (int64_t step = 0; step < steps; ++step)
    for (Value row : rows)
      loadOnce(kernel, stepAddress(kernel, operand, row, step, distance),
               isConstant, fragments.registers);
  return fragments;
}

void OperandFragments::prefetch(KernelBuilder &kernel,
                                const KernelOperand &operand,
                                ArrayRef<Value> rows, int64_t steps,
                                int64_t distance) {
  auto level = NVVM::PrefetchCacheLevelAttr::get(kernel.builder.getContext(),
                                                 NVVM::PrefetchCacheLevel::L2);
  for (int64_t step = 0; step < steps; ++step)
    for (Value row : rows)
      NVVM::PrefetchOp::create(
          kernel.builder, kernel.loc, level,
          /*evictPriority=*/NVVM::CacheEvictionPriorityAttr(),
          stepAddress(kernel, operand, row, step, distance),
          /*predicate=*/Value(), /*tensormap=*/UnitAttr(),
          /*uniform=*/UnitAttr(), /*in_param_space=*/UnitAttr());
}

Value OperandFragments::element(KernelBuilder &kernel, int64_t step,
                                int64_t row, int64_t element) const {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value pair = get(step, row, element / 2);
  Type f32 = builder.getF32Type();
  if (elementType.isBF16()) {
    // The upper half of an f32: one instruction, where the conversion of a
    // half of a register takes two.
    Value bits =
        element % 2 == 0
            ? Value(arith::ShLIOp::create(builder, loc, pair, kernel.i32(16)))
            : Value(arith::AndIOp::create(builder, loc, pair,
                                          kernel.i32(int32_t(0xFFFF0000))));
    return arith::BitcastOp::create(builder, loc, f32, bits);
  }
  Value halves = LLVM::BitcastOp::create(
      builder, loc, VectorType::get({2}, elementType), pair);
  Value half = LLVM::ExtractElementOp::create(builder, loc, halves,
                                              kernel.i32(element % 2));
  return arith::ExtFOp::create(builder, loc, f32, half);
}
