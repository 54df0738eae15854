//===- OperandFragments.cpp - Rows of an operand in registers -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/OperandFragments.h"

#include "indexer/Codegen/GPU/GlobalMemory.h"

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
  Value pair = LLVM::BitcastOp::create(kernel.builder, kernel.loc,
                                       VectorType::get({2}, elementType),
                                       get(step, row, element / 2));
  return LLVM::ExtractElementOp::create(kernel.builder, kernel.loc, pair,
                                        kernel.i32(element % 2));
}
