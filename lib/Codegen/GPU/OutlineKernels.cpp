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
// The fused ops of a group get one function, and a result of it each.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/Passes.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Schedule/FusedGroup.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"

namespace indexer {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "indexer/Codegen/GPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// Checks that a kernel can take the place of `fused`; emits an error
/// otherwise.
static LogicalResult checkOp(const FusedOp &fused) {
  linalg::GenericOp op = fused.op;
  if (!op.getResult(0).use_empty())
    return op.emitOpError()
           << "result 0, the running sum, has uses; a kernel stores only the "
              "gate (result 1)";
  for (Value scalar : fused.scalars)
    if (!isClonedConstant(scalar) && !scalar.getType().isIntOrIndexOrFloat())
      return op.emitOpError()
             << "body takes a value of type " << scalar.getType()
             << " from outside, accepted are floats, integers and indices";
  return success();
}

/// Checks that one call in front of the first of `ops`, the ops of `group`, can
/// take their place.
static LogicalResult checkPlace(const FusedGroup &group,
                                ArrayRef<linalg::GenericOp> ops,
                                DominanceInfo &dominance) {
  if (group.isSingle())
    return success();
  linalg::GenericOp place = ops.front();
  for (Value value : group.arguments(isClonedConstant))
    if (!dominance.dominates(value, place))
      return place.emitOpError()
             << "shares a kernel by '" << groupAttrName
             << "' with an op whose operands are not known here; "
                "indexer-group-shared-operand moves them";
  return success();
}

/// Reads `ops`, which are to share a kernel, and checks that it can take their
/// place; emits an error otherwise.
static FailureOr<FusedGroup> readForOutlining(ArrayRef<linalg::GenericOp> ops,
                                              DominanceInfo &dominance) {
  std::string why;
  FailureOr<FusedGroup> group = FusedGroup::read(ops, &why);
  if (failed(group)) {
    linalg::GenericOp op = ops.front();
    InFlightDiagnostic error = op.emitOpError();
    if (ops.size() == 1)
      return error << "has '" << schedulesAttrName
                   << "' but is not a fused op: " << why;
    return error << "has '" << groupAttrName
                 << "' but shares no kernel: " << why;
  }
  for (const FusedOp &fused : group->ops)
    if (failed(checkOp(fused)))
      return failure();
  if (failed(checkPlace(*group, ops, dominance)))
    return failure();
  return group;
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

/// The arith.truncf that `op` is, or that its body is for each element; else
/// null.
static arith::TruncFOp readRounding(Operation *op) {
  if (auto rounding = dyn_cast<arith::TruncFOp>(op))
    return rounding;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic->getNumResults() != 1 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      !llvm::all_of(generic.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return nullptr;
  Block *body = generic.getBody();
  auto rounding =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::TruncFOp>();
  return rounding && rounding.getIn() == body->getArgument(0) ? rounding
                                                              : nullptr;
}

/// The op that rounds the gate of `fused` to bf16 or f16, when nothing else
/// uses the gate but for its extents; else null. A kernel stores what it gives.
static Operation *findRounding(const FusedOp &fused) {
  Operation *user = nullptr;
  for (Operation *other : fused.result().getUsers()) {
    if (isa<tensor::DimOp>(other))
      continue;
    if (user)
      return nullptr;
    user = other;
  }
  if (!user || user->getBlock() != fused.op->getBlock())
    return nullptr;
  arith::TruncFOp rounding = readRounding(user);
  if (!rounding)
    return nullptr;
  std::optional<arith::RoundingMode> mode = rounding.getRoundingmode();
  return !mode || *mode == arith::RoundingMode::to_nearest_even ? user
                                                                : nullptr;
}

/// Creates, at the builder's place, a clone of `fused` whose inputs are
/// `inputs` and the scalars that `mapping` knows, and of its rounding unless
/// that is null; returns the gate.
static Value cloneFusedOp(OpBuilder &builder, const FusedOp &fused,
                          Operation *rounding, ArrayRef<Value> inputs,
                          IRMapping &mapping) {
  linalg::GenericOp op = fused.op;
  Location loc = op.getLoc();
  for (Value scalar : fused.scalars)
    if (isClonedConstant(scalar))
      mapping.map(scalar, builder.clone(*scalar.getDefiningOp())->getResult(0));
  Value empty = createEmpty(builder, loc, fused, inputs[0], inputs[1]);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value sum =
      linalg::FillOp::create(builder, loc, ValueRange{zero}, ValueRange{empty})
          .getResult(0);
  auto clone = cast<linalg::GenericOp>(builder.clone(*op, mapping));
  SmallVector<Value> operands(inputs);
  operands.append({sum, empty});
  clone->setOperands(operands);
  Value gate = clone.getResult(1);
  return rounding
             ? Value(arith::TruncFOp::create(builder, rounding->getLoc(),
                                             rounding->getResult(0).getType(),
                                             gate))
             : gate;
}

/// The rows of `weight` that are the weight of op number `op` of `group`.
static Value sliceWeight(OpBuilder &builder, const FusedGroup &group, size_t op,
                         Value weight) {
  if (group.isSingle())
    return weight;
  const FusedOp &fused = group.ops[op];
  auto type = cast<RankedTensorType>(fused.rhs.getType());
  SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0)), sizes,
      strides(2, builder.getIndexAttr(1));
  offsets[headDimension(fused)] = builder.getIndexAttr(group.firstHeads[op]);
  for (int64_t extent : type.getShape())
    sizes.push_back(builder.getIndexAttr(extent));
  return tensor::ExtractSliceOp::create(builder, fused.op->getLoc(), type,
                                        weight, offsets, sizes, strides);
}

/// What a call of the function of a group gives.
static SmallVector<Type> resultTypes(const FusedGroup &group,
                                     ArrayRef<Operation *> roundings) {
  SmallVector<Type> types;
  for (auto [fused, rounding] : llvm::zip(group.ops, roundings))
    types.push_back(rounding ? rounding->getResult(0).getType()
                             : fused.result().getType());
  return types;
}

/// Creates the function that holds clones of the ops of `group`, and of those
/// of `roundings` that are not null; `arguments` are the values that a call of
/// it takes.
static func::FuncOp createFunction(const FusedGroup &group,
                                   ArrayRef<Operation *> roundings,
                                   StringRef name, ValueRange arguments) {
  linalg::GenericOp front = group.front().op;
  Location loc = front.getLoc();
  OpBuilder builder(front.getContext());
  auto func = func::FuncOp::create(
      loc, name,
      builder.getFunctionType(arguments.getTypes(),
                              resultTypes(group, roundings)));
  func.setPrivate();
  func->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                builder.getUnitAttr());
  func->setAttr(outlinedAttrName, builder.getUnitAttr());

  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  // Inputs by position: two of them may be one value.
  Value x = entry->getArgument(0), weight = entry->getArgument(1);
  size_t taken = 2;
  SmallVector<SmallVector<Value>> inputs;
  for (const FusedOp &fused : group.ops) {
    linalg::GenericOp op = fused.op;
    size_t count = op.getNumDpsInputs() - 2;
    inputs.emplace_back(entry->getArguments().slice(taken, count));
    taken += count;
  }
  IRMapping mapping;
  for (auto [value, argument] :
       llvm::drop_begin(llvm::zip(arguments, entry->getArguments()), taken))
    mapping.map(value, argument);

