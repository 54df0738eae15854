//===- Program.cpp - One module through all stages ------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/Program.h"

#include "Diagnostics.h"
#include "ShapeFunction.h"
#include "Stage.h"

#include "indexer/Compiler/BackgroundBundle.h"
#include "indexer/Compiler/Registration.h"
#include "indexer/ExecutionEngine/HostFunction.h"
#include "indexer/Fusion/FusedOp.h"
#include "indexer/Pipelines/Pipelines.h"
#include "indexer/Reference/Interpreter.h"
#include "indexer/Schedule/Chips.h"
#include "indexer/Schedule/Passes.h"
#include "indexer/Target/KernelBundle.h"
#include "indexer/Target/Passes.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include <chrono>

using namespace mlir;
using namespace indexer;

static SelectScheduleOptions selectOptions(const ProgramOptions &options) {
  SelectScheduleOptions select;
  select.chip = options.chip;
  select.weights = options.weights;
  select.batchInvariant = options.batchInvariant;
  select.smBudget = options.smBudget;
  return select;
}

static void buildSchedule(OpPassManager &pm, const ProgramOptions &options) {
  pm.addNestedPass<func::FuncOp>(createGroupSharedOperand());
  pm.addNestedPass<func::FuncOp>(createSelectSchedule(selectOptions(options)));
  VerifyScheduleOptions verify;
  verify.batchInvariant = options.batchInvariant;
  pm.addNestedPass<func::FuncOp>(createVerifySchedule(verify));
}

static void buildSerialize(OpPassManager &pm, const ProgramOptions &options,
                           StringRef format) {
  SerializeKernelsOptions serialize;
  serialize.format = format.str();
  serialize.ptxas = options.ptxas;
  serialize.keepPtx = format == "bin";
  serialize.ptxFallback = options.ptxas.empty();
  pm.addPass(createSerializeKernels(serialize));
}

const Program::Stage Program::stages[] = {
    {"fused", "input",
     [](OpPassManager &pm, const ProgramOptions &) { buildFusePipeline(pm); }},
    {"scheduled", "fused", buildSchedule},
    {"kernel", "scheduled",
     [](OpPassManager &pm, const ProgramOptions &options) {
       GenerateKernelsOptions generate;
       generate.tokens = options.tokens;
       generate.anyLayout = options.anyLayout;
       buildToKernelPipeline(pm, selectOptions(options), generate);
     }},
    {"nvvm", "kernel",
     [](OpPassManager &pm, const ProgramOptions &options) {
       buildToNVVMPipeline(pm, selectOptions(options));
     }},
    {"ptx", "nvvm",
     [](OpPassManager &pm, const ProgramOptions &options) {
       buildSerialize(pm, options, "isa");
     }},
    {"cubin", "nvvm",
     [](OpPassManager &pm, const ProgramOptions &options) {
       buildSerialize(pm, options, "bin");
     }},
    {"llvm", "fused",
     [](OpPassManager &pm, const ProgramOptions &) { buildToCPUPipeline(pm); }},
};

const Program::Stage *Program::findStage(StringRef name) {
  const Stage *stage = llvm::find_if(
      stages, [&](const Stage &stage) { return stage.name == name; });
  return stage == std::end(stages) ? nullptr : stage;
}

Program::~Program() = default;

/// Parses `text`; the arguments of functions keep the names of the source in
/// their locations, for messages and bundles.
static OwningOpRef<ModuleOp> parseNamed(StringRef text, StringRef name,
                                        MLIRContext &context) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name),
                             llvm::SMLoc());
  AsmParserState state;
  Block block;
  ParserConfig config(&context);
  if (failed(parseAsmSourceFile(sources, &block, config, &state)))
    return nullptr;
  OwningOpRef<ModuleOp> module =
      mlir::detail::constructContainerOpForParserIfNecessary<ModuleOp>(
          &block, &context, FileLineColLoc::get(&context, name, 0, 0));
  if (!module)
    return nullptr;
  for (auto function : module->getOps<func::FuncOp>()) {
    const AsmParserState::BlockDefinition *names =
        function.isExternal() ? nullptr
                              : state.getBlockDef(&function.getBody().front());
    if (!names)
      continue;
    for (auto [argument, definition] :
         llvm::zip(function.getArguments(), names->arguments)) {
      StringRef spelled(definition.loc.Start.getPointer(),
                        definition.loc.End.getPointer() -
                            definition.loc.Start.getPointer());
      argument.setLoc(NameLoc::get(
          StringAttr::get(&context, spelled.ltrim('%')), argument.getLoc()));
    }
  }
  return module;
}

