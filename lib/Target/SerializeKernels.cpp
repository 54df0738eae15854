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

#include "indexer/Target/Assembler.h"
#include "indexer/Target/EmitPtx.h"
#include "indexer/Target/Passes.h"
#include "indexer/Target/Ptxas.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include <chrono>
#include <map>

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
                                   const AssemblerResult &result) {
  StringRef firstLine = StringRef(result.output).ltrim().split('\n').first;
  InFlightDiagnostic error = emitError(module.getLoc());
  error << result.program;
  if (result.status < 0)
    error << " could not be run";
  else if (result.program != "ptxas" && result.program != "fatbinary")
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

/// An assembler, and what bundles call it. Null where PTX is the result.
struct NamedAssembler {
  /// Shared by the copies of a pass.
  std::shared_ptr<Assembler> assembler;
  std::string version;
};

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

  /// The assembler for PTX of a version, found at the first module that needs
  /// it.
  FailureOr<const NamedAssembler *> assemblerFor(gpu::GPUModuleOp module,
                                                 unsigned ptxVersion);

  /// Finds an assembler for the format; null, after an error or a warning at
  /// `module`, where there is none.
  std::unique_ptr<Assembler> lookForAssembler(gpu::GPUModuleOp module,
                                              unsigned ptxVersion);

  /// Path of libdevice, or an error at `module`.
  FailureOr<std::string> libdeviceFor(gpu::GPUModuleOp module);

  /// Tells the figures of the kernels of `module`; returns them as an
  /// attribute: {kernel = {registers, spill_bytes, shared_bytes}}.
  DictionaryAttr reportFigures(gpu::GPUModuleOp module, StringRef output,
                               StringRef assembler);

  /// By the PTX version that they have to read.
  std::map<unsigned, NamedAssembler> assemblers;
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

FailureOr<const NamedAssembler *>
SerializeKernels::assemblerFor(gpu::GPUModuleOp module, unsigned ptxVersion) {
  auto [entry, isNew] = assemblers.try_emplace(ptxVersion);
  NamedAssembler &named = entry->second;
  if (!isNew || format == "isa")
    return &named;
  named.assembler = lookForAssembler(module, ptxVersion);
  if (named.assembler)
    named.version = named.assembler->version();
  else if (!ptxFallback)
    return failure();
  return &named;
}

std::unique_ptr<Assembler>
SerializeKernels::lookForAssembler(gpu::GPUModuleOp module,
                                   unsigned ptxVersion) {
  SmallVector<std::string> lookedAt;
  if (format == "bin") {
    if (auto found = findAssembler(ptxas, ptxVersion, lookedAt))
      return found;
  } else if (std::optional<Ptxas> program = Ptxas::find(ptxas, lookedAt)) {
    if (!program->fatbinary().empty())
      return std::make_unique<Ptxas>(std::move(*program));
    emitError(module.getLoc())
        << "no fatbinary found for kernel module '@" << module.getName()
        << "': looked beside " << program->path()
        << "; use format=bin or format=isa";
    return nullptr;
  }
  if (ptxFallback)
    emitWarning(module.getLoc())
        << "no assembler found: looked at " << llvm::join(lookedAt, ", ")
        << "; the code is PTX, which the driver compiles when it is loaded";
  else
    emitError(module.getLoc())
        << "no ptxas found for kernel module '@" << module.getName()
        << "': looked at " << llvm::join(lookedAt, ", ")
        << "; install a CUDA toolkit or pass ptxas=PATH, or use format=isa";
  return nullptr;
}

FailureOr<std::string> SerializeKernels::libdeviceFor(gpu::GPUModuleOp module) {
  SmallVector<std::string> lookedAt;
  std::string libdevice = findLibdevice(ptxas, lookedAt);
  if (libdevice.empty())
    return emitError(module.getLoc())
           << "no libdevice.10.bc found for kernel module '@"
           << module.getName() << "': looked at " << llvm::join(lookedAt, ", ")
           << "; install a CUDA toolkit";
  return libdevice;
}

DictionaryAttr SerializeKernels::reportFigures(gpu::GPUModuleOp module,
                                               StringRef output,
                                               StringRef assembler) {
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
        << remark::metric("assembler", assembler);
  }
  return builder.getDictionaryAttr(kernels);
}

LogicalResult
SerializeKernels::makeObjects(gpu::GPUModuleOp module,
                              NVVM::NVVMTargetAttr target,
                              SmallVectorImpl<Attribute> &objects) {
  FailureOr<CheckedTarget> checked = checkTarget(module, target);
  if (failed(checked))
    return failure();
  bool callsLibdevice;
  if (failed(checkCallees(module, callsLibdevice)))
    return failure();
  FailureOr<const NamedAssembler *> by =
      assemblerFor(module, checked->ptxVersion);
  if (failed(by))
    return failure();
  const Assembler *assembler = (*by)->assembler.get();
  FailureOr<std::string> libdevice = std::string();
  if (callsLibdevice && failed(libdevice = libdeviceFor(module)))
    return failure();

  auto start = std::chrono::steady_clock::now();
  FailureOr<std::string> ptx = emitPtx(module, target, *libdevice);
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
  if (!assembler) {
    objects.push_back(assembly);
    return success();
  }

  // A fatbin is made by the programs: lookForAssembler has seen to that.
  StringRef chip = checked->chip->name;
  bool fatbin = format == "fatbin";
  AssemblerResult result =
      fatbin ? static_cast<const Ptxas *>(assembler)->makeFatbin(
                   *ptx, chip, module.getName())
             : assembler->assemble(*ptx, chip, module.getName());
  if (result.status != 0)
    return reportFailure(module, *checked->chip, result);
  for (const std::string &warning : parsePtxasWarnings(result.output))
    module.emitWarning() << warning;
  properties.set("ISAToBinaryTimeInMs",
                 builder.getI64IntegerAttr(
                     static_cast<int64_t>(result.milliseconds + 0.5)));
  properties.set("assembler", builder.getStringAttr((*by)->version));
  properties.set("resources",
                 reportFigures(module, result.output, (*by)->version));
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
