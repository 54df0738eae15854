//===- VerifyDependentLaunch.cpp - Accesses before the wait ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels with launch metadata in, errors out. A kernel that starts early races
// with the one before it until it has waited (PTX ISA, "griddepcontrol"), and a
// race shows in no test that is not unlucky. So the order is checked in the IR.
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/LaunchMetadata.h"
#include "indexer/Codegen/GPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace indexer {
#define GEN_PASS_DEF_VERIFYDEPENDENTLAUNCH
#include "indexer/Codegen/GPU/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// True for a pointer or a memref that may be into global memory.
static bool mayBeGlobal(Type type) {
  if (auto pointer = dyn_cast<LLVM::LLVMPointerType>(type))
    return pointer.getAddressSpace() <= 1; // 0 is generic.
  auto memref = dyn_cast<MemRefType>(type);
  return memref && !gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(memref);
}

/// True for an op that makes addresses of addresses, and touches nothing that a
/// kernel can see: L2, into which lines are prefetched, is where the writes of
/// all kernels meet.
static bool isAddressArithmetic(Operation *op) {
  if (isa<NVVM::CpAsyncBulkTensorPrefetchOp>(op))
    return true;
  if (auto prefetch = dyn_cast<NVVM::PrefetchOp>(op))
    return prefetch.getTensormap() || // The descriptor is a parameter.
           prefetch.getCacheLevel() == NVVM::PrefetchCacheLevel::L2;
  return isMemoryEffectFree(op) || isa<RegionBranchTerminatorOpInterface>(op);
}

/// The values that `value` may derive from, and others of its op: of a loop or
/// a branch, all that enters it or that its regions hand on.
static void appendSources(Value value, SmallVectorImpl<Value> &sources) {
  Operation *op = value.getDefiningOp();
  if (!op)
    op = cast<BlockArgument>(value).getOwner()->getParentOp();
  llvm::append_range(sources, op->getOperands());
  if (isa<RegionBranchOpInterface>(op))
    for (Region &region : op->getRegions())
      for (Block &block : region)
        llvm::append_range(sources, block.getTerminator()->getOperands());
}

namespace {
/// One kernel and one of its launches.
class KernelChecker {
public:
  KernelChecker(gpu::GPUFuncOp kernel, const KernelLaunchInfo &launch)
      : kernel(kernel), launch(launch), dominance(kernel) {}

  LogicalResult check();

private:
  LogicalResult checkAccess(Operation *op);
  llvm::SmallSetVector<unsigned, 4> operandsOf(Value pointer, bool &isKnown);
  bool isAfterWait(Operation *op);
  InFlightDiagnostic emit(Operation *op);

  gpu::GPUFuncOp kernel;
  const KernelLaunchInfo &launch;
  DominanceInfo dominance;
  SmallVector<NVVM::GriddepcontrolOp> waits;
};
} // namespace

/// An error on `op`, with a note on the kernel.
InFlightDiagnostic KernelChecker::emit(Operation *op) {
  InFlightDiagnostic diagnostic = op->emitOpError();
  diagnostic.attachNote(kernel.getLoc())
      << "in kernel '@" << kernel.getName()
      << "', which starts before the end of the kernel in front of it";
  return diagnostic;
}

bool KernelChecker::isAfterWait(Operation *op) {
  return llvm::any_of(waits, [&](NVVM::GriddepcontrolOp wait) {
    return dominance.properlyDominates(wait, op);
  });
}

/// The operands that `pointer` may point into; `isKnown` becomes false when it
/// derives from something else as well.
llvm::SmallSetVector<unsigned, 4> KernelChecker::operandsOf(Value pointer,
                                                            bool &isKnown) {
  llvm::SmallSetVector<unsigned, 4> operands;
  SmallVector<Value> worklist = {pointer};
  llvm::SmallPtrSet<Value, 16> seen;
  isKnown = true;
  bool hasRoot = false;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!mayBeGlobal(value.getType()) || !seen.insert(value).second)
      continue;
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == &kernel.getBody().front()) {
      hasRoot = true;
      const KernelParameterInfo &parameter =
          launch.parameters[argument.getArgNumber()];
      operands.insert(parameter.index);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (op && !isAddressArithmetic(op) && !isa<RegionBranchOpInterface>(op)) {
      isKnown = false; // Loaded, or made by something else.
      continue;
    }
    appendSources(value, worklist);
  }
  isKnown &= hasRoot;
  return operands;
}