llvm::Expected<std::unique_ptr<Program>>
Program::create(StringRef text, StringRef name, ProgramOptions options) {
  auto start = std::chrono::steady_clock::now();
  std::unique_ptr<Program> program(new Program());
  program->programOptions = std::move(options);
  program->sourceText = text.str();
  program->sourceName = name.str();
  DialectRegistry registry;
  registerEverything(registry);
  program->mlirContext =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  // A diagnostic says what is wrong; a kernel's whole text would hide it.
  program->mlirContext->printOpOnDiagnostic(false);
  program->diagnostics =
      std::make_unique<Diagnostics>(*program->mlirContext, program->remarkList);
  if (!findChip(program->programOptions.chip))
    return llvm::createStringError("option 'chip' got \"%s\"; accepted are %s",
                                   program->programOptions.chip.c_str(),
                                   chipNames().c_str());

  program->input = parseNamed(text, name, *program->mlirContext);
  if (!program->input)
    return program->diagnostics->takeError();

  // The entry: the named function, or the only public one with a body.
  SmallVector<func::FuncOp> functions;
  for (auto function : program->input->getOps<func::FuncOp>())
    if (!function.isExternal() &&
        (program->programOptions.entry.empty()
             ? function.isPublic()
             : function.getName() == program->programOptions.entry))
      functions.push_back(function);
  if (functions.size() != 1) {
    std::string known;
    for (auto function : program->input->getOps<func::FuncOp>())
      if (!function.isExternal())
        known += (known.empty() ? "'" : ", '") + function.getName().str() + "'";
    return llvm::createStringError(
        "%s: error: %s; the module has %s", name.str().c_str(),
        program->programOptions.entry.empty()
            ? "the entry function must be named, as there is not exactly one "
              "public function with a body"
            : ("no function '" + program->programOptions.entry +
               "' with a body")
                  .c_str(),
        known.empty() ? "none" : known.c_str());
  }
  program->entryFunction = functions.front();
  auto isFloat = [](Type type) {
    return type.isBF16() || type.isF16() || type.isF32() || type.isF64();
  };
  FunctionType type = program->entryFunction.getFunctionType();
  for (auto [i, input] : llvm::enumerate(type.getInputs())) {
    auto tensor = dyn_cast<RankedTensorType>(input);
    if (!isFloat(tensor ? tensor.getElementType() : input)) {
      program->entryFunction.emitError()
          << "argument " << i << " of the entry has type " << input
          << "; accepted are ranked tensors and scalars of bf16, f16, f32 and "
             "f64";
      return program->diagnostics->takeError();
    }
  }
  for (auto [i, result] : llvm::enumerate(type.getResults())) {
    auto tensor = dyn_cast<RankedTensorType>(result);
    if (!tensor || !isFloat(tensor.getElementType())) {
      program->entryFunction.emitError()
          << "result " << i << " of the entry has type " << result
          << "; accepted are ranked tensors of bf16, f16, f32 and f64";
      return program->diagnostics->takeError();
    }
  }
  program->addTiming("parse", start);
  return program;
}

void Program::addTiming(StringRef stage,
                        std::chrono::steady_clock::time_point start) {
  std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  timingList.emplace_back(stage.str(), elapsed.count());
}

void Program::addWarning(std::string warning) {
  if (!warning.empty() && !llvm::is_contained(warningList, warning))
    warningList.push_back(std::move(warning));
}

/// The sum of `property` over the binaries of `module`. The PTX beside machine
/// code has the time of LLVM once more.
static int64_t sumOverBinaries(ModuleOp module, StringRef property) {
  int64_t sum = 0;
  module->walk([&](gpu::BinaryOp binary) {
    auto first = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
    if (auto number = first.getProperties().getAs<IntegerAttr>(property))
      sum += number.getInt();
  });
  return sum;
}

llvm::Error Program::runStage(const Stage &stage, ModuleOp module,
                              const ProgramOptions &options) {
  auto start = std::chrono::steady_clock::now();
  PassManager pm = PassManager::on<ModuleOp>(mlirContext.get());
  stage.build(pm, options);
  if (failed(pm.run(module)))
    return diagnostics->takeError();
  for (std::string &warning : diagnostics->takeWarnings())
    addWarning(std::move(warning));
  std::string chip =
      options.chip == programOptions.chip ? "" : " " + options.chip;
  addTiming(stage.name.str() + chip, start);
  if (stage.name != "cubin")
    return llvm::Error::success();
  timingList.emplace_back("cubin.llvm" + chip,
                          sumOverBinaries(module, "LLVMIRToISATimeInMs"));
  timingList.emplace_back("cubin.assembler" + chip,
                          sumOverBinaries(module, "ISAToBinaryTimeInMs"));
  return llvm::Error::success();
}

