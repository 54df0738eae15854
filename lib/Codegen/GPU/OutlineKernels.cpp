//===- OutlineKernels.cpp - Move fused ops into functions -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scheduled fused ops inside the user's functions in, calls of private
// functions out, so that the host side stays upstream IR:
//
//   %r:2 = linalg.generic ins(%x, %w, %q) outs(%zero, %empty) {...}
//     -> %g = func.call @f_gate0(%x, %w, %q, %scale)
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/Passes.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Fusion/FusedOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"

namespace indexer {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "indexer/Codegen/GPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// Reads `op` and checks that a kernel can take its place; emits an error
/// otherwise.
static FailureOr<FusedOp> readForOutlining(linalg::GenericOp op) {
  std::string why;
  FailureOr<FusedOp> fused = FusedOp::read(op, &why);
  if (failed(fused))
    return op.emitOpError() << "has '" << schedulesAttrName
                            << "' but is not a fused op: " << why;
  if (!op.getResult(0).use_empty())
    return op.emitOpError()
           << "result 0, the running sum, has uses; a kernel stores only the "
              "gate (result 1)";
  for (Value scalar : fused->scalars)
    if (!isClonedConstant(scalar) && !scalar.getType().isIntOrIndexOrFloat())
      return op.emitOpError()
             << "body takes a value of type " << scalar.getType()
             << " from outside, accepted are floats, integers and indices";
  return fused;
}

/// A free name `<caller>_gate<N>` with the smallest N from `number` on. Letters
/// that PTX does not accept in an identifier become '_'.
static std::string freeName(SymbolTable &symbols, StringRef caller,
                            unsigned &number) {
  std::string stem = caller.str();
  for (char &letter : stem)
    if (!llvm::isAlnum(letter) && letter != '_' && letter != '$')
      letter = '_';
  if (stem.empty() || llvm::isDigit(stem.front()))
    stem.insert(0, "_");
  std::string name;
  do
    name = stem + "_gate" + std::to_string(number++);
  while (symbols.lookup(name));
  return name;
}

/// Creates the destination of a fused op at the builder's place; dynamic
/// extents are taken from the arguments x and weight.
static Value createEmpty(OpBuilder &builder, Location loc, const FusedOp &fused,
                         Value lhs, Value rhs) {
  auto type = cast<RankedTensorType>(fused.result().getType());
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (!type.isDynamicDim(dim))
      continue;
    unsigned loop = fused.resultMap.getDimPosition(dim);
    bool isToken = loop == FusedOp::tLoop;
    AffineMap map = fused.inputMap(isToken ? 0 : 1);
    unsigned source =
        map.getResultPosition(builder.getAffineDimExpr(loop)).value();
    sizes.push_back(
        tensor::DimOp::create(builder, loc, isToken ? lhs : rhs, source));
  }
  return tensor::EmptyOp::create(builder, loc, type, sizes);
}

/// The op that rounds the gate of `fused` to bf16 or f16, when nothing else
/// uses the gate; else null. A kernel stores what it gives.
static arith::TruncFOp findRounding(const FusedOp &fused) {
  Value gate = fused.result();
  auto rounding = gate.hasOneUse()
                      ? dyn_cast<arith::TruncFOp>(*gate.user_begin())
                      : nullptr;
  if (!rounding || rounding->getBlock() != fused.op->getBlock())
    return nullptr;
  std::optional<arith::RoundingMode> mode = rounding.getRoundingmode();
  return !mode || *mode == arith::RoundingMode::to_nearest_even ? rounding
                                                                : nullptr;
}

