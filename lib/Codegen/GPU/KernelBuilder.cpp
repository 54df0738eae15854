//===- KernelBuilder.cpp - Ops of a kernel body ---------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

Value KernelBuilder::i32(int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, value, 32);
}

Value KernelBuilder::i64(int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, value, 64);
}

Value KernelBuilder::constantLike(Value like, int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, like.getType(), value);
}

Value KernelBuilder::add(Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(loc, a, b);
}

Value KernelBuilder::multiply(Value a, Value b) {
  return builder.createOrFold<arith::MulIOp>(loc, a, b);
}

Value KernelBuilder::divide(Value a, int64_t divisor) {
  return builder.createOrFold<arith::DivUIOp>(loc, a, constantLike(a, divisor));
}

Value KernelBuilder::remainder(Value a, int64_t divisor) {
  return builder.createOrFold<arith::RemUIOp>(loc, a, constantLike(a, divisor));
}

Value KernelBuilder::minimum(Value a, Value b) {
  return arith::MinSIOp::create(builder, loc, a, b);
}

Value KernelBuilder::lessThan(Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, b);
}

Value KernelBuilder::equal(Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b);
}

Value KernelBuilder::add(Value a, int64_t b) {
  return b == 0 ? a : add(a, constantLike(a, b));
}

Value KernelBuilder::multiply(Value a, int64_t b) {
  return b == 1 ? a : multiply(a, constantLike(a, b));
}

Value KernelBuilder::widen(Value value) {
  return arith::ExtUIOp::create(builder, loc, builder.getI64Type(), value);
}

/// `index` as i32.
static Value toI32(KernelBuilder &kernel, Value index) {
  return arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                    kernel.builder.getI32Type(), index);
}

Value KernelBuilder::threadNumber() {
  return toI32(*this, gpu::ThreadIdOp::create(builder, loc, gpu::Dimension::x));
}

Value KernelBuilder::blockNumber(unsigned dimension) {
  return toI32(*this,
               gpu::BlockIdOp::create(builder, loc, gpu::Dimension(dimension)));
}

void KernelBuilder::ifTrue(Value condition, function_ref<void()> emit) {
  if (!condition)
    return emit();
  auto branch = scf::IfOp::create(builder, loc, condition);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  emit();
}

Value KernelBuilder::sum(ArrayRef<Value> terms) {
  SmallVector<Value> chains(terms.take_front(4));
  for (size_t term = chains.size(); term < terms.size(); ++term)
    chains[term % 4] =
        arith::AddFOp::create(builder, loc, chains[term % 4], terms[term]);
  return sumPairs(chains);
}

Value KernelBuilder::sumPairs(ArrayRef<Value> terms) {
  SmallVector<Value> sums(terms);
  while (sums.size() > 1) {
    SmallVector<Value> pairs;
    for (size_t i = 0; i < sums.size(); i += 2)
      pairs.push_back(i + 1 == sums.size()
                          ? sums[i]
                          : Value(arith::AddFOp::create(builder, loc, sums[i],
                                                        sums[i + 1])));
    sums = pairs;
  }
  return sums.front();
}
