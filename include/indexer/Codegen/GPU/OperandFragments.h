//===- OperandFragments.h - Rows of an operand in registers -----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads from global memory straight into registers, all of them at once, for
// kernels that are limited by latency.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_OPERANDFRAGMENTS_H
#define INDEXER_CODEGEN_GPU_OPERANDFRAGMENTS_H

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/KernelBuilder.h"

namespace indexer {

/// Bytes and 16-bit elements of a load. Rows must start on a multiple.
constexpr int64_t fragmentBytes = 16, fragmentElements = 8;

/// What one thread holds of `rows` rows of a 16-bit operand for `steps` steps:
/// 8 consecutive elements, as four i32, of each.
class OperandFragments {
public:
  /// Loads them all. `rows` are the addresses of the thread's first elements of
  /// each row, aligned to 16 bytes; its steps are `distance` elements apart.
  /// `isConstant`: nothing has written the operand since the kernel started,
  /// and the loads may move across a wait of the kernel.
  static OperandFragments load(KernelBuilder &kernel,
                               const KernelOperand &operand,
                               mlir::ArrayRef<mlir::Value> rows, int64_t steps,
                               int64_t distance, bool isConstant);

  /// Brings what load() would load into L2, as long as it may not be read. That
  /// changes nothing that a kernel can see: L2 is where the writes of all
  /// kernels meet.
  static void prefetch(KernelBuilder &kernel, const KernelOperand &operand,
                       mlir::ArrayRef<mlir::Value> rows, int64_t steps,
                       int64_t distance);

  /// The register `part` (0 to 3) of row `row` in `step`.
  mlir::Value get(int64_t step, int64_t row, int64_t part) const {
    return registers[(step * rows + row) * 4 + part];
  }
  /// Element `element` (0 to 7) of row `row` in `step`, as f32.
  mlir::Value element(KernelBuilder &kernel, int64_t step, int64_t row,
                      int64_t element) const;

  int64_t rows = 0, steps = 0;

private:
  mlir::Type elementType;
  llvm::SmallVector<mlir::Value> registers;
};

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_OPERANDFRAGMENTS_H
