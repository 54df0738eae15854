//===- CompileKernels.cpp - From LLVM IR to PTX ---------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: an LLVM module of kernels. Out: PTX text. A thread needs a context of its
// own, so a module of one kernel goes there as bitcode. The texts are put
// together in the order of the kernels.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/CompileKernels.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace indexer {

bool MessageCollector::handleDiagnostics(const DiagnosticInfo &info) {
  bool isError = info.getSeverity() == DS_Error;
  if (isError || info.getSeverity() == DS_Warning) {
    std::string text;
    raw_string_ostream stream(text);
    DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    messages.push_back({isError, text});
  }
  return true;
}

std::unique_ptr<TargetMachine> CodeTarget::createMachine() const {
  int level = std::clamp(optimizationLevel, 0, 3);
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, chip, features, TargetOptions(), std::nullopt, std::nullopt,
      *CodeGenOpt::getLevel(level)));
}

/// LLVM's name for level 0 to 3.
static OptimizationLevel passLevel(int level) {
  if (level <= 0)
    return OptimizationLevel::O0;
  if (level == 1)
    return OptimizationLevel::O1;
  return level == 2 ? OptimizationLevel::O2 : OptimizationLevel::O3;
}

/// LLVM's default pipeline at `level`, as upstream's serialization runs it.
static void optimize(Module &module, TargetMachine &machine, int level) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  tuning.LoopUnrolling = true;
  tuning.LoopInterleaving = true;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  OptimizationLevel optimization = passLevel(level);
  ModulePassManager pipeline =
      optimization == OptimizationLevel::O0
          ? builder.buildO0DefaultPipeline(optimization)
          : builder.buildPerModuleDefaultPipeline(optimization);
  pipeline.run(module, modules);
}

/// The PTX of the whole of `module`.
static std::string compileModule(Module &module, const CodeTarget &target,
                                 std::vector<LlvmMessage> &messages) {
  std::unique_ptr<TargetMachine> machine = target.createMachine();
  optimize(module, *machine, target.optimizationLevel);
  SmallString<0> ptx;
  raw_svector_ostream stream(ptx);
  legacy::PassManager codeGen;
  if (machine->addPassesToEmitFile(codeGen, stream, nullptr,
                                   CodeGenFileType::AssemblyFile)) {
    messages.push_back({true, "cannot write PTX"});
    return "";
  }
  codeGen.run(module);
  bool hasError =
      any_of(messages, [](auto &message) { return message.isError; });
  return hasError ? "" : std::string(ptx);
}

/// The functions that use `value`, also through constants.
static void appendUsers(const Value &value,
                        SmallPtrSetImpl<const Function *> &functions) {
  SmallVector<const Value *> worklist = {&value};
  while (!worklist.empty())
    for (const User *user : worklist.pop_back_val()->users())
      if (auto *instruction = dyn_cast<Instruction>(user))
        functions.insert(instruction->getFunction());
      else
        worklist.push_back(user);
}

/// The kernels of `module`; none when something would be in the text of two.
static SmallVector<Function *> separateKernels(Module &module) {
  SmallVector<Function *> kernels;
  for (Function &function : module) {
    if (function.isIntrinsic())
      continue;
    if (function.isDeclaration() ||
        function.getCallingConv() != CallingConv::PTX_Kernel)
      return {};
    kernels.push_back(&function);
  }
  for (GlobalVariable &variable : module.globals()) {
    SmallPtrSet<const Function *, 2> users;
    appendUsers(variable, users);
    if (users.size() != 1)
      return {};
  }
  return kernels;
}

/// Bitcode of `kernel` and the variables that it uses.
static SmallString<0> extractKernel(Module &module, const Function *kernel) {
  ValueToValueMapTy map;
  std::unique_ptr<Module> part =
      CloneModule(module, map, [&](const GlobalValue *value) {
        return !isa<Function>(value) || value == kernel;
      });
  auto eraseUnused = [](auto &&values) {
    for (auto &value : make_early_inc_range(values))
      if (value.use_empty() &&
          (value.isDeclaration() || isa<GlobalVariable>(value)))
        value.eraseFromParent();
  };
  eraseUnused(part->functions());
  eraseUnused(part->globals());
  SmallString<0> bitcode;
  raw_svector_ostream stream(bitcode);
  WriteBitcodeToFile(*part, stream);
  return bitcode;
}

/// Reads and compiles a module of one kernel.
static std::string compilePart(StringRef bitcode, const CodeTarget &target,
                               std::vector<LlvmMessage> &messages) {
  LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<MessageCollector>(messages));
  Expected<std::unique_ptr<Module>> module =
      parseBitcodeFile(MemoryBufferRef(bitcode, "kernel"), context);
  if (!module) {
    messages.push_back({true, toString(module.takeError())});
    return "";
  }
  return compileModule(**module, target, messages);
}

/// `ptx` without the directives that a text has once, at its start.
static StringRef withoutHeader(StringRef ptx) {
  static constexpr StringLiteral last = ".address_size 64\n";
  size_t end = ptx.find(last);
  return end == StringRef::npos ? ptx : ptx.drop_front(end + last.size());
}

std::string compileKernels(std::unique_ptr<Module> module,
                           const CodeTarget &target,
                           std::vector<LlvmMessage> &messages) {
  SmallVector<Function *> kernels = separateKernels(*module);
  if (kernels.size() < 2)
    return compileModule(*module, target, messages);

  std::vector<std::string> texts(kernels.size());
  std::vector<std::vector<LlvmMessage>> said(kernels.size());
  {
    DefaultThreadPool pool(hardware_concurrency(kernels.size()));
    for (size_t i = 0; i < kernels.size(); ++i)
      pool.async([&target, &text = texts[i], &messages = said[i],
                  bitcode = extractKernel(*module, kernels[i])] {
        text = compilePart(bitcode, target, messages);
      });
    pool.wait();
  }
  for (std::vector<LlvmMessage> &part : said)
    messages.insert(messages.end(), part.begin(), part.end());
  if (any_of(texts, [](const std::string &text) { return text.empty(); }))
    return "";
  std::string ptx;
  for (const std::string &text : texts)
    ptx += ptx.empty() ? StringRef(text) : withoutHeader(text);
  return ptx;
}

} // namespace indexer
