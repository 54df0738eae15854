//===- Program.cpp - A region as a flat list of instructions --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From ops of arith, math, tensor.extract, linalg.index and cf.assert to
// instructions.
//
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Index/IR/IndexOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

using namespace mlir;

namespace indexer::reference {

/// The opcode of an op whose operands and result map one to one, if it has one.
static std::optional<Opcode> simpleOpcode(Operation *op) {
  static const llvm::StringMap<Opcode> opcodes = {
      {"arith.addf", Opcode::Add},
      {"arith.subf", Opcode::Sub},
      {"arith.mulf", Opcode::Mul},
      {"arith.divf", Opcode::Div},
      {"arith.maximumf", Opcode::Max},
      {"arith.minimumf", Opcode::Min},
      {"arith.maxnumf", Opcode::MaxNum},
      {"arith.minnumf", Opcode::MinNum},
      {"arith.negf", Opcode::Neg},
      {"arith.sitofp", Opcode::IntToFloat},
      {"arith.uitofp", Opcode::UnsignedToFloat},
      {"arith.fptosi", Opcode::FloatToInt},
      {"arith.fptoui", Opcode::FloatToInt},
      {"arith.cmpf", Opcode::CompareFloat},
      {"arith.cmpi", Opcode::CompareInt},
      {"arith.select", Opcode::Select},
      {"arith.addi", Opcode::AddI},
      {"arith.subi", Opcode::SubI},
      {"arith.muli", Opcode::MulI},
      {"arith.divsi", Opcode::DivS},
      {"arith.divui", Opcode::DivU},
      {"arith.remsi", Opcode::RemS},
      {"arith.remui", Opcode::RemU},
      {"arith.floordivsi", Opcode::FloorDivS},
      {"arith.ceildivsi", Opcode::CeilDivS},
      {"arith.maxsi", Opcode::MaxS},
      {"arith.maxui", Opcode::MaxU},
      {"arith.minsi", Opcode::MinS},
      {"arith.minui", Opcode::MinU},
      {"arith.andi", Opcode::And},
      {"arith.ori", Opcode::Or},
      {"arith.xori", Opcode::Xor},
      {"arith.shli", Opcode::Shl},
      {"arith.shrsi", Opcode::ShrS},
      {"arith.shrui", Opcode::ShrU},
      {"arith.extsi", Opcode::ExtS},
      {"arith.extui", Opcode::ExtU},
      {"arith.trunci", Opcode::TruncI},
      {"arith.index_cast", Opcode::ExtS},
      {"arith.index_castui", Opcode::ExtU},
      {"math.fma", Opcode::Fma},
      {"math.absf", Opcode::Abs},
      {"math.sqrt", Opcode::Sqrt},
      {"math.rsqrt", Opcode::Rsqrt},
      {"math.exp", Opcode::Exp},
      {"math.exp2", Opcode::Exp2},
      {"math.expm1", Opcode::ExpM1},
      {"math.log", Opcode::Log},
      {"math.log2", Opcode::Log2},
      {"math.log1p", Opcode::Log1P},
      {"math.tanh", Opcode::Tanh},
      {"math.erf", Opcode::Erf},
      {"math.sin", Opcode::Sin},
      {"math.cos", Opcode::Cos},
      {"math.powf", Opcode::Pow},
      {"math.floor", Opcode::Floor},
      {"math.ceil", Opcode::Ceil},
      {"math.roundeven", Opcode::RoundEven},
      {"cf.assert", Opcode::Assert},
      {"index.add", Opcode::AddI},
      {"index.sub", Opcode::SubI},
      {"index.mul", Opcode::MulI},
      {"index.divs", Opcode::DivS},
      {"index.divu", Opcode::DivU},
      {"index.rems", Opcode::RemS},
      {"index.remu", Opcode::RemU},
      {"index.cmp", Opcode::CompareInt},
      {"index.maxs", Opcode::MaxS},
      {"index.mins", Opcode::MinS},
  };
  auto it = opcodes.find(op->getName().getStringRef());
  if (it == opcodes.end())
    return std::nullopt;
  return it->second;
}

/// Bits of an integer type; 64 for index and for what is none.
static uint8_t widthOf(Type type) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  return integer ? std::min(integer.getWidth(), 64u) : 64;
}

