//===- Epilogue.cpp - From the sum to the stored gate ---------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/Epilogue.h"

#include "indexer/Codegen/GPU/GlobalMemory.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace indexer;

SmallVector<Value> indexer::loadEpilogueOperands(KernelBuilder &kernel,
                                                 const KernelArguments &args,
                                                 Value t, Value h) {
  Value indices[3] = {t, h, Value()};
  SmallVector<Value> operands;
  for (const KernelOperand &operand : args.epilogueOperands())
    operands.push_back(
        operand.scalar ? operand.scalar
                       : loadElements(kernel.builder, kernel.loc, operand,
                                      elementAddress(kernel.builder, kernel.loc,
                                                     operand, indices),
                                      1)
                             .front());
  return operands;
}

Value indexer::finishSum(KernelBuilder &kernel, const FusedOp &fused,
                         const KernelArguments &args, Value sum,
                         ValueRange operands) {
  IRMapping mapping = args.scalars;
  Value gate = cloneEpilogue(kernel.builder, fused, sum, operands, mapping);
  Type stored = args.result().elementType;
  return stored == gate.getType()
             ? gate
             : Value(arith::TruncFOp::create(kernel.builder, kernel.loc, stored,
                                             gate));
}

void indexer::storeGate(KernelBuilder &kernel, const FusedOp &fused,
                        const KernelArguments &args, Value sum,
                        ValueRange operands, Value t, Value h) {
  Value indices[3] = {t, h, Value()};
  storeElement(
      kernel.builder, kernel.loc, finishSum(kernel, fused, args, sum, operands),
      elementAddress(kernel.builder, kernel.loc, args.result(), indices));
}
