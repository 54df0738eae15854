//===- Interpreter.cpp - The float64 reference ----------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the ops of a function one after the other. What computes elements is
// compiled to a program first: scalar ops alone, elementwise ops on tensors and
// linalg ops over their iteration space.
//
//===----------------------------------------------------------------------===//
#include "indexer/Reference/Interpreter.h"
#include "Frame.h"
#include "LoopNest.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include <algorithm>
#include <thread>

using namespace mlir;

namespace indexer::reference {

/// Calls and regions may nest this deep.
static constexpr unsigned kMaxDepth = 256;
static constexpr unsigned kMaxThreads = 256;

using Values = SmallVector<RefValue>;

namespace {
class Interpreter {
public:
  explicit Interpreter(unsigned threads) : threads(threads) {}

  FailureOr<Values> call(func::FuncOp function, ArrayRef<RefValue> arguments);

private:
  /// Runs a block; returns the operands of its terminator.
  FailureOr<Values> runBlock(Block &block, Frame &frame);
  LogicalResult runOp(Operation *op, Frame &frame);
  LogicalResult runConstant(arith::ConstantOp op, Frame &frame);
  LogicalResult runCall(func::CallOp op, Frame &frame);
  LogicalResult runFor(scf::ForOp op, Frame &frame);
  LogicalResult runIf(scf::IfOp op, Frame &frame);
  LogicalResult runAffine(Operation *op, AffineMap map, Frame &frame);
  LogicalResult runScalarOp(Operation *op, Frame &frame);
  LogicalResult runElementwise(Operation *op, Frame &frame);
  LogicalResult runLinalg(linalg::LinalgOp op, Frame &frame);
  LogicalResult runGenerate(tensor::GenerateOp op, Frame &frame);

  /// The program of `op`, compiled once.
  FailureOr<Program *> programOf(Operation *op, Block *block);
  /// Fills in what `nest.program` takes from outside, runs it and sets the
  /// results of `op`.
  LogicalResult finishNest(LoopNest &nest, Frame &frame);

  unsigned threads;
  unsigned depth = 0;
  llvm::DenseMap<Operation *, std::unique_ptr<Program>> programs;
  llvm::DenseMap<Operation *, RefValue> constants;
};
} // namespace

FailureOr<Values> Interpreter::call(func::FuncOp function,
                                    ArrayRef<RefValue> arguments) {
  if (function.isExternal())
    return function.emitError("function '")
           << function.getName() << "' has no body";
  if (arguments.size() != function.getNumArguments())
    return function.emitError("function '")
           << function.getName() << "' got " << arguments.size()
           << " arguments, expected " << function.getNumArguments();
  if (!function.getBody().hasOneBlock())
    return function.emitError("the reference cannot interpret function '")
           << function.getName() << "': it has more than one block";
  Frame frame;
  for (auto [index, argument] : llvm::enumerate(function.getArguments())) {
    RefValue value = arguments[index];
    std::string why;
    if (!hasType(value, argument.getType(), why))
      return function.emitError("argument ")
             << index << " of function '" << function.getName() << "' got "
             << why << ", expected " << argument.getType();
    if (auto *scalar = std::get_if<RefScalar>(&value))
      if (!scalar->isInteger && scalar->element.roundings == 0 &&
          scalar->element.flip == 0)
        scalar->element = RefElement::exact(
            roundToType(scalar->element.value, argument.getType()));
    frame.set(argument, std::move(value));
  }
  return runBlock(function.getBody().front(), frame);
}

FailureOr<Values> Interpreter::runBlock(Block &block, Frame &frame) {
  if (depth >= kMaxDepth)
    return block.getParentOp()->emitError("calls and regions nest more than ")
           << kMaxDepth << " deep";
  ++depth;
  for (Operation &op : block.without_terminator())
    if (failed(runOp(&op, frame)))
      return failure();
  --depth;
  Operation *terminator = block.getTerminator();
  if (!isa<func::ReturnOp, scf::YieldOp>(terminator))
    return cannotInterpret(terminator);
  return llvm::map_to_vector(terminator->getOperands(),
                             [&](Value operand) { return frame.get(operand); });
}

LogicalResult Interpreter::runOp(Operation *op, Frame &frame) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return runConstant(constant, frame);
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return runLinalg(linalgOp, frame);
  if (auto forOp = dyn_cast<scf::ForOp>(op))
    return runFor(forOp, frame);
  if (auto ifOp = dyn_cast<scf::IfOp>(op))
    return runIf(ifOp, frame);
  if (auto callOp = dyn_cast<func::CallOp>(op))
    return runCall(callOp, frame);
  if (auto generate = dyn_cast<tensor::GenerateOp>(op))
    return runGenerate(generate, frame);
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return runAffine(op, apply.getAffineMap(), frame);
  if (auto minOp = dyn_cast<affine::AffineMinOp>(op))
    return runAffine(op, minOp.getAffineMap(), frame);
  if (auto maxOp = dyn_cast<affine::AffineMaxOp>(op))
    return runAffine(op, maxOp.getAffineMap(), frame);
  if (auto result = evaluateTensorOp(op, frame)) {
    if (failed(*result))
      return failure();
    frame.set(op->getResult(0), std::move(**result));
    return success();
  }
  if (isa<tensor::ExtractOp, cf::AssertOp>(op))
    return runScalarOp(op, frame);
  if (!isa_and_nonnull<arith::ArithDialect, index::IndexDialect,
                       math::MathDialect>(op->getDialect()) ||
      op->getNumResults() != 1)
    return cannotInterpret(op);
  if (isa<RankedTensorType>(op->getResult(0).getType()))
    return runElementwise(op, frame);
  return runScalarOp(op, frame);
}