/// Creates the function that holds a clone of `fused`, and of `rounding` unless
/// it is null; `arguments` are the values that a call of it takes.
static func::FuncOp createFunction(const FusedOp &fused,
                                   arith::TruncFOp rounding, StringRef name,
                                   ValueRange arguments) {
  linalg::GenericOp op = fused.op;
  Location loc = op.getLoc();
  OpBuilder builder(op.getContext());
  Type stored = rounding ? rounding.getType() : fused.result().getType();
  auto func = func::FuncOp::create(
      loc, name, builder.getFunctionType(arguments.getTypes(), stored));
  func.setPrivate();
  func->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                builder.getUnitAttr());
  func->setAttr(outlinedAttrName, builder.getUnitAttr());

  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  // Inputs by position: two of them may be one value.
  unsigned numInputs = op.getNumDpsInputs();
  IRMapping mapping;
  for (auto [value, argument] :
       llvm::drop_begin(llvm::zip(arguments, entry->getArguments()), numInputs))
    mapping.map(value, argument);
  for (Value scalar : fused.scalars)
    if (isClonedConstant(scalar))
      mapping.map(scalar, builder.clone(*scalar.getDefiningOp())->getResult(0));

  Value empty = createEmpty(builder, loc, fused, entry->getArgument(0),
                            entry->getArgument(1));
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value sum =
      linalg::FillOp::create(builder, loc, ValueRange{zero}, ValueRange{empty})
          .getResult(0);
  auto clone = cast<linalg::GenericOp>(builder.clone(*op, mapping));
  SmallVector<Value> operands(entry->getArguments().take_front(numInputs));
  operands.append({sum, empty});
  clone->setOperands(operands);
  Value gate = clone.getResult(1);
  if (rounding)
    gate = arith::TruncFOp::create(builder, rounding.getLoc(), stored, gate);
  func::ReturnOp::create(builder, loc, gate);
  return func;
}

/// Erases the ops that only made destinations and scalars of an erased op.
static void eraseDead(SmallVector<Value> candidates) {
  while (!candidates.empty()) {
    Operation *op = candidates.pop_back_val().getDefiningOp();
    if (!op || !op->use_empty() ||
        !isa<linalg::FillOp, tensor::EmptyOp, tensor::DimOp, arith::ConstantOp>(
            op))
      continue;
    // An op that is named twice must not be erased twice.
    SmallVector<Value> operands(op->getOperands());
    llvm::erase_if(candidates,
                   [&](Value value) { return value.getDefiningOp() == op; });
    op->erase();
    candidates.append(operands);
  }
}

/// Replaces `fused` by a call of a new function `name`, inserted behind
/// `caller`.
static void outline(const FusedOp &fused, StringRef name, func::FuncOp caller,
                    SymbolTable &symbols) {
  linalg::GenericOp op = fused.op;
  SmallVector<Value> arguments(op.getDpsInputs());
  for (Value scalar : fused.scalars)
    if (!isClonedConstant(scalar))
      arguments.push_back(scalar);
  arith::TruncFOp rounding = findRounding(fused);
  func::FuncOp func = createFunction(fused, rounding, name, arguments);
  symbols.insert(func, std::next(caller->getIterator()));

  OpBuilder builder(op);
  auto call = func::CallOp::create(builder, op.getLoc(), func, arguments);
  Value gate = rounding ? rounding.getResult() : op.getResult(1);
  gate.replaceAllUsesWith(call.getResult(0));
  if (rounding)
    rounding->erase();
  SmallVector<Value> candidates(op.getDpsInits());
  llvm::append_range(candidates, fused.scalars);
  op->erase();
  eraseDead(std::move(candidates));
}

namespace {
struct OutlineKernels
    : public indexer::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> callers;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func->hasAttr(outlinedAttrName))
        callers.push_back(func);
    for (func::FuncOp caller : callers) {
      SmallVector<linalg::GenericOp> ops;
      caller.walk([&](linalg::GenericOp op) {
        if (op->hasAttr(schedulesAttrName))
          ops.push_back(op);
      });
      unsigned number = 0;
      for (linalg::GenericOp op : ops) {
        FailureOr<FusedOp> fused = readForOutlining(op);
        if (failed(fused))
          return signalPassFailure();
        outline(*fused, freeName(symbols, caller.getName(), number), caller,
                symbols);
      }
    }
  }
};
} // namespace