/// Whether programs can hold elements of `type`.
static bool isSupported(Type type) {
  if (isa<VectorType, MemRefType, UnrankedTensorType>(type))
    return false;
  Type element = getElementTypeOrSelf(type);
  if (auto integer = dyn_cast<IntegerType>(element))
    return integer.getWidth() <= 64;
  return element.isIndex() || element.isBF16() || element.isF16() ||
         element.isF32() || element.isF64();
}

LogicalResult cannotInterpret(Operation *op) {
  return op->emitError("the reference cannot interpret '")
         << op->getName() << "'";
}

namespace {
/// Builds a program op by op.
class ProgramBuilder {
public:
  /// Makes `value` an argument.
  void addArgument(Value value) {
    unsigned slot = newSlot();
    slots[value] = slot;
    program.arguments.push_back(slot);
  }
  /// Makes slots for an operand list in which a value may occur twice.
  void addOperands(Operation *op) {
    for (Value operand : op->getOperands()) {
      program.arguments.push_back(newSlot());
      slots[operand] = program.arguments.back();
    }
    for (auto [index, operand] : llvm::enumerate(op->getOperands()))
      program.arguments[index] = slots[operand];
  }
  void addResult(Value value) { program.results.push_back(slotOf(value)); }

  /// Appends `op`. Emits an error if it is unknown.
  LogicalResult add(Operation *op);

  Program program;

private:
  unsigned newSlot() { return program.numSlots++; }
  /// The slot of `value`; one from outside becomes a capture.
  unsigned slotOf(Value value);
  LogicalResult addConstant(arith::ConstantOp op);
  void addExtract(tensor::ExtractOp op);
  /// Rounds a bf16 or f16 result in place.
  void addNarrowing(Operation *op, unsigned slot);

  llvm::DenseMap<Value, unsigned> slots;
};
} // namespace

unsigned ProgramBuilder::slotOf(Value value) {
  auto [it, isNew] = slots.try_emplace(value, 0);
  if (isNew) {
    it->second = newSlot();
    program.captures.push_back({it->second, value});
  }
  return it->second;
}

LogicalResult ProgramBuilder::addConstant(arith::ConstantOp op) {
  RefScalar scalar;
  if (auto value = dyn_cast<FloatAttr>(op.getValue()))
    scalar = RefScalar::ofFloat(value.getValueAsDouble());
  else if (auto value = dyn_cast<IntegerAttr>(op.getValue()))
    scalar = RefScalar::ofInteger(op.getType().isInteger(1)
                                      ? int64_t(!value.getValue().isZero())
                                      : value.getValue().getSExtValue());
  else
    return cannotInterpret(op);
  unsigned slot = newSlot();
  slots[op.getResult()] = slot;
  program.constants.push_back({slot, scalar});
  return success();
}

void ProgramBuilder::addExtract(tensor::ExtractOp op) {
  Instruction instruction;
  instruction.opcode = Opcode::Extract;
  instruction.op = op;
  instruction.tensor = program.tensors.size();
  program.tensors.push_back(op.getTensor());
  instruction.firstIndex = program.indexSlots.size();
  instruction.numIndices = op.getIndices().size();
  for (Value index : op.getIndices())
    program.indexSlots.push_back(slotOf(index));
  instruction.result = newSlot();
  slots[op.getResult()] = instruction.result;
  program.instructions.push_back(instruction);
}

void ProgramBuilder::addNarrowing(Operation *op, unsigned slot) {
  Format format = formatOf(getElementTypeOrSelf(op->getResult(0).getType()));
  if (format != Format::BF16 && format != Format::F16)
    return;
  Instruction round;
  round.opcode = Opcode::RoundNarrow;
  round.format = format;
  round.op = op;
  round.a = slot;
  round.result = newSlot();
  slots[op->getResult(0)] = round.result;
  program.instructions.push_back(round);
}

