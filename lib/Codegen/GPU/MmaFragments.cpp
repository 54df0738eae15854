//===- MmaFragments.cpp - mma.sync on operands in registers ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/MmaFragments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace indexer;

ThreadPosition ThreadPosition::create(KernelBuilder &kernel) {
  ThreadPosition position;
  position.thread = kernel.threadNumber();
  position.warp = kernel.divide(position.thread, 32);
  Value lane = kernel.remainder(position.thread, 32);
  position.group = kernel.divide(lane, 4);
  position.quad = kernel.remainder(lane, 4);
  return position;
}

namespace {
/// Emits the instructions on fragments of one element type.
class Multiplier {
public:
  Multiplier(KernelBuilder &kernel, Type elementType)
      : kernel(kernel), isBF16(elementType.isBF16()), zero(kernel.i32(0)),
        result(LLVM::LLVMStructType::getLiteral(
            kernel.builder.getContext(),
            SmallVector<Type>(4, kernel.builder.getF32Type()))) {}

  /// d = a * b + d.
  void multiply(ArrayRef<Value> a, ArrayRef<Value> b,
                MutableArrayRef<Value> d) {
    NVVM::MMATypes type = isBF16 ? NVVM::MMATypes::bf16 : NVVM::MMATypes::f16;
    Value product = NVVM::MmaOp::create(
        kernel.builder, kernel.loc, result, operands(a), operands(b),
        ValueRange(d), ArrayRef<int64_t>{16, 8, 16}, std::nullopt, std::nullopt,
        std::array<NVVM::MMATypes, 2>{type, type},
        std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                       NVVM::MMALayout::col});
    for (auto [part, value] : llvm::enumerate(d))
      value = LLVM::ExtractValueOp::create(kernel.builder, kernel.loc, product,
                                           int64_t(part));
  }

  KernelBuilder &kernel;
  bool isBF16;
  Value zero;

private:
  /// The op takes bf16 as i32 and f16 as vectors.
  SmallVector<Value> operands(ArrayRef<Value> registers) {
    SmallVector<Value> values(registers);
    if (isBF16)
      return values;
    Type pair = VectorType::get({2}, kernel.builder.getF16Type());
    for (Value &value : values)
      value = LLVM::BitcastOp::create(kernel.builder, kernel.loc, pair, value);
    return values;
  }

  Type result;
};
} // namespace

MmaSums indexer::multiplyFragments(KernelBuilder &kernel, Type elementType,
                                   const OperandFragments &heads,
                                   const OperandFragments &tokens) {
  Multiplier multiplier(kernel, elementType);
  bool isHalf = heads.rows == 1;
  Value zero = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                         kernel.builder.getF32FloatAttr(0.0f));
  MmaSums sums = {isHalf ? 1 : heads.rows / 2, tokens.rows, {}};
  sums.values.assign(sums.headBlocks * sums.tokenBlocks * 4, zero);

  for (int64_t step = 0; step < heads.steps; ++step)
    for (int64_t m = 0; m < sums.headBlocks; ++m)
      for (int64_t n = 0; n < sums.tokenBlocks; ++n) {
        auto sum = MutableArrayRef(sums.values)
                       .slice((m * sums.tokenBlocks + n) * 4, 4);
        for (int64_t part = 0; part < 4; part += 2) {
          auto upper = [&](int64_t which) {
            return isHalf ? multiplier.zero : heads.get(step, 2 * m + 1, which);
          };
          multiplier.multiply(
              {heads.get(step, 2 * m, part), upper(part),
               heads.get(step, 2 * m, part + 1), upper(part + 1)},
              {tokens.get(step, n, part), tokens.get(step, n, part + 1)}, sum);
        }
      }
  return sums;
}