  SmallVector<Value> gates;
  for (auto [number, fused] : llvm::enumerate(group.ops)) {
    SmallVector<Value> own = {x, sliceWeight(builder, group, number, weight)};
    llvm::append_range(own, inputs[number]);
    gates.push_back(
        cloneFusedOp(builder, fused, roundings[number], own, mapping));
  }
  func::ReturnOp::create(builder, loc, gates);
  return func;
}

/// Erases the ops that only made destinations and scalars of an erased op.
static void eraseDead(SmallVector<Value> candidates) {
  while (!candidates.empty()) {
    Operation *op = candidates.pop_back_val().getDefiningOp();
    if (!op || !op->use_empty() ||
        !isa<linalg::FillOp, tensor::EmptyOp, tensor::DimOp,
             tensor::ExtractSliceOp, arith::ConstantOp>(op))
      continue;
    // An op that is named twice must not be erased twice.
    SmallVector<Value> operands(op->getOperands());
    llvm::erase_if(candidates,
                   [&](Value value) { return value.getDefiningOp() == op; });
    op->erase();
    candidates.append(operands);
  }
}

/// The rows of the weight of `group` alone, at the builder's place.
static Value cutWeight(OpBuilder &builder, const FusedGroup &group) {
  RankedTensorType type = group.weightType();
  if (type == group.weight.getType())
    return group.weight;
  // The first op's slice, for the heads of all.
  auto slice = group.front().rhs.getDefiningOp<tensor::ExtractSliceOp>();
  SmallVector<OpFoldResult> sizes;
  for (int64_t extent : type.getShape())
    sizes.push_back(builder.getIndexAttr(extent));
  return tensor::ExtractSliceOp::create(builder, slice.getLoc(), type,
                                        group.weight, slice.getMixedOffsets(),
                                        sizes, slice.getMixedStrides());
}

/// Replaces `ops`, the ops of `group`, by a call of a new function `name`,
/// inserted behind `caller`.
static void outline(const FusedGroup &group, ArrayRef<linalg::GenericOp> ops,
                    StringRef name, func::FuncOp caller, SymbolTable &symbols) {
  linalg::GenericOp place = ops.front();
  OpBuilder builder(place);
  SmallVector<Value> arguments = group.arguments(isClonedConstant);
  arguments[1] = cutWeight(builder, group);
  auto roundings = llvm::map_to_vector(group.ops, findRounding);
  func::FuncOp func = createFunction(group, roundings, name, arguments);
  symbols.insert(func, std::next(caller->getIterator()));

  auto call = func::CallOp::create(builder, group.front().op->getLoc(), func,
                                   arguments);
  SmallVector<Value> candidates;
  for (auto [fused, rounding, result] :
       llvm::zip(group.ops, roundings, call.getResults())) {
    linalg::GenericOp op = fused.op;
    if (rounding) {
      rounding->getResult(0).replaceAllUsesWith(result);
      if (auto generic = dyn_cast<linalg::GenericOp>(rounding))
        llvm::append_range(candidates, generic.getDpsInits());
      rounding->erase();
    }
    op.getResult(1).replaceAllUsesWith(result);
    llvm::append_range(candidates, op.getDpsInits());
    llvm::append_range(candidates, fused.scalars);
    if (!group.isSingle())
      candidates.push_back(fused.rhs);
  }
  for (linalg::GenericOp op : ops)
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
    auto isScheduled = [](linalg::GenericOp op) {
      return op->hasAttr(schedulesAttrName);
    };
    DominanceInfo dominance(getOperation());
    for (func::FuncOp caller : callers) {
      unsigned number = 0;
      for (ArrayRef<linalg::GenericOp> ops :
           collectGroups(caller, isScheduled)) {
        FailureOr<FusedGroup> group = readForOutlining(ops, dominance);
        if (failed(group))
          return signalPassFailure();
        outline(*group, ops, freeName(symbols, caller.getName(), number),
                caller, symbols);
      }
    }
  }
};
} // namespace