LogicalResult ProgramBuilder::add(Operation *op) {
  for (Type type : op->getResultTypes())
    if (!isSupported(type))
      return cannotInterpret(op);
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return addConstant(constant);
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    addExtract(extract);
    return success();
  }
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    slots[index.getResult()] = newSlot();
    program.loopIndices.push_back({slots[index.getResult()], index.getDim()});
    return success();
  }
  for (Value operand : op->getOperands())
    if (!isSupported(operand.getType()))
      return cannotInterpret(op);
  if (isa<arith::ExtFOp>(op)) {
    unsigned slot = slotOf(op->getOperand(0));
    slots[op->getResult(0)] = slot;
    return success();
  }
  Instruction instruction;
  instruction.op = op;
  if (isa<arith::TruncFOp>(op)) {
    // Narrowing to bf16 and f16 is done below; nothing is narrower than those.
    Type type = getElementTypeOrSelf(op->getResult(0).getType());
    instruction.format = formatOf(type);
    instruction.opcode = type.isF32() ? Opcode::RoundF32 : Opcode::RoundNarrow;
  } else if (std::optional<Opcode> opcode = simpleOpcode(op)) {
    instruction.opcode = *opcode;
  } else {
    return cannotInterpret(op);
  }

  unsigned *operandSlots[] = {&instruction.a, &instruction.b, &instruction.c};
  for (auto [slot, operand] : llvm::zip(operandSlots, op->getOperands()))
    *slot = slotOf(operand);
  bool ofOperand = isa<arith::CmpIOp, index::CmpOp, arith::ExtSIOp,
                       arith::ExtUIOp, arith::SIToFPOp, arith::UIToFPOp>(op);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    uint8_t from = widthOf(op->getOperand(0).getType());
    uint8_t to = widthOf(op->getResult(0).getType());
    if (to < from)
      instruction.opcode = Opcode::TruncI;
    instruction.width = std::min(from, to);
  } else if (ofOperand || op->getNumResults() == 0) {
    instruction.width = widthOf(op->getOperand(0).getType());
  } else {
    instruction.width = widthOf(op->getResult(0).getType());
  }
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    instruction.predicate = uint8_t(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    instruction.predicate = uint8_t(compare.getPredicate());
  // The predicates of both dialects have one numbering.
  if (auto compare = dyn_cast<index::CmpOp>(op))
    instruction.predicate = uint8_t(compare.getPred());
  // Whether the conversion of an integer to a float rounds.
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op))
    instruction.format =
        formatOf(getElementTypeOrSelf(op->getResult(0).getType()));

  instruction.result = newSlot();
  if (op->getNumResults() == 1)
    slots[op->getResult(0)] = instruction.result;
  program.instructions.push_back(instruction);
  bool isExact =
      isa<arith::SelectOp, arith::TruncFOp, arith::NegFOp, arith::MaximumFOp,
          arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp, math::AbsFOp>(
          op);
  if (!isExact && op->getNumResults() == 1)
    addNarrowing(op, instruction.result);
  return success();
}

FailureOr<Program> compileBlock(Block &block) {
  ProgramBuilder builder;
  for (Value argument : block.getArguments())
    builder.addArgument(argument);
  for (Operation &op : block.without_terminator())
    if (failed(builder.add(&op)))
      return failure();
  for (Value operand : block.getTerminator()->getOperands())
    builder.addResult(operand);
  return std::move(builder.program);
}

FailureOr<Program> compileOp(Operation *op) {
  ProgramBuilder builder;
  builder.addOperands(op);
  if (failed(builder.add(op)))
    return failure();
  for (Value result : op->getResults())
    builder.addResult(result);
  return std::move(builder.program);
}

} // namespace indexer::reference
