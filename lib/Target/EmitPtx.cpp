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
// in only where a kernel calls it, LLVM's diagnostics become MLIR's, and
// kernels are compiled in parallel (CompileKernels).
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/EmitPtx.h"
#include "indexer/Target/CompileKernels.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;

namespace indexer {

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
  CodeTarget code = {nvptx, triple, target.getChip().str(),
                     target.getFeatures().str(), target.getO()};
  std::unique_ptr<llvm::TargetMachine> machine = code.createMachine();
  if (!machine)
    return emitError(module.getLoc())
           << "LLVM makes no target machine for " << target.getChip();

  std::vector<LlvmMessage> messages;
  llvm::LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<MessageCollector>(messages));
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
  std::string ptx = compileKernels(std::move(llvmModule), code, messages);
  for (const LlvmMessage &message : messages)
    if (message.isError)
      emitError(module.getLoc()) << "LLVM: " << message.text;
    else
      emitWarning(module.getLoc()) << "LLVM: " << message.text;
  if (ptx.empty())
    return failure();
  return ptx;
}

void registerPtxTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

} // namespace indexer
