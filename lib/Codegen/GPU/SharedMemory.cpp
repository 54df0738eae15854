//===- SharedMemory.cpp - Static shared memory of a kernel ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/SharedMemory.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of shared memory of the own CTA.
static constexpr unsigned sharedSpace = 3;

Value indexer::addSharedVariable(KernelBuilder &kernel, gpu::GPUFuncOp func,
                                 StringRef name, Type type, int64_t alignment) {
  OpBuilder &builder = kernel.builder;
  std::string symbol = (func.getName() + "_" + name).str();
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(func);
    LLVM::GlobalOp::create(builder, kernel.loc, type, /*isConstant=*/false,
                           LLVM::Linkage::Internal, symbol, Attribute(),
                           alignment, sharedSpace);
  }
  return LLVM::AddressOfOp::create(
      builder, kernel.loc,
      LLVM::LLVMPointerType::get(builder.getContext(), sharedSpace), symbol);
}

Value indexer::sharedElement(KernelBuilder &kernel, Value base, Value index) {
  return LLVM::GEPOp::create(kernel.builder, kernel.loc, base.getType(),
                             kernel.builder.getF32Type(), base,
                             ValueRange{index});
}

SmallVector<Value> indexer::loadShared(KernelBuilder &kernel, Value address,
                                       int64_t width) {
  OpBuilder &builder = kernel.builder;
  Type f32 = builder.getF32Type();
  if (width == 1)
    return {LLVM::LoadOp::create(builder, kernel.loc, f32, address)};
  Value vector =
      LLVM::LoadOp::create(builder, kernel.loc, VectorType::get({width}, f32),
                           address, unsigned(width * 4));
  SmallVector<Value> elements;
  for (int64_t i = 0; i < width; ++i)
    elements.push_back(LLVM::ExtractElementOp::create(builder, kernel.loc,
                                                      vector, kernel.i32(i)));
  return elements;
}
