//===- Program.h - A region as a flat list of instructions ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A straight-line region, or a single scalar op, is compiled once into
// instructions over numbered slots; running it allocates nothing and looks
// nothing up. Widening casts disappear: they share the slot of their operand.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_REFERENCE_PROGRAM_H
#define INDEXER_LIB_REFERENCE_PROGRAM_H

#include "Rounding.h"
#include "indexer/Reference/Value.h"
#include "mlir/IR/Operation.h"
#include "mlir/Support/LLVM.h"

namespace indexer::reference {

enum class Opcode : uint8_t {
  // Float arithmetic: one rounding each.
  Add,
  Sub,
  Mul,
  Div,
  Fma,
  // Exact ones. Max and Min return NaN for a NaN, MaxNum and MinNum the other.
  Max,
  Min,
  MaxNum,
  MinNum,
  Neg,
  Abs,
  // Steps that turn all uncertainty into flip allowance.
  RoundNarrow,
  RoundF32,
  Sqrt,
  Rsqrt,
  Exp,
  Exp2,
  ExpM1,
  Log,
  Log2,
  Log1P,
  Tanh,
  Erf,
  Sin,
  Cos,
  Pow,
  Floor,
  Ceil,
  RoundEven,
  // From and to integers.
  IntToFloat,
  UnsignedToFloat,
  FloatToInt,
  CompareFloat,
  Select,
  // Integers of `width` bits.
  AddI,
  SubI,
  MulI,
  DivS,
  DivU,
  RemS,
  RemU,
  FloorDivS,
  CeilDivS,
  MaxS,
  MaxU,
  MinS,
  MinU,
  And,
  Or,
  Xor,
  Shl,
  ShrS,
  ShrU,
  CompareInt,
  ExtS,
  ExtU,
  TruncI,
  // An element of a captured tensor; a condition that must hold.
  Extract,
  Assert,
};

/// A value while a program runs; as RefScalar, with all channels in place. The
/// integer shares `flip`: not 0 where it is uncertain.
struct Slot {
  double value = 0;
  double magnitude = 0;
  double flip = 0;
  int64_t integer = 0;
  double roundings = 0;
};

/// result = opcode(a, b, c). `a`, `b`, `c` and `result` are slots.
struct Instruction {
  Opcode opcode;
  Format format = Format::None;
  /// Width of the integers, 64 for index: of the operands for CompareInt and
  /// casts to wider types, else of the result.
  uint8_t width = 64;
  /// arith.cmpf and arith.cmpi predicates.
  uint8_t predicate = 0;
  unsigned result = 0, a = 0, b = 0, c = 0;
  /// Extract: number of the tensor in Program::tensors; its indices are
  /// Program::indexSlots[firstIndex...].
  unsigned tensor = 0, firstIndex = 0, numIndices = 0;
  /// gamma of the roundings of `a` and `b`; set by propagateRoundings.
  double errorA = 0, errorB = 0;
  /// Where a failure is reported.
  mlir::Operation *op = nullptr;
};

struct Program {
  unsigned numSlots = 0;
  mlir::SmallVector<Instruction> instructions;
  /// Slots of the block arguments, or of the operands of a single op.
  mlir::SmallVector<unsigned> arguments;
  /// Slots of the terminator's operands, or of the results of a single op.
  mlir::SmallVector<unsigned> results;
  /// Slots that hold a constant.
  mlir::SmallVector<std::pair<unsigned, RefScalar>> constants;
  /// Slots that hold a scalar from outside.
  mlir::SmallVector<std::pair<unsigned, mlir::Value>> captures;
  /// Slots that hold the number of the iteration of a loop (linalg.index).
  mlir::SmallVector<std::pair<unsigned, unsigned>> loopIndices;
  /// Tensors from outside that Extract reads.
  mlir::SmallVector<mlir::Value> tensors;
  mlir::SmallVector<unsigned> indexSlots;
};

/// Emits the error of an op that the reference does not know, and fails.
mlir::LogicalResult cannotInterpret(mlir::Operation *op);

/// Compiles the block of a linalg op or a tensor.generate, down to its
/// terminator. Emits an error at an op that it does not know.
mlir::FailureOr<Program> compileBlock(mlir::Block &block);

/// Compiles one op of arith or math on scalars, or elementwise on tensors.
/// Emits an error when it does not know it.
mlir::FailureOr<Program> compileOp(mlir::Operation *op);

/// Puts a scalar into a slot and back. `type` says whether it is an integer.
void writeSlot(Slot &slot, const RefScalar &scalar);
RefScalar readSlot(const Slot &slot, mlir::Type type);

/// What a running program needs from outside its slots.
struct RunContext {
  mlir::ArrayRef<const RefTensor *> tensors;
};

/// Runs `program` once over `slots`. Returns the instruction that failed (a
/// division by zero, an access out of bounds, an assertion), or null.
const Instruction *run(const Program &program, Slot *slots,
                       const RunContext &context);

/// Emits the error of an instruction that failed.
void reportFailure(const Instruction &instruction);

/// Counts the roundings of every slot in straight-line order, from those of the
/// arguments, captures and constants already in `slots`, and stores the errors
/// of the operands in the instructions.
void propagateRoundings(Program &program, Slot *slots,
                        const RunContext &context);

/// Which channels of a slot differ from those of an exact value.
struct Channels {
  bool magnitude = false;
  bool flip = false;
};

/// Finds the channels of every slot, in straight-line order, from those of the
/// arguments, captures and constants. Call it after propagateRoundings.
void propagateChannels(const Program &program,
                       mlir::MutableArrayRef<Channels> channels,
                       const RunContext &context);

} // namespace indexer::reference

#endif // INDEXER_LIB_REFERENCE_PROGRAM_H