/// "operand 0 (x)", as the launch's parameters number operands.
static std::string operandText(const KernelLaunchInfo &launch,
                               unsigned operand) {
  unsigned result = 0;
  for (const KernelParameterInfo &parameter : launch.parameters)
    if (parameter.kind == ParameterKind::Pointer)
      result = std::max(result, parameter.index);
  StringRef name = operand == 0        ? "x"
                   : operand == 1      ? "weight"
                   : operand == result ? "the gate"
                                       : "of the epilogue";
  return "operand " + std::to_string(operand) + " (" + name.str() + ")";
}

/// Checks what `op` touches through each of its pointers.
LogicalResult KernelChecker::checkAccess(Operation *op) {
  if (isAddressArithmetic(op) || isa<RegionBranchOpInterface>(op))
    return success();
  for (OpOperand &use : op->getOpOperands()) {
    if (!mayBeGlobal(use.get().getType()))
      continue;
    bool isKnown = false;
    llvm::SmallSetVector<unsigned, 4> operands = operandsOf(use.get(), isKnown);
    if (!isKnown && !isAfterWait(op))
      return emit(op) << "touches global memory that is not known to be of a "
                         "static operand, before 'nvvm.griddepcontrol wait'";
    for (unsigned operand : operands) {
      bool isStatic = llvm::is_contained(launch.staticOperands, operand);
      if (isStatic && isa<LLVM::StoreOp>(op))
        return emit(op) << "stores to static " << operandText(launch, operand)
                        << ", which other kernels may be reading";
      if (!isStatic && !isAfterWait(op))
        return emit(op) << "touches " << operandText(launch, operand)
                        << " before 'nvvm.griddepcontrol wait'; accepted there "
                           "are static operands";
    }
  }
  return success();
}

LogicalResult KernelChecker::check() {
  kernel.walk([&](NVVM::GriddepcontrolOp op) {
    if (op.getKind() == NVVM::GridDepActionKind::wait)
      waits.push_back(op);
  });
  if (waits.empty())
    return kernel.emitOpError()
           << "starts before the end of the kernel in front of it ('"
           << launchAttrName
           << "' has 'starts_early') and never waits for it, expected a "
              "'nvvm.griddepcontrol wait'";
  if (kernel.getNumArguments() != launch.parameters.size())
    return kernel.emitOpError()
           << "has " << kernel.getNumArguments() << " arguments, '"
           << launchAttrName << "' lists " << launch.parameters.size();
  WalkResult result = kernel.getBody().walk([&](Operation *op) {
    return failed(checkAccess(op)) ? WalkResult::interrupt()
                                   : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Checks the kernels of `func`, a declaration with launch metadata.
static LogicalResult checkKernels(ModuleOp module, func::FuncOp func) {
  FailureOr<FusedKernelInfo> info = readFusedKernel(func);
  if (failed(info))
    return failure();
  // Kernels that are lowered already were checked before.
  if (module.lookupSymbol<gpu::BinaryOp>(info->kernelsModule))
    return success();
  auto kernels = module.lookupSymbol<gpu::GPUModuleOp>(info->kernelsModule);
  for (const KernelLaunchInfo &launch : info->launches) {
    if (!launch.startsEarly)
      continue;
    Operation *kernel = kernels ? kernels.lookupSymbol(launch.kernel) : nullptr;
    if (!kernel)
      return func.emitOpError() << "names kernel '" << launch.kernel
                                << "', which is not in a gpu.module '@"
                                << info->kernelsModule << "'";
    auto source = dyn_cast<gpu::GPUFuncOp>(kernel);
    if (source && failed(KernelChecker(source, launch).check()))
      return failure();
  }
  return success();
}

namespace {
struct VerifyDependentLaunch
    : public indexer::impl::VerifyDependentLaunchBase<VerifyDependentLaunch> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->hasAttr(launchAttrName) &&
          failed(checkKernels(getOperation(), func)))
        signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
