//===- DynamicShared.cpp - Dynamic shared memory of a kernel --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/DynamicShared.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of shared memory of the own CTA.
static constexpr unsigned sharedSpace = 3;

Value indexer::addDynamicShared(KernelBuilder &kernel, gpu::GPUFuncOp func,
                                StringRef name, int64_t alignment) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  std::string symbol = (func.getName() + "_" + name).str();
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(func);
    LLVM::GlobalOp::create(builder, loc,
                           LLVM::LLVMArrayType::get(builder.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External,
                           symbol, Attribute(), /*alignment=*/16, sharedSpace);
  }
  Type type = LLVM::LLVMPointerType::get(builder.getContext(), sharedSpace);
  Value start = LLVM::AddressOfOp::create(builder, loc, type, symbol);
  Value number =
      LLVM::PtrToIntOp::create(builder, loc, builder.getI32Type(), start);
  Value aligned = arith::AndIOp::create(
      builder, loc, kernel.add(number, alignment - 1), kernel.i32(-alignment));
  return LLVM::IntToPtrOp::create(builder, loc, type, aligned);
}

Value indexer::sharedByte(KernelBuilder &kernel, Value address, Value offset) {
  return LLVM::GEPOp::create(kernel.builder, kernel.loc, address.getType(),
                             kernel.builder.getI8Type(), address,
                             ValueRange{offset});
}
