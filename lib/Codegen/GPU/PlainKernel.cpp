//===- PlainKernel.cpp - The family that is always right ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fused op, or a group of them, in, a gpu.func out that computes it for every
// T >= 1, H, E, element type, stride and epilogue. A CTA owns tile_t x tile_h
// outputs, its threads share the elements of d:
//
//   for d in my groups of 16 bytes:   // when rows are contiguous and aligned
//     load tile_t rows of x, tile_h rows of weight; acc[i][j] += x[i] * w[j]
//   for d in my elements:             // the rest, or everything
//     the same, one element at a time
//   sum acc over the threads (BlockReduction)
//   for each output (one thread each): epilogue, store
//
// Rows past the end are clamped to the last one: they are loaded, multiplied
// and not stored. That keeps all threads together at the shuffles and the
// barrier. The rows of a tile do not mix, so a row's bits depend neither on T
// nor on its place in the tile.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/PlainKernel.h"

#include "indexer/Codegen/GPU/BlockReduction.h"
#include "indexer/Codegen/GPU/Epilogue.h"
#include "indexer/Codegen/GPU/GlobalMemory.h"
#include "indexer/Codegen/GPU/KernelArguments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace indexer;

/// Bytes of the widest load.
static constexpr int64_t vectorBytes = 16;

namespace {
/// Emits the body of one kernel. All integers are i64.
class PlainKernelBuilder {
public:
  PlainKernelBuilder(OpBuilder &builder, const FusedGroup &group,
                     ScheduleAttr schedule, KernelArguments &arguments)
      : builder(builder), loc(linalg::GenericOp(group.front().op).getLoc()),
        group(group), schedule(schedule), arguments(arguments) {}

  void build(gpu::GPUFuncOp kernel);

private:
  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  }
  Value add(Value a, Value b) {
    return builder.createOrFold<arith::AddIOp>(loc, a, b);
  }
  Value multiply(Value a, Value b) {
    return builder.createOrFold<arith::MulIOp>(loc, a, b);
  }
  Value lessThan(Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, b);
  }
  Value toInteger(Value index) {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      index);
  }

  SmallVector<Value> rowAddresses(const KernelOperand &operand, unsigned loop,
                                  Value first, int64_t count);
  Value vectorizedExtent(int64_t width);
  SmallVector<Value> accumulateRange(Value begin, Value end, int64_t width,
                                     ValueRange accumulators);
  SmallVector<Value> accumulateStep(Value d, int64_t width,
                                    ValueRange accumulators);
  Value contract(Value sum, Value lhs, Value rhs);
  void storeOutputs(BlockReduction &reduction);
  void storeOutput(BlockReduction &reduction, Value output, Value t, Value h);

  OpBuilder &builder;
  Location loc;
  const FusedGroup &group;
  ScheduleAttr schedule;
  KernelArguments &arguments;

  /// Number of this thread; first token and head of the tile.
  Value thread, firstT, firstH;
  /// Addresses of the tile's rows of x and weight, at d = 0.
  SmallVector<Value> lhsRows, rhsRows;
};
} // namespace

/// Addresses of `count` rows of `operand` along `loop` from index `first` on;
/// rows past the end are the last row.
SmallVector<Value>
PlainKernelBuilder::rowAddresses(const KernelOperand &operand, unsigned loop,
                                 Value first, int64_t count) {
  Value last =
      arith::SubIOp::create(builder, loc, arguments.extents[loop], constant(1));
  SmallVector<Value> rows;
  for (int64_t row = 0; row < count; ++row) {
    Value indices[3];
    indices[loop] =
        arith::MinSIOp::create(builder, loc, add(first, constant(row)), last);
    rows.push_back(elementAddress(builder, loc, operand, indices));
  }
  return rows;
}

/// How much of d can be read in groups of `width` elements: all full groups
/// when both operands are contiguous along d and every row starts on a multiple
/// of a group, else nothing.
Value PlainKernelBuilder::vectorizedExtent(int64_t width) {
  // Any bit that is left in here forbids it.
  Value obstacles;
  auto forbid = [&](Value bits) {
    obstacles = obstacles
                    ? Value(arith::OrIOp::create(builder, loc, obstacles, bits))
                    : bits;
  };
  auto remainder = [&](Value value, int64_t powerOfTwo) -> Value {
    return arith::AndIOp::create(builder, loc, value, constant(powerOfTwo - 1));
  };
  auto inspect = [&](const KernelOperand &operand, unsigned rowLoop) {
    forbid(arith::XOrIOp::create(
        builder, loc, operand.strideAlong(FusedOp::dLoop), constant(1)));
    forbid(remainder(operand.strideAlong(rowLoop), width));
    Value address = LLVM::PtrToIntOp::create(builder, loc, builder.getI64Type(),
                                             operand.pointer);
    forbid(remainder(address, width * elementBytes(operand)));
  };
  inspect(arguments.lhs(), FusedOp::tLoop);
  inspect(arguments.rhs(), FusedOp::hLoop);

  Value isAllowed = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::eq, obstacles, constant(0));
  Value fullGroups = arith::AndIOp::create(
      builder, loc, arguments.extents[FusedOp::dLoop], constant(-width));
  return arith::SelectOp::create(builder, loc, isAllowed, fullGroups,
                                 constant(0));
}

