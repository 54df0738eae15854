//===- GlobalMemory.h - Elements of operands in global memory ---*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Addresses, loads and stores of tensor operands. Offsets are 64-bit and count
// elements. Loads are no wider than their element unless the caller has checked
// the alignment.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_CODEGEN_GPU_GLOBALMEMORY_H
#define INDEXER_CODEGEN_GPU_GLOBALMEMORY_H

#include "indexer/Codegen/GPU/KernelArguments.h"

namespace indexer {

/// Address of the element that `operand` has at the loop indices `indices` (t,
/// h, d; i64). A null index counts as 0, so that (t, null, null) is the start
/// of a row.
mlir::Value elementAddress(mlir::OpBuilder &builder, mlir::Location loc,
                           const KernelOperand &operand,
                           llvm::ArrayRef<mlir::Value> indices);

/// Address `offset` elements behind `address`.
mlir::Value advance(mlir::OpBuilder &builder, mlir::Location loc,
                    const KernelOperand &operand, mlir::Value address,
                    mlir::Value offset);

/// Loads `width` consecutive elements at `address`, which is aligned to all of
/// them together.
llvm::SmallVector<mlir::Value> loadElements(mlir::OpBuilder &builder,
                                            mlir::Location loc,
                                            const KernelOperand &operand,
                                            mlir::Value address, int64_t width);

/// Stores the element `value` at `address`.
void storeElement(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::Value value, mlir::Value address);

/// Bytes of an element of `operand`.
int64_t elementBytes(const KernelOperand &operand);

} // namespace indexer

#endif // INDEXER_CODEGEN_GPU_GLOBALMEMORY_H
