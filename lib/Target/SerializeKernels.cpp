//===- SerializeKernels.cpp - Kernel modules to PTX, cubin or fatbin ------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: gpu.module ops in the NVVM dialect, with targets. Out: gpu.binary ops.
// Upstream's gpu-module-to-binary does nearly this; what is missing there: the
// assembler's figures, its version, an error that names the kernel and keeps
// the PTX, and checks before LLVM ends the process.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/EmitPtx.h"
#include "indexer/Target/Passes.h"
#include "indexer/Target/PtxCompiler.h"
#include "indexer/Target/Ptxas.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include <chrono>

namespace indexer {

#define GEN_PASS_DEF_SERIALIZEKERNELS
#include "indexer/Target/Passes.h.inc"

using namespace mlir;

/// Functions that the CUDA driver provides to every kernel.
static bool isDeviceSystemCall(StringRef name) {
  return llvm::is_contained({"vprintf", "malloc", "free", "__assertfail"},
                            name);
}

/// Fails at a called function that no one defines: ptxas would refuse it under
/// a name that the user did not write. `libdevice` tells whether functions of
/// libdevice are called.
static LogicalResult checkCallees(gpu::GPUModuleOp module, bool &libdevice) {
  libdevice = false;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    StringRef name = function.getName();
    if (!function.isExternal() || isDeviceSystemCall(name) ||
        name.starts_with("llvm."))
      continue;
    if (!name.starts_with("__nv_"))
      return emitError(function.getLoc())
             << "function '@" << name << "' of kernel module '@"
             << module.getName()
             << "' has no body; accepted are functions with a body, those of "
                "libdevice, and the driver's: vprintf, malloc, free, "
                "__assertfail";
    libdevice = true;
  }
  return success();
}

/// Kernels of `module`, in order.
static SmallVector<LLVM::LLVMFuncOp> kernelsOf(gpu::GPUModuleOp module) {
  SmallVector<LLVM::LLVMFuncOp> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      kernels.push_back(function);
  return kernels;
}

/// "kernel '@k'" when `module` holds that one only, else "kernel module '@m'".
static std::string describe(gpu::GPUModuleOp module) {
  SmallVector<LLVM::LLVMFuncOp> kernels = kernelsOf(module);
  if (kernels.size() == 1)
    return ("kernel '@" + kernels.front().getName() + "'").str();
  return ("kernel module '@" + module.getName() + "'").str();
}

/// Reports a run of the assembler that failed.
static LogicalResult reportFailure(gpu::GPUModuleOp module, const Chip &chip,
                                   const Ptxas::Result &result) {
  StringRef firstLine = StringRef(result.output).ltrim().split('\n').first;
  InFlightDiagnostic error = emitError(module.getLoc());
  error << result.program;
  if (result.status < 0)
    error << " could not be run";
  else if (result.program == "nvptxcompiler")
    error << " failed with code " << result.status;
  else
    error << " exited with status " << result.status;
  error << " for " << describe(module) << " (" << chip.name << ")";
  if (!firstLine.empty())
    error << ": " << firstLine;
  if (!result.keptPtx.empty())
    error.attachNote() << "PTX kept in " << result.keptPtx
                       << "; to repeat: " << result.command;
  return error;
}

namespace {

/// See Passes.td.
struct SerializeKernels : impl::SerializeKernelsBase<SerializeKernels> {
  using SerializeKernelsBase::SerializeKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    SerializeKernelsBase::getDependentDialects(registry);
    registerPtxTranslations(registry);
  }

  void runOnOperation() override;

private:
  /// Serializes `module` for all its targets and replaces it.
  LogicalResult serialize(gpu::GPUModuleOp module);

  /// Appends the objects of `module` for `target`.
  LogicalResult makeObjects(gpu::GPUModuleOp module,
                            NVVM::NVVMTargetAttr target,
                            SmallVectorImpl<Attribute> &objects);

  /// Finds the assembler, at the first module that needs it: the library in
  /// this process where the build has it and no program is asked for, else
  /// ptxas.
  LogicalResult findAssembler(gpu::GPUModuleOp module);

  /// Tells the figures of the kernels of `module`; returns them as an
  /// attribute: {kernel = {registers, spill_bytes, shared_bytes}}.
  DictionaryAttr reportFigures(gpu::GPUModuleOp module, StringRef output);

  /// The ptxas program; none where the library is used.
  std::optional<Ptxas> assembler;
  /// Empty until an assembler is found.
  std::string assemblerVersion;
};

} // namespace

void SerializeKernels::runOnOperation() {
  if (!llvm::is_contained({"isa", "bin", "fatbin"}, StringRef(format))) {
    emitError(getOperation().getLoc())
        << "option 'format' of '" << getArgument() << "' got \"" << format
        << "\"; accepted are isa, bin, fatbin";
    return signalPassFailure();
  }
  SmallVector<gpu::GPUModuleOp> modules;
  getOperation().walk([&](gpu::GPUModuleOp module) {
    if (module.getTargetsAttr())
      modules.push_back(module);
    return WalkResult::skip();
  });
  for (gpu::GPUModuleOp module : modules)
    if (failed(serialize(module)))
      return signalPassFailure();
}

LogicalResult SerializeKernels::serialize(gpu::GPUModuleOp module) {
  SmallVector<Attribute> objects;
  for (Attribute attribute : module.getTargetsAttr()) {
    auto target = dyn_cast<NVVM::NVVMTargetAttr>(attribute);
    if (!target)
      return emitError(module.getLoc())
             << "kernel module '@" << module.getName() << "' has target "
             << attribute << "; accepted is #nvvm.target";
    if (failed(makeObjects(module, target, objects)))
      return failure();
  }
  OpBuilder builder(module);
  gpu::BinaryOp::create(builder, module.getLoc(), module.getName(),
                        module.getOffloadingHandlerAttr(), objects);
  module.erase();
  return success();
}

