//===- KernelArguments.cpp - Parameters of a kernel -----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/KernelArguments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace indexer;

/// NVPTX address space of global memory.
static constexpr unsigned globalSpace = 1;

/// Dimension of an operand with map `map` that runs over `loop`.
static std::optional<unsigned> dimAlong(AffineMap map, unsigned loop) {
  for (unsigned dim = 0; dim < map.getNumResults(); ++dim)
    if (map.getDimPosition(dim) == loop)
      return dim;
  return std::nullopt;
}

Value KernelOperand::strideAlong(unsigned loop) const {
  std::optional<unsigned> dim = dimAlong(map, loop);
  return dim ? strides[*dim] : Value();
}

bool indexer::isClonedConstant(Value value) {
  return matchPattern(value, m_Constant());
}

KernelLaunchInfo indexer::launchOf(StringRef name, ScheduleAttr schedule,
                                   KernelArguments &arguments) {
  KernelLaunchInfo launch;
  launch.kernel = name.str();
  launch.family = stringifyFamily(schedule.getFamily()).str();
  launch.maxTokens = schedule.getMaxTokens();
  launch.tileT = schedule.getTileT();
  launch.tileH = schedule.getTileH();
  launch.split = schedule.getSplit();
  launch.threads = schedule.getThreads();
  launch.cluster = schedule.getCluster();
  launch.maxCtas = schedule.getMaxCtas();
  launch.startsEarly = schedule.startsEarly();
  launch.parameters = std::move(arguments.parameters);
  return launch;
}

std::array<ExtentInfo, 3> indexer::extentSources(const FusedGroup &group) {
  // x has t and d, weight has h.
  static constexpr unsigned sources[3] = {0, 1, 0};
  std::array<ExtentInfo, 3> extents;
  for (auto [loop, extent] : llvm::enumerate(group.extents())) {
    extents[loop].extent = extent;
    if (!ShapedType::isDynamic(extent))
      continue;
    extents[loop].operand = sources[loop];
    extents[loop].dim = *dimAlong(group.front().inputMap(sources[loop]), loop);
  }
  return extents;
}

namespace {
/// Collects the parameters of a kernel in order, and hands out the block
/// arguments in the same order once the kernel exists.
class ParameterList {
public:
  /// Adds a parameter; returns its number.
  unsigned add(KernelParameterInfo info, Type type) {
    infos.push_back(info);
    types.push_back(type);
    return types.size() - 1;
  }

  SmallVector<KernelParameterInfo> infos;
  SmallVector<Type> types;
};

/// Parameter numbers of one operand; a scalar has the first only.
struct OperandParameters {
  unsigned first;
  unsigned rank;
  bool isScalar;
};
} // namespace

/// Element type of what is stored for op number `op` of `group`: of a result of
/// the outlined function, which may be narrower than the gate.
static Type storedType(const FusedGroup &group, size_t op) {
  linalg::GenericOp first = group.front().op;
  auto function = first->getParentOfType<func::FuncOp>();
  return getElementTypeOrSelf(function.getResultTypes()[op]);
}

namespace {
/// An operand before the kernel exists.
struct OperandSource {
  Value value;
  AffineMap map;
};
} // namespace

/// The operands of `group`: inputs, then the gates; `ops` gets the numbers of
/// those of each op.
static SmallVector<OperandSource>
collectOperands(const FusedGroup &group, SmallVectorImpl<OpOperands> &ops) {
  const FusedOp &front = group.front();
  SmallVector<OperandSource> operands = {{front.lhs, front.inputMap(0)},
                                         {group.weight, front.inputMap(1)}};
  for (const FusedOp &fused : group.ops) {
    linalg::GenericOp op = fused.op;
    unsigned inputs = op.getNumDpsInputs();
    ops.push_back({unsigned(operands.size()), inputs - 2});
    for (unsigned input = 2; input < inputs; ++input)
      operands.push_back({op.getDpsInputs()[input], fused.inputMap(input)});
  }
  for (auto [op, fused] : llvm::zip(ops, group.ops)) {
    op.result = operands.size();
    operands.push_back({fused.result(), fused.resultMap});
  }
  return operands;
}

