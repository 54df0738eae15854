//===- WarpReduction.cpp - Sum of the warps of a CTA ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/WarpReduction.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace indexer;

/// Elements between the heads of two tokens, beyond the heads.
static constexpr int64_t padding = 4;

WarpReduction::WarpReduction(KernelBuilder &kernel, gpu::GPUFuncOp func,
                             int64_t warps, int64_t tileT, int64_t tileH)
    : warps(warps), tileT(tileT), tileH(tileH) {
  auto type = LLVM::LLVMArrayType::get(kernel.builder.getF32Type(),
                                       warps * tileT * (tileH + padding));
  buffer = addSharedVariable(kernel, func, "partials", type, /*alignment=*/16);
}

void WarpReduction::deposit(KernelBuilder &kernel,
                            const ThreadPosition &position,
                            const MmaSums &sums) {
  int64_t pitch = tileH + padding;
  Value first = kernel.add(
      kernel.multiply(position.warp, tileT * pitch),
      kernel.add(kernel.multiply(position.quad, 2 * pitch), position.group));
  Value base = sharedElement(kernel, buffer, first);
  // A block of 8 heads alone has no rows g + 8.
  int64_t parts = tileH == 8 ? 2 : 4;
  for (int64_t m = 0; m < sums.headBlocks; ++m)
    for (int64_t n = 0; n < sums.tokenBlocks; ++n)
      for (int64_t part = 0; part < parts; ++part) {
        int64_t offset = (n * 8 + part % 2) * pitch + m * 16 + (part / 2) * 8;
        LLVM::StoreOp::create(kernel.builder, kernel.loc, sums.get(m, n, part),
                              sharedElement(kernel, base, kernel.i32(offset)));
      }
  gpu::BarrierOp::create(kernel.builder, kernel.loc);
}

SmallVector<Value> WarpReduction::collect(KernelBuilder &kernel, Value output,
                                          int64_t width) {
  int64_t pitch = tileH + padding;
  Value first = kernel.add(kernel.multiply(kernel.divide(output, tileH), pitch),
                           kernel.remainder(output, tileH));
  Value base = sharedElement(kernel, buffer, first);
  SmallVector<SmallVector<Value>> terms(width);
  for (int64_t warp = 0; warp < warps; ++warp) {
    Value address =
        sharedElement(kernel, base, kernel.i32(warp * tileT * pitch));
    for (auto [list, value] :
         llvm::zip(terms, loadShared(kernel, address, width)))
      list.push_back(value);
  }
  SmallVector<Value> sums;
  for (ArrayRef<Value> list : terms)
    sums.push_back(kernel.sum(list));
  return sums;
}