LogicalResult Interpreter::runConstant(arith::ConstantOp op, Frame &frame) {
  auto known = constants.find(op);
  if (known == constants.end()) {
    std::optional<RefValue> value = evaluateConstant(op.getValue());
    if (!value)
      return op.emitError("the reference cannot interpret 'arith.constant' of "
                          "type ")
             << op.getType();
    known = constants.try_emplace(op, std::move(*value)).first;
  }
  frame.set(op.getResult(), known->second);
  return success();
}

LogicalResult Interpreter::runCall(func::CallOp op, Frame &frame) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee)
    return op.emitError("function '") << op.getCallee() << "' is not defined";
  Values arguments;
  for (Value operand : op.getOperands())
    arguments.push_back(frame.get(operand));
  FailureOr<Values> results = call(callee, arguments);
  if (failed(results))
    return failure();
  for (auto [result, value] : llvm::zip(op.getResults(), *results))
    frame.set(result, std::move(value));
  return success();
}

LogicalResult Interpreter::runFor(scf::ForOp op, Frame &frame) {
  int64_t lower = frame.integer(op.getLowerBound());
  int64_t upper = frame.integer(op.getUpperBound());
  int64_t step = frame.integer(op.getStep());
  if (step <= 0)
    return op.emitError("'scf.for' has step ")
           << step << ", expected at least 1";
  Values carried;
  for (Value init : op.getInitArgs())
    carried.push_back(frame.get(init));
  for (int64_t index = lower; index < upper; index += step) {
    frame.set(op.getInductionVar(), RefScalar::ofInteger(index));
    for (auto [argument, value] : llvm::zip(op.getRegionIterArgs(), carried))
      frame.set(argument, std::move(value));
    FailureOr<Values> next = runBlock(*op.getBody(), frame);
    if (failed(next))
      return failure();
    carried = std::move(*next);
    if (upper - index <= step)
      break;
  }
  for (auto [result, value] : llvm::zip(op.getResults(), carried))
    frame.set(result, std::move(value));
  return success();
}

LogicalResult Interpreter::runIf(scf::IfOp op, Frame &frame) {
  bool holds = frame.integer(op.getCondition()) != 0;
  Region &region = holds ? op.getThenRegion() : op.getElseRegion();
  if (region.empty())
    return success();
  FailureOr<Values> values = runBlock(region.front(), frame);
  if (failed(values))
    return failure();
  for (auto [result, value] : llvm::zip(op.getResults(), *values))
    frame.set(result, std::move(value));
  return success();
}

/// affine.apply has one result; affine.min and affine.max choose one.
LogicalResult Interpreter::runAffine(Operation *op, AffineMap map,
                                     Frame &frame) {
  Builder builder(op->getContext());
  SmallVector<Attribute> operands, results;
  for (Value operand : op->getOperands())
    operands.push_back(builder.getIndexAttr(frame.integer(operand)));
  if (failed(map.constantFold(operands, results)))
    return op->emitError("'") << op->getName() << "' divides by zero";
  SmallVector<int64_t> values =
      llvm::map_to_vector(results, [](Attribute value) {
        return cast<IntegerAttr>(value).getInt();
      });
  int64_t value = isa<affine::AffineMinOp>(op)
                      ? *std::min_element(values.begin(), values.end())
                      : *std::max_element(values.begin(), values.end());
  frame.set(op->getResult(0), RefScalar::ofInteger(value));
  return success();
}

FailureOr<Program *> Interpreter::programOf(Operation *op, Block *block) {
  std::unique_ptr<Program> &program = programs[op];
  if (!program) {
    FailureOr<Program> compiled = block ? compileBlock(*block) : compileOp(op);
    if (failed(compiled))
      return failure();
    program = std::make_unique<Program>(std::move(*compiled));
  }
  return program.get();
}