gpu::GPUFuncOp indexer::createKernel(OpBuilder &builder,
                                     gpu::GPUModuleOp module, StringRef name,
                                     const FusedGroup &group,
                                     ScheduleAttr schedule,
                                     KernelArguments &arguments,
                                     ArrayRef<KernelParameterInfo> tensorMaps) {
  linalg::GenericOp op = group.front().op;
  MLIRContext *context = op.getContext();
  Location loc = op.getLoc();
  Type i64 = builder.getI64Type();
  Type pointerType = LLVM::LLVMPointerType::get(context, globalSpace);

  SmallVector<OperandSource> sources = collectOperands(group, arguments.ops);
  ParameterList list;
  for (const KernelParameterInfo &tensorMap : tensorMaps)
    list.add(tensorMap, LLVM::LLVMPointerType::get(context));
  SmallVector<int64_t, 3> extents = group.extents();
  std::optional<unsigned> extentParameters[3];
  auto addExtents = [&] {
    for (unsigned loop = 0; loop < 3; ++loop)
      if (ShapedType::isDynamic(extents[loop]))
        extentParameters[loop] =
            list.add({ParameterKind::Extent, loop, 0}, i64);
  };
  // First, so that all that the first loads need, these and what belongs to x
  // and weight, is in one line of the constant cache (four tokens on an H200:
  // 2.25 to 2.18 us). Kernels that start early take longer with it (one token:
  // 1.25 to 1.36 us): there they stand behind the operands.
  if (!schedule.startsEarly())
    addExtents();
  SmallVector<OperandParameters> operandParameters;
  unsigned tensorNumber = 0;
  for (auto [value, map] : sources) {
    bool isScalar = !isa<ShapedType>(value.getType());
    operandParameters.push_back(
        {unsigned(list.types.size()), map.getNumResults(), isScalar});
    // Scalars stand behind the tensors; see below.
    if (isScalar)
      continue;
    list.add({ParameterKind::Pointer, tensorNumber, 0}, pointerType);
    for (unsigned dim = 0; dim < map.getNumResults(); ++dim)
      list.add({ParameterKind::Stride, tensorNumber, dim}, i64);
    ++tensorNumber;
  }

  if (schedule.startsEarly())
    addExtents();

  unsigned scalarNumber = 0;
  for (auto [source, parameters] : llvm::zip(sources, operandParameters))
    if (parameters.isScalar)
      parameters.first = list.add({ParameterKind::Scalar, scalarNumber++, 0},
                                  source.value.getType());
  llvm::SetVector<Value> scalars;
  for (const FusedOp &fused : group.ops)
    scalars.insert_range(fused.scalars);
  SmallVector<std::pair<Value, unsigned>> scalarParameters;
  for (Value scalar : scalars)
    if (!isClonedConstant(scalar))
      scalarParameters.emplace_back(
          scalar, list.add({ParameterKind::Scalar, scalarNumber++, 0},
                           scalar.getType()));

  // The kernel.
  builder.setInsertionPointToEnd(module.getBody());
  auto kernel = gpu::GPUFuncOp::create(
      builder, loc, name, FunctionType::get(context, list.types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                  builder.getUnitAttr());
  kernel.setKnownBlockSize(
      ArrayRef<int32_t>{int32_t(schedule.getThreads()), 1, 1});
  if (!tensorMaps.empty())
    kernel->setAttr(tensorMapsAttrName,
                    builder.getDenseI32ArrayAttr(llvm::to_vector(
                        llvm::seq<int32_t>(0, tensorMaps.size()))));
  for (size_t number = 0; number < tensorMaps.size(); ++number)
    arguments.tensorMaps.push_back(kernel.getArgument(number));
  Block *entry = &kernel.getBody().front();
  builder.setInsertionPointToEnd(entry);
  builder.setInsertionPoint(gpu::ReturnOp::create(builder, loc));

  for (auto [source, parameters] : llvm::zip(sources, operandParameters)) {
    KernelOperand operand;
    operand.elementType = getElementTypeOrSelf(source.value);
    operand.map = source.map;
    if (parameters.isScalar) {
      operand.scalar = kernel.getArgument(parameters.first);
    } else {
      operand.pointer = kernel.getArgument(parameters.first);
      for (unsigned dim = 0; dim < parameters.rank; ++dim)
        operand.strides.push_back(
            kernel.getArgument(parameters.first + 1 + dim));
    }
    arguments.operands.push_back(std::move(operand));
  }
  for (unsigned loop = 0; loop < 3; ++loop)
    arguments.extents[loop] =
        extentParameters[loop]
            ? Value(kernel.getArgument(*extentParameters[loop]))
            : Value(arith::ConstantIntOp::create(builder, loc, extents[loop],
                                                 64));
  for (auto [scalar, number] : scalarParameters)
    arguments.scalars.map(scalar, kernel.getArgument(number));
  for (Value scalar : scalars)
    if (isClonedConstant(scalar))
      arguments.scalars.map(
          scalar, builder.clone(*scalar.getDefiningOp())->getResult(0));
  for (auto [number, operands] : llvm::enumerate(arguments.ops))
    arguments.operands[operands.result].elementType = storedType(group, number);
  arguments.parameters = std::move(list.infos);
  return kernel;
}