LogicalResult SerializeKernels::findAssembler(gpu::GPUModuleOp module) {
  if (!assemblerVersion.empty())
    return success();
  // The library makes no fatbins.
  if (ptxas.empty() && format == "bin") {
    assemblerVersion = ptxCompilerVersion();
    if (!assemblerVersion.empty())
      return success();
  }
  SmallVector<std::string> lookedAt;
  assembler = Ptxas::find(ptxas, lookedAt);
  if (!assembler)
    return emitError(module.getLoc())
           << "no ptxas found for kernel module '@" << module.getName()
           << "': looked at " << llvm::join(lookedAt, ", ")
           << "; install a CUDA toolkit or pass ptxas=PATH, or use format=isa";
  if (format == "fatbin" && assembler->fatbinary().empty())
    return emitError(module.getLoc())
           << "no fatbinary found for kernel module '@" << module.getName()
           << "': looked beside " << assembler->path()
           << "; use format=bin or format=isa";
  assemblerVersion = assembler->version();
  return success();
}

DictionaryAttr SerializeKernels::reportFigures(gpu::GPUModuleOp module,
                                               StringRef output) {
  Builder builder(&getContext());
  SmallVector<NamedAttribute> kernels;
  for (const PtxasFigures &figures : parsePtxasFigures(output)) {
    const runtime::KernelResources &used = figures.resources;
    kernels.push_back(builder.getNamedAttr(
        figures.kernel,
        builder.getDictionaryAttr(
            {builder.getNamedAttr("registers",
                                  builder.getI32IntegerAttr(used.registers)),
             builder.getNamedAttr("spill_bytes",
                                  builder.getI32IntegerAttr(used.spillBytes)),
             builder.getNamedAttr("shared_bytes", builder.getI32IntegerAttr(
                                                      used.sharedBytes))})));
    Location location = module.getLoc();
    if (Operation *kernel = module.lookupSymbol(figures.kernel))
      location = kernel->getLoc();
    remark::analysis(location, remark::RemarkOpts::name("SerializeKernels")
                                   .category("indexer-codegen"))
        << remark::metric("kernel", figures.kernel)
        << remark::metric("registers", used.registers)
        << remark::metric("spill-bytes", used.spillBytes)
        << remark::metric("shared-bytes", used.sharedBytes)
        << remark::metric("assembler", assemblerVersion);
  }
  return builder.getDictionaryAttr(kernels);
}

LogicalResult
SerializeKernels::makeObjects(gpu::GPUModuleOp module,
                              NVVM::NVVMTargetAttr target,
                              SmallVectorImpl<Attribute> &objects) {
  FailureOr<const Chip *> chip = checkTarget(module, target);
  if (failed(chip))
    return failure();
  bool callsLibdevice;
  if (failed(checkCallees(module, callsLibdevice)) ||
      (format != "isa" && failed(findAssembler(module))))
    return failure();
  std::string libdevice;
  if (callsLibdevice) {
    SmallVector<std::string> ignored, lookedAt;
    std::optional<Ptxas> toolkit =
        assembler ? assembler : Ptxas::find(ptxas, ignored);
    libdevice =
        findLibdevice(toolkit ? toolkit->path() : StringRef(), lookedAt);
    if (libdevice.empty())
      return emitError(module.getLoc())
             << "no libdevice.10.bc found for kernel module '@"
             << module.getName() << "': looked at "
             << llvm::join(lookedAt, ", ") << "; install a CUDA toolkit";
  }

  auto start = std::chrono::steady_clock::now();
  FailureOr<std::string> ptx = emitPtx(module, target, libdevice);
  if (failed(ptx))
    return failure();
  int64_t llvmTime = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::steady_clock::now() - start)
                         .count();

  Builder builder(&getContext());
  NamedAttrList properties;
  properties.set("O", builder.getI32IntegerAttr(target.getO()));
  properties.set("LLVMIRToISATimeInMs", builder.getI64IntegerAttr(llvmTime));
  auto assembly = gpu::ObjectAttr::get(
      &getContext(), target, gpu::CompilationTarget::Assembly,
      builder.getStringAttr(*ptx), properties.getDictionary(&getContext()),
      /*kernels=*/nullptr);
  if (format == "isa") {
    objects.push_back(assembly);
    return success();
  }

  bool fatbin = format == "fatbin";
  Ptxas::Result result =
      assembler
          ? assembler->assemble(*ptx, (*chip)->name, module.getName(), fatbin)
          : assembleInProcess(*ptx, (*chip)->name, module.getName());
  if (result.status != 0)
    return reportFailure(module, **chip, result);
  for (const std::string &warning : parsePtxasWarnings(result.output))
    module.emitWarning() << warning;
  properties.set("ISAToBinaryTimeInMs",
                 builder.getI64IntegerAttr(
                     static_cast<int64_t>(result.milliseconds + 0.5)));
  properties.set("assembler", builder.getStringAttr(assemblerVersion));
  properties.set("resources", reportFigures(module, result.output));
  objects.push_back(gpu::ObjectAttr::get(
      &getContext(), target,
      fatbin ? gpu::CompilationTarget::Fatbin : gpu::CompilationTarget::Binary,
      builder.getStringAttr(result.object),
      properties.getDictionary(&getContext()), /*kernels=*/nullptr));
  if (keepPtx)
    objects.push_back(assembly);
  return success();
}

} // namespace indexer
