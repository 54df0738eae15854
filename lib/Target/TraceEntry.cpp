//===- TraceEntry.cpp - What an entry does beside its kernels -------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: an entry function whose fused ops are calls. Out: where each operand,
// scalar and result of a call comes from or goes to. The runtime skips the
// entry's code, so whatever is not understood here is refused.
//
//===----------------------------------------------------------------------===//

#include "TraceEntry.h"
#include "indexer/Target/DimensionGroups.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace indexer {

FailureOr<runtime::ElementType> elementTypeOf(Type type) {
  if (type.isBF16())
    return runtime::ElementType::BF16;
  if (type.isF16())
    return runtime::ElementType::F16;
  if (type.isF32())
    return runtime::ElementType::F32;
  if (type.isF64())
    return runtime::ElementType::F64;
  return failure();
}

InFlightDiagnostic EntryTrace::refuse(Operation *op) {
  return emitError(op->getLoc())
         << "entry '@" << entry.getName()
         << "' does more than reshape around its fused op ('" << op->getName()
         << "' here): its kernels run only through the host "
            "function";
}

/// True when `op` computes scalars from scalars or from the shape of a tensor,
/// and nothing else. Where such a scalar goes is checked by its user.
static bool isScalarArithmetic(Operation *op) {
  auto isScalar = [](Type type) { return type.isIntOrIndexOrFloat(); };
  if (op->getNumRegions() != 0 || !isMemoryEffectFree(op) ||
      !llvm::all_of(op->getResultTypes(), isScalar))
    return false;
  return isa<tensor::DimOp>(op) ||
         llvm::all_of(op->getOperandTypes(), isScalar);
}

FailureOr<SmallVector<func::CallOp>> EntryTrace::collectCalls() {
  Block &body = entry.getBody().front();
  if (!entry.getBody().hasOneBlock())
    return refuse(body.getTerminator());
  SmallVector<func::CallOp> calls;
  for (Operation &op : body.without_terminator()) {
    if (auto call = dyn_cast<func::CallOp>(op); call && isKernel(call))
      calls.push_back(call);
    else if (!isFreeReshape(&op) &&
             !isa<tensor::ExtractSliceOp, cf::AssertOp>(op) &&
             !op.hasTrait<OpTrait::ConstantLike>() &&
             !isScalarArithmetic(&op) && !isOpTriviallyDead(&op))
      return refuse(&op);
  }
  return calls;
}

/// True when every dimension of `type` that is in no group has extent 1.
static bool coversAll(const DimensionGroups &groups, ShapedType type) {
  SmallVector<bool> covered(type.getRank(), false);
  for (const std::vector<unsigned> &group : groups)
    for (unsigned dim : group)
      covered[dim] = true;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!covered[dim] && type.getDimSize(dim) != 1)
      return false;
  return true;
}

/// The part of its source that `op` takes: a run of indices of one dimension of
/// static extent. Nothing else is a slice.
static FailureOr<runtime::TensorBinding::Slice>
readSlice(tensor::ExtractSliceOp op) {
  RankedTensorType source = op.getSourceType(), part = op.getType();
  if (source.getRank() != part.getRank() || !op.hasUnitStride())
    return failure();
  runtime::TensorBinding::Slice slice;
  bool isCut = false;
  for (unsigned dim = 0; dim < source.getRank(); ++dim) {
    int64_t first = op.getStaticOffset(dim), count = op.getStaticSize(dim);
    int64_t extent = source.getDimSize(dim);
    if (ShapedType::isDynamic(first) || ShapedType::isDynamic(count) ||
        ShapedType::isDynamic(extent))
      return failure();
    if (count == extent)
      continue;
    if (isCut)
      return failure();
    isCut = true;
    slice.dim = dim;
    slice.first = first;
    slice.count = count;
  }
  // All of it is the run of the first dimension.
  if (!isCut)
    slice.count = source.getRank() ? source.getDimSize(0) : 1;
  return slice;
}

