//===- GlobalMemory.cpp - Elements of operands in global memory -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/GlobalMemory.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace indexer;

Value indexer::advance(OpBuilder &builder, Location loc,
                       const KernelOperand &operand, Value address,
                       Value offset) {
  return LLVM::GEPOp::create(builder, loc, address.getType(),
                             operand.elementType, address, ValueRange{offset});
}

Value indexer::elementAddress(OpBuilder &builder, Location loc,
                              const KernelOperand &operand,
                              ArrayRef<Value> indices) {
  Value offset;
  for (auto [dim, stride] : llvm::enumerate(operand.strides)) {
    Value index = indices[operand.map.getDimPosition(dim)];
    if (!index)
      continue;
    Value term = arith::MulIOp::create(builder, loc, index, stride);
    offset = offset ? Value(arith::AddIOp::create(builder, loc, offset, term))
                    : term;
  }
  return offset ? advance(builder, loc, operand, operand.pointer, offset)
                : operand.pointer;
}

SmallVector<Value> indexer::loadElements(OpBuilder &builder, Location loc,
                                         const KernelOperand &operand,
                                         Value address, int64_t width) {
  if (width == 1)
    return {LLVM::LoadOp::create(builder, loc, operand.elementType, address)};
  Value vector = LLVM::LoadOp::create(
      builder, loc, VectorType::get({width}, operand.elementType), address,
      unsigned(width * elementBytes(operand)));
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i) {
    Value index = arith::ConstantIntOp::create(builder, loc, i, 32);
    elements.push_back(
        LLVM::ExtractElementOp::create(builder, loc, vector, index));
  }
  return elements;
}

void indexer::storeElement(OpBuilder &builder, Location loc, Value value,
                           Value address) {
  LLVM::StoreOp::create(builder, loc, value, address);
}

int64_t indexer::elementBytes(const KernelOperand &operand) {
  return operand.elementType.getIntOrFloatBitWidth() / 8;
}