LogicalResult Interpreter::runScalarOp(Operation *op, Frame &frame) {
  FailureOr<Program *> compiled = programOf(op, /*block=*/nullptr);
  if (failed(compiled))
    return failure();
  Program &program = **compiled;
  SmallVector<Slot, 8> slots(program.numSlots);
  for (auto [slot, operand] : llvm::zip(program.arguments, op->getOperands()))
    if (auto *scalar = std::get_if<RefScalar>(&frame.get(operand)))
      writeSlot(slots[slot], *scalar);
  SmallVector<const RefTensor *> tensors;
  for (Value tensor : program.tensors)
    tensors.push_back(frame.tensor(tensor).get());
  RunContext context{tensors};
  propagateRoundings(program, slots.data(), context);
  // Running an extract overwrites the count with the tensor's, which is equal.
  if (const Instruction *failed = run(program, slots.data(), context)) {
    reportFailure(*failed);
    return failure();
  }
  for (auto [slot, result] : llvm::zip(program.results, op->getResults()))
    frame.set(result, readSlot(slots[slot], result.getType()));
  return success();
}

LogicalResult Interpreter::finishNest(LoopNest &nest, Frame &frame) {
  for (auto &[slot, value] : nest.program.captures)
    nest.captures.push_back(frame.scalar(value));
  for (Value tensor : nest.program.tensors)
    nest.tensors.push_back(frame.tensor(tensor));
  FailureOr<Values> results = runLoopNest(nest, threads);
  if (failed(results))
    return failure();
  for (auto [result, value] : llvm::zip(nest.op->getResults(), *results))
    frame.set(result, std::move(value));
  return success();
}

LogicalResult Interpreter::runElementwise(Operation *op, Frame &frame) {
  FailureOr<Program *> program = programOf(op, /*block=*/nullptr);
  if (failed(program))
    return failure();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  unsigned rank = type.getRank();
  LoopNest nest;
  nest.op = op;
  nest.program = **program;
  nest.iterators.assign(rank, utils::IteratorType::parallel);
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(rank, op->getContext());
  AffineMap none = AffineMap::get(rank, 0, op->getContext());
  ArrayRef<int64_t> shape;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    const RefValue &value = frame.get(operand);
    auto *tensor = std::get_if<0>(&value);
    if (tensor)
      shape = (*tensor)->shape;
    nest.inputs.push_back(
        {value, tensor ? identity : none, nest.program.arguments[index]});
  }
  bool isInteger = type.getElementType().isIntOrIndex();
  nest.outputs.push_back({undefinedTensor(shape, isInteger), identity,
                          std::nullopt, nest.program.results[0]});
  return finishNest(nest, frame);
}

LogicalResult Interpreter::runLinalg(linalg::LinalgOp op, Frame &frame) {
  if (!op.hasPureTensorSemantics())
    return cannotInterpret(op);
  FailureOr<Program *> program = programOf(op, op.getBlock());
  if (failed(program))
    return failure();
  LoopNest nest;
  nest.op = op;
  nest.program = **program;
  nest.iterators = op.getIteratorTypesArray();
  // linalg.map may have no block argument for its destination.
  auto slotOf = [&](OpOperand &operand) -> std::optional<unsigned> {
    unsigned number = operand.getOperandNumber();
    Block *block = op.getBlock();
    if (number >= block->getNumArguments() ||
        block->getArgument(number).use_empty())
      return std::nullopt;
    return nest.program.arguments[number];
  };
  for (OpOperand *operand : op.getDpsInputOperands())
    nest.inputs.push_back({frame.get(operand->get()),
                           op.getMatchingIndexingMap(operand),
                           slotOf(*operand)});
  for (auto [index, operand] : llvm::enumerate(op.getDpsInitsMutable()))
    nest.outputs.push_back({frame.tensor(operand.get()),
                            op.getMatchingIndexingMap(&operand),
                            slotOf(operand), nest.program.results[index]});
  return finishNest(nest, frame);
}

LogicalResult Interpreter::runGenerate(tensor::GenerateOp op, Frame &frame) {
  FailureOr<Program *> program = programOf(op, &op.getBody().front());
  if (failed(program))
    return failure();
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<int64_t> extents = frame.integers(op.getDynamicExtents());
  unsigned next = 0;
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = extents[next++];
  if (isTooLarge(shape))
    return op.emitError("'tensor.generate' makes more elements than the "
                        "reference can hold");
  LoopNest nest;
  nest.op = op;
  nest.program = **program;
  nest.iterators.assign(shape.size(), utils::IteratorType::parallel);
  for (auto [loop, slot] : llvm::enumerate(nest.program.arguments))
    nest.program.loopIndices.push_back({slot, unsigned(loop)});
  nest.outputs.push_back(
      {undefinedTensor(shape, type.getElementType().isIntOrIndex()),
       AffineMap::getMultiDimIdentityMap(shape.size(), op.getContext()),
       std::nullopt, nest.program.results[0]});
  return finishNest(nest, frame);
}

FailureOr<SmallVector<RefValue>>
interpret(func::FuncOp entry, ArrayRef<RefValue> arguments, unsigned threads) {
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::min(threads, kMaxThreads);
  return Interpreter(threads).call(entry, arguments);
}

} // namespace indexer::reference
