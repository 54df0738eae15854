//===- EmitPtx.cpp - From a kernel module to PTX --------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a gpu.module in the LLVM and NVVM dialects. Out: PTX text. It is what
// upstream's gpu-module-to-binary does with format=isa, but libdevice is linked
// in only where a kernel calls it, and LLVM's diagnostics become MLIR's: the
// default handler of an LLVMContext ends the process at an error.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/EmitPtx.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;

namespace indexer {

namespace {

/// Reports LLVM's errors and warnings at one MLIR location.
class DiagnosticForwarder : public llvm::DiagnosticHandler {
public:
  /// `hadError` is set at the first error.
  DiagnosticForwarder(Location location, bool &hadError)
      : location(location), hadError(hadError) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    std::string text;
    llvm::raw_string_ostream stream(text);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    if (info.getSeverity() == llvm::DS_Error) {
      hadError = true;
      mlir::emitError(location) << "LLVM: " << text;
    } else if (info.getSeverity() == llvm::DS_Warning) {
      mlir::emitWarning(location) << "LLVM: " << text;
    }
    return true;
  }

private:
  Location location;
  bool &hadError;
};

} // namespace

/// LLVM's registered NVPTX target.
static const llvm::Target *findNVPTX(const llvm::Triple &triple,
                                     std::string &error) {
  static llvm::once_flag initialized;
  llvm::call_once(initialized, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  return llvm::TargetRegistry::lookupTarget(triple, error);
}

/// LLVM's level for `level`, the O of a target.
static llvm::OptimizationLevel optimizationLevel(int level) {
  if (level <= 0)
    return llvm::OptimizationLevel::O0;
  if (level == 1)
    return llvm::OptimizationLevel::O1;
  return level == 2 ? llvm::OptimizationLevel::O2 : llvm::OptimizationLevel::O3;
}

/// Runs LLVM's default pipeline, with the switches of upstream's serialization.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     int level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = true;
  tuning.LoopInterleaving = true;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::OptimizationLevel optimization = optimizationLevel(level);
  llvm::ModulePassManager pipeline =
      optimization == llvm::OptimizationLevel::O0
          ? builder.buildO0DefaultPipeline(optimization)
          : builder.buildPerModuleDefaultPipeline(optimization);
  pipeline.run(module, modules);
}

/// Links the functions of libdevice that `module` calls into it, as internal
/// ones. Returns what is wrong, or "".
static std::string linkLibdevice(llvm::Module &module, StringRef file) {
  auto isCall = [](const llvm::Function &function) {
    return function.isDeclaration() && function.getName().starts_with("__nv_");
  };
  if (llvm::none_of(module, isCall))
    return "";
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return (file + " cannot be read").str();
  llvm::Expected<std::unique_ptr<llvm::Module>> library =
      llvm::parseBitcodeFile((*buffer)->getMemBufferRef(), module.getContext());
  if (!library)
    return (file + ": ").str() + llvm::toString(library.takeError());
  (*library)->setTargetTriple(module.getTargetTriple());
  (*library)->setDataLayout(module.getDataLayout());
  bool failed = llvm::Linker::linkModules(
      module, std::move(*library), llvm::Linker::Flags::LinkOnlyNeeded,
      [](llvm::Module &linked, const llvm::StringSet<> &names) {
        llvm::internalizeModule(linked, [&](const llvm::GlobalValue &value) {
          return !value.hasName() || !names.contains(value.getName());
        });
      });
  return failed ? (file + " cannot be linked").str() : "";
}

FailureOr<std::string> emitPtx(gpu::GPUModuleOp module,
                               NVVM::NVVMTargetAttr target,
                               StringRef libdevice) {
  llvm::Triple triple(target.getTriple());
  std::string error;
  const llvm::Target *nvptx = findNVPTX(triple, error);
  if (!nvptx)
    return emitError(module.getLoc())
           << "this LLVM has no NVPTX back end: " << error;
  auto codeGenLevel =
      llvm::CodeGenOpt::getLevel(std::min(std::max(target.getO(), 0), 3));
  std::unique_ptr<llvm::TargetMachine> machine(nvptx->createTargetMachine(
      triple, target.getChip(), target.getFeatures(), llvm::TargetOptions(),
      std::nullopt, std::nullopt, *codeGenLevel));
  if (!machine)
    return emitError(module.getLoc())
           << "LLVM makes no target machine for " << target.getChip();

  bool hadError = false;
  llvm::LLVMContext context;
  context.setDiagnosticHandler(
      std::make_unique<DiagnosticForwarder>(module.getLoc(), hadError));
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(
      module, context, module.getName(), /*disableVerification=*/true);
  if (!llvmModule)
    return failure();
  llvm::raw_string_ostream problems(error);
  if (llvm::verifyModule(*llvmModule, &problems))
    return emitError(module.getLoc())
           << "the LLVM IR of kernel module '@" << module.getName()
           << "' does not verify: " << StringRef(error).rtrim();
  llvmModule->setTargetTriple(triple);
  llvmModule->setDataLayout(machine->createDataLayout());
  if (std::string wrong = linkLibdevice(*llvmModule, libdevice); !wrong.empty())
    return emitError(module.getLoc()) << "kernel module '@" << module.getName()
                                      << "' needs libdevice: " << wrong;
  optimize(*llvmModule, *machine, target.getO());

  llvm::SmallString<0> ptx;
  {
    llvm::raw_svector_ostream stream(ptx);
    llvm::legacy::PassManager codeGen;
    if (machine->addPassesToEmitFile(codeGen, stream, nullptr,
                                     llvm::CodeGenFileType::AssemblyFile))
      return emitError(module.getLoc()) << "LLVM cannot write PTX";
    codeGen.run(*llvmModule);
  }
  if (hadError)
    return failure();
  return std::string(ptx);
}

void registerPtxTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

} // namespace indexer