FailureOr<runtime::TensorBinding> EntryTrace::traceOperand(Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  DimensionGroups groups = identityGroups(type.getRank());
  Operation *lastReshape = nullptr;
  std::optional<runtime::TensorBinding::Slice> slice;
  while (Operation *op = operand.getDefiningOp()) {
    if (auto cut = dyn_cast<tensor::ExtractSliceOp>(op)) {
      FailureOr<runtime::TensorBinding::Slice> part = readSlice(cut);
      if (failed(part) || !isa<BlockArgument>(cut.getSource())) {
        InFlightDiagnostic error = refuse(op);
        error.attachNote()
            << "accepted is a run of indices of one dimension of "
               "an argument, all of it known";
        return error;
      }
      slice = *part;
      break;
    }
    if (!isFreeReshape(op))
      return refuse(op);
    if (failed(composeTowardsSource(op, groups))) {
      InFlightDiagnostic error = refuse(op);
      error.attachNote() << "it cuts a dimension that no later reshape puts "
                            "together again";
      return error;
    }
    operand = op->getOperand(0);
    lastReshape = op;
  }
  if (lastReshape &&
      !coversAll(groups, cast<RankedTensorType>(operand.getType())))
    return refuse(lastReshape);
  runtime::TensorBinding binding;
  if (slice)
    operand = operand.getDefiningOp()->getOperand(0);
  binding.argument = cast<BlockArgument>(operand).getArgNumber();
  binding.groups = std::move(groups);
  binding.slice = slice;
  return binding;
}

/// Follows reshapes from `value` back to what they reshape; `path` gets them,
/// the last one first.
static Value skipReshapes(Value value,
                          SmallVectorImpl<Operation *> *path = nullptr) {
  Operation *op = value.getDefiningOp();
  while (op && isFreeReshape(op)) {
    if (path)
      path->push_back(op);
    value = op->getOperand(0);
    op = value.getDefiningOp();
  }
  return value;
}

FailureOr<runtime::TensorBinding> EntryTrace::traceResult(Value result) {
  Operation *terminator = entry.getBody().front().getTerminator();
  std::optional<unsigned> returned;
  SmallVector<Operation *> path;
  for (OpOperand &operand : terminator->getOpOperands()) {
    SmallVector<Operation *> candidate;
    if (skipReshapes(operand.get(), &candidate) != result)
      continue;
    if (returned) {
      InFlightDiagnostic error = refuse(terminator);
      error.attachNote(result.getLoc()) << "it returns this result twice";
      return error;
    }
    returned = operand.getOperandNumber();
    path = std::move(candidate);
  }
  if (!returned) {
    InFlightDiagnostic error = refuse(result.getDefiningOp());
    error.attachNote() << "its result is not returned";
    return error;
  }

  auto type = cast<RankedTensorType>(result.getType());
  DimensionGroups groups = identityGroups(type.getRank());
  for (Operation *op : llvm::reverse(path))
    if (failed(composeTowardsResult(op, groups))) {
      InFlightDiagnostic error = refuse(op);
      error.attachNote() << "it merges parts of different dimensions";
      return error;
    }
  Type finalType = terminator->getOperand(*returned).getType();
  if (!path.empty() && !coversAll(groups, cast<RankedTensorType>(finalType)))
    return refuse(path.front());
  runtime::TensorBinding binding;
  binding.argument = *returned;
  binding.groups = std::move(groups);
  return binding;
}

LogicalResult EntryTrace::checkReturn() {
  Operation *terminator = entry.getBody().front().getTerminator();
  for (Value value : terminator->getOperands()) {
    Value source = skipReshapes(value);
    if (!isa<RankedTensorType>(source.getType()))
      return refuse(terminator);
    auto call = source.getDefiningOp<func::CallOp>();
    if (call && isKernel(call))
      continue;
    Operation *op = source.getDefiningOp();
    InFlightDiagnostic error = refuse(op ? op : terminator);
    error.attachNote(terminator->getLoc())
        << "it returns a value that no kernel makes";
    return error;
  }
  return success();
}

namespace {
/// A dimension of an argument of the entry.
struct ArgumentDimension {
  unsigned argument, dim;
};
} // namespace