llvm::Expected<ModuleOp> Program::moduleAt(StringRef name) {
  if (name == "input")
    return *input;
  if (auto it = modules.find(name); it != modules.end())
    return *it->second;
  const Stage *stage = findStage(name);
  if (!stage)
    return llvm::createStringError(
        "no artefact '%s'; accepted are input, fused, scheduled, kernel, nvvm, "
        "ptx and llvm",
        name.str().c_str());
  llvm::Expected<ModuleOp> from = moduleAt(stage->from);
  if (!from)
    return from.takeError();
  OwningOpRef<ModuleOp> module = from->clone();
  if (name == "llvm")
    module->lookupSymbol<func::FuncOp>(entryFunction.getName())
        ->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                  UnitAttr::get(mlirContext.get()));
  if (llvm::Error error = runStage(*stage, *module, programOptions))
    return std::move(error);
  return *(modules[name] = std::move(module));
}

llvm::Expected<StringRef> Program::artifact(StringRef stage) {
  if (auto it = texts.find(stage); it != texts.end())
    return StringRef(it->second);
  if (stage == "cubin")
    return llvm::createStringError(
        "'cubin' is no text; it is in the program's bundle");
  llvm::Expected<ModuleOp> module = moduleAt(stage);
  if (!module)
    return module.takeError();
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (stage == "ptx")
    module->walk([&](gpu::BinaryOp binary) {
      for (auto object : binary.getObjectsAttr().getAsRange<gpu::ObjectAttr>())
        stream << object.getObject().getValue() << "\n";
    });
  else
    module->print(stream);
  return StringRef(texts[stage] = std::move(text));
}

llvm::Expected<unsigned> Program::fusedCount() {
  llvm::Expected<ModuleOp> module = moduleAt("fused");
  if (!module)
    return module.takeError();
  unsigned count = 0;
  auto function = module->lookupSymbol<func::FuncOp>(entryFunction.getName());
  function.walk(
      [&](linalg::GenericOp op) { count += succeeded(FusedOp::read(op)); });
  return count;
}

/// "tensor<?x64xf32>" for an argument as the caller gave it.
static std::string describe(const ProgramArgument &argument) {
  if (!argument.isTensor)
    return "a scalar";
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << argument.elementType << " [";
  llvm::interleaveComma(argument.shape, stream);
  stream << "]";
  return text;
}

