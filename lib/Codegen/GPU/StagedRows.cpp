//===- StagedRows.cpp - Rows copied into shared memory --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/StagedRows.h"

#include "indexer/Codegen/GPU/DynamicShared.h"
#include "indexer/Codegen/GPU/GlobalMemory.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace indexer;

/// Bytes and elements that a thread copies at a time, and how many threads it
/// takes for a row of a block.
static constexpr int64_t chunkBytes = 16, chunkElements = 8, chunks = 8;

StagedRows::StagedRows(KernelBuilder &kernel, const KernelOperand &operand,
                       unsigned loop, Value first, int64_t count, Value last,
                       Value firstD, Value thread, int64_t threads)
    : operand(operand), count(count), rowStep(threads / chunks) {
  row = kernel.divide(thread, chunks);
  Value chunk = kernel.remainder(thread, chunks);
  // Rows of a thread are a multiple of 8 apart, so the swizzle is the same in
  // all of them.
  Value swizzled = arith::XOrIOp::create(kernel.builder, kernel.loc, chunk,
                                         kernel.remainder(row, 8));
  place = kernel.add(kernel.multiply(row, swizzleRowBytes),
                     kernel.multiply(swizzled, chunkBytes));
  Value column =
      kernel.widen(kernel.add(firstD, kernel.multiply(chunk, chunkElements)));
  for (int64_t offset = 0; offset < count; offset += rowStep) {
    Value number = kernel.add(kernel.add(first, row), offset);
    if (last)
      number = kernel.minimum(number, last);
    Value indices[3];
    indices[loop] = kernel.widen(number);
    sources.push_back(advance(
        kernel.builder, kernel.loc, operand,
        elementAddress(kernel.builder, kernel.loc, operand, indices), column));
  }
}

void StagedRows::copy(KernelBuilder &kernel, Value target, Value column,
                      int64_t blocks) const {
  Value start = sharedByte(kernel, target, place);
  for (int64_t block = 0; block < blocks; ++block)
    for (size_t number = 0; number < sources.size(); ++number) {
      int64_t offset = int64_t(number) * rowStep;
      // The last rows may be fewer than the threads copy at a time; those of a
      // warp are 4 neighbours, and all exist or none.
      Value exists = offset + rowStep > count
                         ? kernel.lessThan(row, kernel.i32(count - offset))
                         : Value();
      kernel.ifTrue(exists, [&] {
        Value chunk = sharedByte(
            kernel, start,
            kernel.i32(block * blockBytes() + offset * swizzleRowBytes));
        Value source =
            advance(kernel.builder, kernel.loc, operand, sources[number],
                    kernel.add(column, block * swizzleColumns));
        NVVM::CpAsyncOp::create(kernel.builder, kernel.loc, chunk, source,
                                chunkBytes, NVVM::LoadCacheModifierKind::CG,
                                /*cpSize=*/Value());
      });
    }
}