/// The contraction of one element. Its product and sum may become one FMA.
Value PlainKernelBuilder::contract(Value sum, Value lhs, Value rhs) {
  Value result = cloneContraction(builder, group.front(), sum, lhs, rhs);
  auto addition = result.getDefiningOp<arith::AddFOp>();
  addition.setFastmath(arith::FastMathFlags::contract);
  for (Value term : addition->getOperands())
    if (auto product = term.getDefiningOp<arith::MulFOp>())
      product.setFastmath(arith::FastMathFlags::contract);
  return result;
}

/// Adds elements d ... d + width - 1 of all rows to the accumulators.
SmallVector<Value> PlainKernelBuilder::accumulateStep(Value d, int64_t width,
                                                      ValueRange accumulators) {
  auto load = [&](const KernelOperand &operand, ArrayRef<Value> rows) {
    // A vector is only read where the stride is 1.
    Value offset =
        width == 1 ? multiply(d, operand.strideAlong(FusedOp::dLoop)) : d;
    SmallVector<SmallVector<Value>> elements;
    for (Value row : rows)
      elements.push_back(
          loadElements(builder, loc, operand,
                       advance(builder, loc, operand, row, offset), width));
    return elements;
  };
  SmallVector<SmallVector<Value>> lhs = load(arguments.lhs(), lhsRows);
  SmallVector<SmallVector<Value>> rhs = load(arguments.rhs(), rhsRows);

  SmallVector<Value> sums(accumulators);
  for (int64_t element = 0; element < width; ++element)
    for (auto [i, lhsRow] : llvm::enumerate(lhs))
      for (auto [j, rhsRow] : llvm::enumerate(rhs)) {
        Value &sum = sums[i * rhs.size() + j];
        sum = contract(sum, lhsRow[element], rhsRow[element]);
      }
  return sums;
}

/// Adds this thread's share of the elements begin ... end - 1 to the
/// accumulators, in groups of `width`.
SmallVector<Value>
PlainKernelBuilder::accumulateRange(Value begin, Value end, int64_t width,
                                    ValueRange accumulators) {
  Value first = add(begin, multiply(thread, constant(width)));
  Value step = constant(schedule.getThreads() * width);
  auto loop = scf::ForOp::create(builder, loc, first, end, step, accumulators);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> sums =
      accumulateStep(loop.getInductionVar(), width, loop.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, sums);
  return loop.getResults();
}

/// Runs the epilogue of output number `output` of the tile, at (t, h), and
/// stores the gate.
void PlainKernelBuilder::storeOutput(BlockReduction &reduction, Value output,
                                     Value t, Value h) {
  KernelBuilder kernel(builder, loc);
  Value sum = reduction.collect(builder, loc, output);
  storeGate(kernel, group, arguments, sum,
            loadEpilogueOperands(kernel, group, arguments, t, h), t, h);
}

/// Hands the outputs of the tile to the threads, heads fastest.
void PlainKernelBuilder::storeOutputs(BlockReduction &reduction) {
  Value tileH = constant(schedule.getTileH());
  auto loop =
      scf::ForOp::create(builder, loc, thread, constant(schedule.getOutputs()),
                         constant(schedule.getThreads()));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value output = loop.getInductionVar();
  Value t = add(firstT, arith::DivUIOp::create(builder, loc, output, tileH));
  Value h = add(firstH, arith::RemUIOp::create(builder, loc, output, tileH));
  Value isInside = arith::AndIOp::create(
      builder, loc, lessThan(t, arguments.extents[FusedOp::tLoop]),
      lessThan(h, arguments.extents[FusedOp::hLoop]));
  auto inside = scf::IfOp::create(builder, loc, isInside);
  builder.setInsertionPointToStart(inside.thenBlock());
  storeOutput(reduction, output, t, h);
}

void PlainKernelBuilder::build(gpu::GPUFuncOp kernel) {
  BlockReduction reduction(kernel, schedule.getWarps(), schedule.getOutputs());

  thread = toInteger(gpu::ThreadIdOp::create(builder, loc, gpu::Dimension::x));
  Value blockT =
      toInteger(gpu::BlockIdOp::create(builder, loc, gpu::Dimension::x));
  Value blockH =
      toInteger(gpu::BlockIdOp::create(builder, loc, gpu::Dimension::y));
  firstT = multiply(blockT, constant(schedule.getTileT()));
  firstH = multiply(blockH, constant(schedule.getTileH()));
  lhsRows = rowAddresses(arguments.lhs(), FusedOp::tLoop, firstT,
                         schedule.getTileT());
  rhsRows = rowAddresses(arguments.rhs(), FusedOp::hLoop, firstH,
                         schedule.getTileH());

  int64_t width = vectorBytes / std::max(elementBytes(arguments.lhs()),
                                         elementBytes(arguments.rhs()));
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  SmallVector<Value> sums(schedule.getOutputs(), zero);
  Value vectorized = vectorizedExtent(width);
  sums = accumulateRange(constant(0), vectorized, width, sums);
  sums =
      accumulateRange(vectorized, arguments.extents[FusedOp::dLoop], 1, sums);

  reduction.deposit(builder, loc, thread, sums);
  storeOutputs(reduction);
}

KernelLaunchInfo indexer::buildPlainKernel(gpu::GPUModuleOp module,
                                           StringRef name,
                                           const FusedGroup &group,
                                           ScheduleAttr schedule) {
  OpBuilder builder(module.getContext());
  KernelArguments arguments;
  gpu::GPUFuncOp kernel =
      createKernel(builder, module, name, group, schedule, arguments);
  PlainKernelBuilder(builder, group, schedule, arguments).build(kernel);

  KernelLaunchInfo launch = launchOf(name, schedule, arguments);
  return launch;
}
