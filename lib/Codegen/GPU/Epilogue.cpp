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
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

/// True (i1) when head `h` belongs to op `op` of `group`; null when all do.
static Value isHeadOf(KernelBuilder &kernel, const FusedGroup &group, size_t op,
                      Value h) {
  auto isBefore = [&](int64_t head) {
    Value border = arith::ConstantIntOp::create(kernel.builder, kernel.loc,
                                                h.getType(), head);
    return kernel.lessThan(h, border);
  };
  if (group.isSingle())
    return {};
  Value isBeforeEnd;
  if (op + 1 < group.ops.size())
    isBeforeEnd = isBefore(group.firstHeads[op + 1]);
  if (op == 0)
    return isBeforeEnd;
  Value border = arith::ConstantIntOp::create(
      kernel.builder, kernel.loc, h.getType(), group.firstHeads[op]);
  Value isBehindStart = arith::CmpIOp::create(
      kernel.builder, kernel.loc, arith::CmpIPredicate::sge, h, border);
  return isBeforeEnd ? arith::AndIOp::create(kernel.builder, kernel.loc,
                                             isBehindStart, isBeforeEnd)
                     : isBehindStart;
}

/// The head of op `op` that is head `h` of `group`.
static Value ownHead(KernelBuilder &kernel, const FusedGroup &group, size_t op,
                     Value h) {
  return kernel.add(h, -group.firstHeads[op]);
}

void indexer::forOpOfHead(KernelBuilder &kernel, const FusedGroup &group,
                          Value h, function_ref<void(size_t)> emit) {
  for (size_t op = 0; op < group.ops.size(); ++op)
    kernel.ifTrue(isHeadOf(kernel, group, op, h), [&] { emit(op); });
}

/// The operands of the epilogue of one op at `t` and its head `h`.
static SmallVector<Value> loadOperands(KernelBuilder &kernel,
                                       ArrayRef<KernelOperand> operands,
                                       Value t, Value h) {
  Value indices[3] = {t, h, Value()};
  return llvm::map_to_vector(operands, [&](const KernelOperand &operand) {
    return operand.scalar
               ? operand.scalar
               : loadElements(kernel.builder, kernel.loc, operand,
                              elementAddress(kernel.builder, kernel.loc,
                                             operand, indices),
                              1)
                     .front();
  });
}

SmallVector<Value> indexer::loadEpilogueOperands(KernelBuilder &kernel,
                                                 const FusedGroup &group,
                                                 const KernelArguments &args,
                                                 Value t, Value h) {
  if (group.isSingle())
    return loadOperands(kernel, args.epilogueOperands(), t, h);
  OpBuilder &builder = kernel.builder;
  SmallVector<Value> loaded;
  for (size_t op = 0; op < args.ops.size(); ++op) {
    auto operands =
        ArrayRef(args.operands).slice(args.ops[op].first, args.ops[op].count);
    if (operands.empty())
      continue;
    auto branch = scf::IfOp::create(
        builder, kernel.loc, isHeadOf(kernel, group, op, h),
        [&](OpBuilder &, Location loc) {
          scf::YieldOp::create(
              builder, loc,
              loadOperands(kernel, operands, t, ownHead(kernel, group, op, h)));
        },
        [&](OpBuilder &, Location loc) {
          scf::YieldOp::create(builder, loc, zerosFor(kernel, operands));
        });
    llvm::append_range(loaded, branch.getResults());
  }
  return loaded;
}

SmallVector<Value> indexer::zerosFor(KernelBuilder &kernel,
                                     ArrayRef<KernelOperand> operands) {
  return llvm::map_to_vector(
      operands, [&](const KernelOperand &operand) -> Value {
        return arith::ConstantOp::create(
            kernel.builder, kernel.loc,
            kernel.builder.getZeroAttr(operand.elementType));
      });
}

Value indexer::finishSum(KernelBuilder &kernel, const FusedGroup &group,
                         size_t op, const KernelArguments &args, Value sum,
                         ValueRange operands) {
  IRMapping mapping = args.scalars;
  const OpOperands &numbers = args.ops[op];
  // The epilogues' operands stand behind x and the weight.
  Value gate =
      cloneEpilogue(kernel.builder, group.ops[op], sum,
                    operands.slice(numbers.first - 2, numbers.count), mapping);
  Type stored = args.result(op).elementType;
  return stored == gate.getType()
             ? gate
             : Value(arith::TruncFOp::create(kernel.builder, kernel.loc, stored,
                                             gate));
}

Value indexer::resultAddress(KernelBuilder &kernel, const FusedGroup &group,
                             size_t op, const KernelArguments &args, Value t,
                             Value h) {
  Value indices[3] = {t, ownHead(kernel, group, op, h), Value()};
  return elementAddress(kernel.builder, kernel.loc, args.result(op), indices);
}

void indexer::storeGate(KernelBuilder &kernel, const FusedGroup &group,
                        const KernelArguments &args, Value sum,
                        ValueRange operands, Value t, Value h) {
  forOpOfHead(kernel, group, h, [&](size_t op) {
    Value gate = finishSum(kernel, group, op, args, sum, operands);
    storeElement(kernel.builder, kernel.loc, gate,
                 resultAddress(kernel, group, op, args, t, h));
  });
}