/// The dimension of an argument whose extent `value` is.
static std::optional<ArgumentDimension> readExtent(Value value) {
  auto dim = value.getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
  auto argument =
      dim ? dyn_cast<BlockArgument>(dim.getSource()) : BlockArgument();
  if (!index || !argument)
    return std::nullopt;
  return ArgumentDimension{argument.getArgNumber(), unsigned(*index)};
}

/// True when a call of `kernel` is refused unless dimension `first` has as many
/// tokens as dimension `second`: both are, alone, the tokens of an operand.
static bool haveSameTokens(const runtime::FusedKernel &kernel,
                           ArgumentDimension first, ArgumentDimension second) {
  auto areTokens = [&](ArgumentDimension dimension) {
    for (auto [number, operand] : llvm::enumerate(kernel.operands)) {
      if (kernel.isResult(number) || operand.argument != dimension.argument ||
          (operand.slice && operand.slice->dim == dimension.dim))
        continue;
      for (auto [group, loop] : llvm::zip(operand.groups, operand.loops))
        if (loop == 0 && group == std::vector<unsigned>{dimension.dim})
          return true;
    }
    return false;
  };
  return areTokens(first) && areTokens(second);
}

LogicalResult EntryTrace::checkAsserts(ArrayRef<runtime::FusedKernel> kernels) {
  for (auto assertion : entry.getBody().front().getOps<cf::AssertOp>()) {
    auto comparison = assertion.getArg().getDefiningOp<arith::CmpIOp>();
    std::optional<ArgumentDimension> first, second;
    if (comparison && comparison.getPredicate() == arith::CmpIPredicate::eq) {
      first = readExtent(comparison.getLhs());
      second = readExtent(comparison.getRhs());
    }
    if (first && second && llvm::any_of(kernels, [&](const auto &kernel) {
          return haveSameTokens(kernel, *first, *second);
        }))
      continue;
    InFlightDiagnostic error = refuse(assertion);
    error.attachNote() << "accepted is that two arguments have the same number "
                          "of tokens, which a launch checks by itself";
    return error;
  }
  return success();
}

FailureOr<runtime::ScalarBinding> EntryTrace::traceScalar(Value scalar) {
  FailureOr<runtime::ElementType> type = elementTypeOf(scalar.getType());
  if (failed(type))
    return emitError(entry.getLoc())
           << "entry '@" << entry.getName() << "' gives its kernel a scalar of "
           << "type " << scalar.getType()
           << "; accepted are bf16, f16, f32, f64";
  runtime::ScalarBinding binding;
  binding.type = *type;
  if (auto argument = dyn_cast<BlockArgument>(scalar)) {
    binding.argument = argument.getArgNumber();
    return binding;
  }

  // A constant, rounded by the casts between it and the kernel.
  SmallVector<Operation *> casts;
  Value source = scalar;
  while (Operation *op = source.getDefiningOp()) {
    if (!isa<arith::TruncFOp, arith::ExtFOp>(op))
      break;
    casts.push_back(op);
    source = op->getOperand(0);
  }
  auto constant = source.getDefiningOp<arith::ConstantOp>();
  auto value =
      constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
  if (!value) {
    Operation *op = source.getDefiningOp();
    return refuse(op ? op : casts.back());
  }
  APFloat number = value.getValue();
  for (Operation *op : llvm::reverse(casts)) {
    // A cast that asks for another rounding is not folded.
    if (auto truncate = dyn_cast<arith::TruncFOp>(op);
        truncate && truncate.getRoundingmode() &&
        *truncate.getRoundingmode() != arith::RoundingMode::to_nearest_even)
      return refuse(op);
    bool losesInfo;
    number.convert(
        cast<FloatType>(op->getResult(0).getType()).getFloatSemantics(),
        APFloat::rmNearestTiesToEven, &losesInfo);
  }
  bool losesInfo;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  binding.isConstant = true;
  binding.constant = number.convertToDouble();
  return binding;
}

} // namespace indexer
