//===- GenerateKernels.cpp - Kernels of outlined functions ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Outlined functions in; for each a gpu.module with one kernel per schedule,
// and a declaration with the launch metadata, out. How a kernel looks is up to
// its family (PlainKernel, DotKernel, RegisterMmaKernel, CpAsyncWgmmaKernel,
// TmaWgmmaKernel).
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/CpAsyncWgmmaKernel.h"
#include "indexer/Codegen/GPU/DotKernel.h"
#include "indexer/Codegen/GPU/KernelArguments.h"
#include "indexer/Codegen/GPU/LaunchMetadata.h"
#include "indexer/Codegen/GPU/Passes.h"
#include "indexer/Codegen/GPU/PlainKernel.h"
#include "indexer/Codegen/GPU/RegisterMmaKernel.h"
#include "indexer/Codegen/GPU/TmaWgmmaKernel.h"
#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Schedule/FusedGroup.h"
#include "indexer/Schedule/ReductionOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/StringMap.h"

namespace indexer {
#define GEN_PASS_DEF_GENERATEKERNELS
#include "indexer/Codegen/GPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

namespace {
/// The fused ops of an outlined function.
struct OutlinedOps {
  FusedGroup group;
  SmallVector<ScheduleAttr> schedules;
};
} // namespace

/// What `value` rounds to a narrower float, or `value`.
static Value stripRounding(Value value) {
  auto rounding = value.getDefiningOp<arith::TruncFOp>();
  return rounding ? rounding.getIn() : value;
}

/// True when `func` returns the gate of each op of `group`, in order, rounded
/// or not.
static bool returnsGates(func::FuncOp func, const FusedGroup &group) {
  auto ret = dyn_cast<func::ReturnOp>(func.front().getTerminator());
  return ret && ret.getNumOperands() == group.ops.size() &&
         llvm::all_of(llvm::zip(ret.getOperands(), group.ops), [](auto pair) {
           auto [returned, fused] = pair;
           return stripRounding(returned) == fused.result();
         });
}

/// Reads the body of `func`; emits an error when it is not the fused ops of one
/// group with schedules, whose inputs are the function's arguments, in order.
static FailureOr<OutlinedOps> readOutlined(func::FuncOp func) {
  auto generics = llvm::to_vector(func.getOps<linalg::GenericOp>());
  if (!func.getBody().hasOneBlock() || generics.empty())
    return func.emitOpError() << "has '" << outlinedAttrName
                              << "' but its body is not one fused op";
  linalg::GenericOp op = generics.front();
  std::string why;
  FailureOr<FusedGroup> group = FusedGroup::read(generics, &why);
  if (failed(group))
    return op.emitOpError()
           << "in a function with '" << outlinedAttrName << "' is not "
           << (generics.size() == 1 ? "a fused op: " : "of a group: ") << why;
  if (!llvm::equal(group->arguments(isClonedConstant), func.getArguments()) ||
      !returnsGates(func, *group))
    return op.emitOpError()
           << "in a function with '" << outlinedAttrName
           << "' must take its arguments in order, inputs before scalars, and "
              "only the gate is returned";

  auto array = op->getAttrOfType<ArrayAttr>(schedulesAttrName);
  if (!array || array.empty() ||
      !llvm::all_of(array, llvm::IsaPred<ScheduleAttr>))
    return op.emitOpError() << "has no '" << schedulesAttrName
                            << "', expected an array of one "
                               "'#indexer.schedule' or more";
  return OutlinedOps{*group,
                     llvm::map_to_vector(array, llvm::CastTo<ScheduleAttr>)};
}

/// The loops of each operand's dimensions, the results last.
static ArrayAttr operandLoops(Builder &builder, const FusedGroup &group) {
  SmallVector<Attribute> loops;
  auto add = [&](AffineMap map) {
    SmallVector<int64_t> dims;
    for (unsigned result = 0; result < map.getNumResults(); ++result)
      dims.push_back(map.getDimPosition(result));
    loops.push_back(builder.getDenseI64ArrayAttr(dims));
  };
  add(group.front().inputMap(0));
  add(group.front().inputMap(1));
  for (const FusedOp &fused : group.ops) {
    linalg::GenericOp op = fused.op;
    for (OpOperand *input : llvm::drop_begin(op.getDpsInputOperands(), 2))
      if (isa<ShapedType>(input->get().getType()))
        add(op.getMatchingIndexingMap(input));
  }
  for (const FusedOp &fused : group.ops)
    add(fused.resultMap);
  return builder.getArrayAttr(loops);
}

/// The heads of each operand, the results last: the first among those of the
/// group, and how many.
static ArrayAttr operandHeads(Builder &builder, const FusedGroup &group) {
  SmallVector<Attribute> inputs, results;
  int64_t all = group.extents()[FusedOp::hLoop];
  auto range = [&](int64_t first, int64_t count) {
    return builder.getDenseI64ArrayAttr({first, count});
  };
  inputs.append(2, range(0, all));
  for (auto [number, fused] : llvm::enumerate(group.ops)) {
    linalg::GenericOp op = fused.op;
    Attribute own =
        range(group.firstHeads[number], fused.extents()[FusedOp::hLoop]);
    for (Value input : llvm::drop_begin(op.getDpsInputs(), 2))
      if (isa<ShapedType>(input.getType()))
        inputs.push_back(own);
    results.push_back(own);
  }
  llvm::append_range(inputs, results);
  return builder.getArrayAttr(inputs);
}

/// `schedule` for up to `maxTokens` tokens.
static ScheduleAttr withMaxTokens(ScheduleAttr schedule, int64_t maxTokens) {
  return ScheduleAttr::get(
      schedule.getContext(), schedule.getFamily(), schedule.getTileT(),
      schedule.getTileH(), schedule.getThreads(), schedule.getCluster(),
      schedule.getTileD(), schedule.getStages(), schedule.getParts(),
      schedule.getMulticast(), schedule.getMaxCtas(), schedule.getWeights(),
      maxTokens);
}

/// Number of the weight among the operands of a fused op.
static constexpr unsigned weightOperand = 1;

/// Builds the kernel of `schedule`.
static KernelLaunchInfo buildKernel(gpu::GPUModuleOp module, StringRef name,
                                    const FusedGroup &group,
                                    ScheduleAttr schedule) {
  switch (schedule.getFamily()) {
  case Family::Plain:
    break;
  case Family::Dot:
    return buildDotKernel(module, name, group, schedule);
  case Family::RegisterMma:
    return buildRegisterMmaKernel(module, name, group, schedule);
  case Family::CpAsyncWgmma:
    return buildCpAsyncWgmmaKernel(module, name, group, schedule);
  case Family::TmaWgmma:
    return buildTmaWgmmaKernel(module, name, group, schedule);
  }
  return buildPlainKernel(module, name, group, schedule);
}

namespace {
/// A launch and its kernel before they are built.
struct PlannedKernel {
  ScheduleAttr schedule;
  std::string name;
  /// The launch serves from here up to the schedule's `max_tokens`.
  int64_t minTokens;
};
} // namespace

/// One launch for each of `schedules`, of the outlined function `function`.
/// Schedules that differ in their tokens alone share a kernel.
static SmallVector<PlannedKernel>
planKernels(StringRef function, ArrayRef<ScheduleAttr> schedules) {
  SmallVector<PlannedKernel> plans;
  llvm::StringMap<unsigned> numbers;
  llvm::SmallDenseMap<ScheduleAttr, std::string> names;
  // Kernels without conditions serve what those with conditions cannot take, so
  // their ranges start again from one token.
  int64_t minTokens = 1;
  bool wasConditional = false;
  for (ScheduleAttr schedule : schedules) {
    if (wasConditional && !schedule.isConditional())
      minTokens = 1;
    wasConditional = schedule.isConditional();
    auto [known, isNew] =
        names.try_emplace(withMaxTokens(schedule, unboundedTokens));
    if (isNew) {
      StringRef family = stringifyFamily(schedule.getFamily());
      known->second = (function + "_" + family).str();
      if (unsigned number = numbers[family]++)
        known->second += std::to_string(number);
    }
    plans.push_back({schedule, known->second, minTokens});
    if (!schedule.isUnbounded())
      minTokens = schedule.getMaxTokens() + 1;
  }
  return plans;
}

/// Leaves of `plans` what serves `tokens` tokens: the one with conditions where
/// there is one; with `anyLayout`, or where there is none, the one without.
/// That one loses the tokens of the others with conditions, which come before
/// it among all.
static void keepServing(SmallVectorImpl<PlannedKernel> &plans, int64_t tokens,
                        bool anyLayout) {
  int64_t first = 1, last = unboundedTokens;
  for (const PlannedKernel &plan : plans) {
    if (!plan.schedule.isConditional())
      continue;
    if (plan.schedule.getMaxTokens() < tokens)
      first = std::max(first, plan.schedule.getMaxTokens() + 1);
    if (plan.minTokens > tokens)
      last = std::min(last, plan.minTokens - 1);
  }
  llvm::erase_if(plans, [&](PlannedKernel &plan) {
    return tokens < plan.minTokens || tokens > plan.schedule.getMaxTokens();
  });
  if (!plans.empty() && plans.front().schedule.isConditional() && !anyLayout)
    plans.truncate(1);
  for (PlannedKernel &plan : plans)
    if (!plan.schedule.isConditional()) {
      plan.minTokens = std::max(plan.minTokens, first);
      plan.schedule = withMaxTokens(
          plan.schedule, std::min(plan.schedule.getMaxTokens(), last));
    }
}

/// Builds the kernels of `func`, those for `tokens` tokens where that is not 0,
/// and makes it a declaration.
static LogicalResult generateKernels(func::FuncOp func, SymbolTable &symbols,
                                     int64_t tokens, bool anyLayout) {
  FailureOr<OutlinedOps> outlined = readOutlined(func);
  if (failed(outlined))
    return failure();
  const FusedGroup &group = outlined->group;

  OpBuilder builder(func.getContext());
  auto module = gpu::GPUModuleOp::create(builder, func.getLoc(),
                                         (func.getName() + "_kernels").str());
  FusedKernelInfo info;
  info.kernelsModule =
      symbols.insert(module, std::next(func->getIterator())).str();
  info.extents = extentSources(group);
  for (BlockArgument argument : func.getArguments())
    if (!isa<ShapedType>(argument.getType()))
      info.scalars.push_back(argument.getArgNumber());

  SmallVector<PlannedKernel> plans =
      planKernels(func.getName(), outlined->schedules);
  if (tokens)
    keepServing(plans, tokens, anyLayout);
  if (plans.empty())
    return group.front().op->emitOpError()
           << "has no schedule that serves " << tokens << " tokens";
  llvm::StringMap<KernelLaunchInfo> built;
  for (const PlannedKernel &plan : plans) {
    auto [known, isNew] = built.try_emplace(plan.name);
    if (isNew)
      known->second =
          buildKernel(module, plan.name, group,
                      withMaxTokens(plan.schedule, unboundedTokens));
    KernelLaunchInfo launch = known->second;
    launch.maxTokens = std::min(plan.schedule.getMaxTokens(), launch.maxTokens);
    launch.order = reductionOrder(plan.schedule);
    if (launch.startsEarly)
      launch.staticOperands = {weightOperand};
    launch.minTokens = plan.minTokens;
    info.launches.push_back(std::move(launch));
  }

  // The contraction is cloned for each output: its widened operands and its
  // constants are repeated.
  IRRewriter rewriter(func.getContext());
  DominanceInfo dominance(module);
  eliminateCommonSubExpressions(rewriter, dominance, module);

  func->setAttr(loopsAttrName, operandLoops(builder, group));
  if (!group.isSingle())
    func->setAttr(headsAttrName, operandHeads(builder, group));
  func.eraseBody();
  func.setPrivate();
  func->removeAttr(outlinedAttrName);
  func->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                builder.getUnitAttr());
  for (unsigned number = 0; number < func.getNumArguments(); ++number)
    if (isa<ShapedType>(func.getArgumentTypes()[number]))
      func.setArgAttr(number, "bufferization.access",
                      builder.getStringAttr("read"));
  writeFusedKernel(func, info);
  return success();
}

namespace {
struct GenerateKernels
    : public indexer::impl::GenerateKernelsBase<GenerateKernels> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (tokens < 0) {
      module.emitError() << "option 'tokens' of 'indexer-generate-kernels' got "
                         << tokens.getValue()
                         << "; accepted are 0 (all) and numbers of tokens";
      return signalPassFailure();
    }
    SymbolTable symbols(module);
    SmallVector<func::FuncOp> outlined;
    for (auto func : module.getOps<func::FuncOp>())
      if (func->hasAttr(outlinedAttrName) && !func.isExternal())
        outlined.push_back(func);
    for (func::FuncOp func : outlined)
      if (failed(generateKernels(func, symbols, tokens, anyLayout)))
        return signalPassFailure();
    if (!outlined.empty())
      module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      UnitAttr::get(&getContext()));
  }
};
} // namespace