llvm::Error Program::checkArguments(ArrayRef<ProgramArgument> arguments) {
  FunctionType type = entryFunction.getFunctionType();
  if (arguments.size() != type.getNumInputs())
    return llvm::createStringError("'%s' takes %u arguments, got %zu",
                                   entryFunction.getName().str().c_str(),
                                   type.getNumInputs(), arguments.size());
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    auto tensor = dyn_cast<RankedTensorType>(type.getInput(i));
    bool fits = argument.isTensor == bool(tensor);
    if (fits && tensor) {
      fits = tensor.getElementType() == argument.elementType &&
             tensor.getRank() == static_cast<int64_t>(argument.shape.size());
      for (auto [expected, got] : llvm::zip(tensor.getShape(), argument.shape))
        fits = fits && got >= 0 &&
               (ShapedType::isDynamic(expected) || expected == got);
    }
    if (fits)
      continue;
    std::string expected;
    llvm::raw_string_ostream stream(expected);
    stream << type.getInput(i);
    return llvm::createStringError("argument %zu ('%s') is %s, expected %s", i,
                                   argumentName(entryFunction, i).c_str(),
                                   describe(argument).c_str(),
                                   expected.c_str());
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<std::vector<int64_t>>>
Program::resultShapes(ArrayRef<ProgramArgument> arguments) {
  if (llvm::Error error = checkArguments(arguments))
    return std::move(error);
  std::vector<std::vector<int64_t>> shapes;
  for (const ProgramArgument &argument : arguments)
    shapes.emplace_back(argument.shape.begin(), argument.shape.end());
  if (!lastShapes.empty() && shapes == lastShapes)
    return lastResultShapes;
  if (!shapeModule) {
    shapeModule = makeShapeFunction(entryFunction);
    if (!shapeModule)
      return diagnostics->takeError();
  }
  FailureOr<std::vector<std::vector<int64_t>>> results =
      runShapeFunction(*shapeModule, entryFunction, shapes);
  if (failed(results)) {
    std::string got;
    for (auto [i, shape] : llvm::enumerate(shapes)) {
      if (!arguments[i].isTensor)
        continue;
      got += (got.empty() ? "'" : ", '") + argumentName(entryFunction, i) +
             "' " + describe(arguments[i]);
    }
    return llvm::joinErrors(diagnostics->takeError(),
                            llvm::createStringError("note: got " + got));
  }
  lastShapes = shapes;
  lastResultShapes = *results;
  return *results;
}

/// The bits of `value` rounded to `type`.
static uint64_t scalarBits(double value, Type type) {
  if (type.isF64())
    return llvm::bit_cast<uint64_t>(value);
  llvm::APFloat rounded(value);
  bool losesInfo = false;
  rounded.convert(cast<FloatType>(type).getFloatSemantics(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.bitcastToAPInt().getZExtValue();
}

llvm::Error Program::runOnCpu(ArrayRef<ProgramArgument> arguments,
                              ArrayRef<ProgramArgument> results) {
  auto shapes = resultShapes(arguments);
  if (!shapes)
    return shapes.takeError();
  FunctionType type = entryFunction.getFunctionType();
  if (results.size() != shapes->size())
    return llvm::createStringError("'%s' has %zu results, got memory for %zu",
                                   entryFunction.getName().str().c_str(),
                                   shapes->size(), results.size());
  SmallVector<HostTensor> outputs;
  for (auto [i, result] : llvm::enumerate(results)) {
    auto tensor = cast<RankedTensorType>(type.getResult(i));
    if (!result.isTensor || result.elementType != tensor.getElementType() ||
        result.shape != ArrayRef<int64_t>((*shapes)[i])) {
      ProgramArgument expected;
      expected.isTensor = true;
      expected.elementType = tensor.getElementType();
      expected.shape = (*shapes)[i];
      return llvm::createStringError("result %zu is %s, expected %s", i,
                                     describe(result).c_str(),
                                     describe(expected).c_str());
    }
    for (auto [extent, stride] : llvm::zip(result.shape, result.strides))
      if (extent > 1 && stride == 0)
        return llvm::createStringError(
            "result %zu has stride 0 on a dimension of extent %lld; its "
            "elements must not overlap",
            i, static_cast<long long>(extent));
    outputs.push_back({result.data, result.shape, result.strides});
  }
  if (!hostFunction) {
    llvm::Expected<ModuleOp> module = moduleAt("llvm");
    if (!module)
      return module.takeError();
    auto start = std::chrono::steady_clock::now();
    auto compiled =
        HostFunction::compile(*module, entryFunction.getName(), type);
    if (!compiled)
      return compiled.takeError();
    hostFunction = std::move(*compiled);
    addTiming("jit", start);
  }
  SmallVector<HostArgument> inputs(arguments.size());
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    inputs[i].tensor = {argument.data, argument.shape, argument.strides};
    if (!argument.isTensor)
      inputs[i].scalarBits = scalarBits(argument.scalar, type.getInput(i));
  }
  return hostFunction->call(inputs, outputs);
}

llvm::Expected<std::vector<ReferenceResult>>
Program::reference(ArrayRef<ProgramArgument> arguments, unsigned threads) {
  auto shapes = resultShapes(arguments);
  if (!shapes)
    return shapes.takeError();
  SmallVector<reference::RefValue> values;
  for (const ProgramArgument &argument : arguments) {
    if (!argument.isTensor)
      values.push_back(reference::RefScalar::ofFloat(argument.scalar));
    else
      values.push_back(std::shared_ptr<const reference::RefTensor>(
          reference::readHostTensor(argument.data, argument.elementType,
                                    argument.shape, argument.strides)));
  }
  auto outputs = reference::interpret(entryFunction, values, threads);
  if (failed(outputs))
    return diagnostics->takeError();
  std::vector<ReferenceResult> results;
  for (const reference::RefValue &output : *outputs) {
    const auto &tensor =
        std::get<std::shared_ptr<const reference::RefTensor>>(output);
    ReferenceResult &result = results.emplace_back();
    for (int64_t i = 0, e = tensor->size(); i < e; ++i) {
      reference::RefElement element = tensor->element(i);
      result.values.push_back(element.value);
      result.bounds.push_back(element.bound());
    }
  }
  return results;
}
