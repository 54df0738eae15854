//===- KernelBundle.cpp - From a compiled module to a bundle --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a module after indexer-to-cubin. Out: plain data for lib/Runtime. The
// launch metadata of each outlined declaration, the traces of its operands
// through the entry function, and the code objects come together here.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/KernelBundle.h"
#include "TraceEntry.h"
#include "indexer/Codegen/GPU/LaunchMetadata.h"
#include "indexer/Runtime/ValidateBundle.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace indexer {

std::string argumentName(func::FuncOp entry, unsigned index) {
  if (auto name = entry.getArgAttrOfType<StringAttr>(index, "indexer.name"))
    return name.str();
  if (auto name = entry.getArgument(index).getLoc()->findInstanceOf<NameLoc>())
    return name.getName().str();
  return ("arg" + Twine(index)).str();
}

/// Name of result `index`: attribute `indexer.name`, else "result" and the
/// number.
static std::string resultName(func::FuncOp entry, unsigned index) {
  if (auto name = entry.getResultAttrOfType<StringAttr>(index, "indexer.name"))
    return name.str();
  return ("result" + Twine(index)).str();
}

/// Describes a value of `type`; `what` is "argument" or "result".
static FailureOr<runtime::ArgumentSpec> makeSpec(func::FuncOp entry, Type type,
                                                 StringRef what, unsigned index,
                                                 std::string name) {
  runtime::ArgumentSpec spec;
  auto tensor = dyn_cast<RankedTensorType>(type);
  FailureOr<runtime::ElementType> element =
      elementTypeOf(tensor ? tensor.getElementType() : type);
  if (failed(element))
    return emitError(entry.getLoc())
           << what << " " << index << " ('" << name << "') of entry '@"
           << entry.getName() << "' has type " << type
           << "; accepted are ranked tensors and scalars of bf16, f16, f32, "
              "f64";
  spec.name = std::move(name);
  spec.isTensor = bool(tensor);
  spec.type = *element;
  if (tensor)
    for (int64_t extent : tensor.getShape())
      spec.shape.push_back(ShapedType::isDynamic(extent) ? runtime::kDynamic
                                                         : extent);
  return spec;
}

/// Fills arguments and results from the type of `entry`.
static LogicalResult addSignature(func::FuncOp entry, runtime::Bundle &bundle) {
  for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes())) {
    FailureOr<runtime::ArgumentSpec> spec =
        makeSpec(entry, type, "argument", index, argumentName(entry, index));
    if (failed(spec))
      return failure();
    bundle.arguments.push_back(std::move(*spec));
  }
  for (auto [index, type] : llvm::enumerate(entry.getResultTypes())) {
    FailureOr<runtime::ArgumentSpec> spec =
        makeSpec(entry, type, "result", index, resultName(entry, index));
    if (failed(spec))
      return failure();
    bundle.results.push_back(std::move(*spec));
  }
  return success();
}

/// The figures of `kernel` in the properties of a serialized object of
/// `binary`; zeros when the assembler did not run.
static runtime::KernelResources readResources(gpu::BinaryOp binary,
                                              StringRef kernel) {
  runtime::KernelResources used;
  for (auto object : binary.getObjects().getAsRange<gpu::ObjectAttr>()) {
    DictionaryAttr properties = object.getProperties();
    auto all = properties ? properties.getAs<DictionaryAttr>("resources")
                          : DictionaryAttr();
    auto figures = all ? all.getAs<DictionaryAttr>(kernel) : DictionaryAttr();
    if (!figures)
      continue;
    auto read = [&](StringRef key) -> int {
      auto number = figures.getAs<IntegerAttr>(key);
      return number ? number.getInt() : 0;
    };
    used.registers = read("registers");
    used.spillBytes = read("spill_bytes");
    used.sharedBytes = read("shared_bytes");
    break;
  }
  return used;
}

/// The runtime's form of a parameter.
static runtime::KernelParameter makeParameter(const KernelParameterInfo &info) {
  runtime::KernelParameter parameter;
  switch (info.kind) {
  case ParameterKind::Pointer:
    parameter.kind = runtime::KernelParameter::Kind::Pointer;
    break;
  case ParameterKind::Stride:
    parameter.kind = runtime::KernelParameter::Kind::Stride;
    break;
  case ParameterKind::Extent:
    parameter.kind = runtime::KernelParameter::Kind::Extent;
    break;
  case ParameterKind::Scalar:
    parameter.kind = runtime::KernelParameter::Kind::Scalar;
    break;
  case ParameterKind::TensorMap:
    parameter.kind = runtime::KernelParameter::Kind::TensorMap;
    parameter.boxRows = info.boxRows;
    parameter.boxColumns = info.boxColumns;
    break;
  }
  parameter.index = info.index;
  parameter.dim = info.dim;
  return parameter;
}

/// The runtime's form of a launch, with the figures that `binary` tells.
static runtime::KernelLaunch makeLaunch(const KernelLaunchInfo &info,
                                        gpu::BinaryOp binary) {
  runtime::KernelLaunch launch;
  launch.kernel = info.kernel;
  launch.family = info.family;
  launch.order = info.order;
  launch.minTokens = info.minTokens;
  launch.maxTokens = info.maxTokens;
  launch.tileT = info.tileT;
  launch.tileH = info.tileH;
  launch.headsFirst = info.headsFirst;
  launch.split = info.split;
  launch.threads = info.threads;
  launch.cluster = info.cluster;
  launch.maxCtas = info.maxCtas;
  launch.dynamicSharedBytes = info.dynamicSharedBytes;
  launch.alignment = info.alignment;
  launch.startsEarly = info.startsEarly;
  launch.staticOperands.assign(info.staticOperands.begin(),
                               info.staticOperands.end());
  for (const KernelParameterInfo &parameter : info.parameters)
    launch.parameters.push_back(makeParameter(parameter));
  launch.resources = readResources(binary, info.kernel);
  return launch;
}

/// Appends the code objects of `binary`.
static LogicalResult addObjects(gpu::BinaryOp binary, runtime::Bundle &bundle) {
  for (auto object : binary.getObjects().getAsRange<gpu::ObjectAttr>()) {
    auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget());
    bool isCubin = object.getFormat() == gpu::CompilationTarget::Binary;
    bool isPtx = object.getFormat() == gpu::CompilationTarget::Assembly;
    if (!target || !(isCubin || isPtx))
      return emitError(binary.getLoc())
             << "'@" << binary.getName() << "' has an object of format '"
             << gpu::stringifyCompilationTarget(object.getFormat())
             << "' that goes into no bundle; accepted are assembly (format=isa)"
                " and bin (format=bin) for #nvvm.target";
    runtime::CodeObject code;
    code.chip = target.getChip().str();
    code.format = isCubin ? "cubin" : "ptx";
    code.bytes = object.getObject().str();
    if (DictionaryAttr properties = object.getProperties();
        properties && isCubin)
      if (auto assembler = properties.getAs<StringAttr>("assembler"))
        code.assembler = assembler.str();
    bundle.objects.push_back(std::move(code));
  }
  return success();
}

/// Sets the loops of the operands of `kernel` from `indexer.loops`.
static LogicalResult addLoops(func::FuncOp declaration,
                              runtime::FusedKernel &kernel) {
  auto loops = declaration->getAttrOfType<ArrayAttr>(loopsAttrName);
  if (!loops || loops.size() != kernel.operands.size())
    return emitError(declaration.getLoc())
           << "'@" << declaration.getName() << "' needs '" << loopsAttrName
           << "' with one entry for each of its " << kernel.operands.size()
           << " operands";
  for (auto [attribute, operand] : llvm::zip(loops, kernel.operands)) {
    auto numbers = dyn_cast<DenseI64ArrayAttr>(attribute);
    if (!numbers)
      return emitError(declaration.getLoc())
             << "'" << loopsAttrName << "' has " << attribute
             << "; accepted are arrays of loop numbers";
    operand.loops.assign(numbers.asArrayRef().begin(),
                         numbers.asArrayRef().end());
  }
  return success();
}

/// Sets the heads of the operands of `kernel` from `indexer.heads`, which only
/// the kernels of several fused ops have.
static LogicalResult addHeads(func::FuncOp declaration,
                              runtime::FusedKernel &kernel) {
  auto heads = declaration->getAttrOfType<ArrayAttr>(headsAttrName);
  if (!heads && kernel.numResults == 1)
    return success();
  if (!heads || heads.size() != kernel.operands.size())
    return emitError(declaration.getLoc())
           << "'@" << declaration.getName() << "' needs '" << headsAttrName
           << "' with one entry for each of its " << kernel.operands.size()
           << " operands";
  for (auto [attribute, operand] : llvm::zip(heads, kernel.operands)) {
    auto range = dyn_cast<DenseI64ArrayAttr>(attribute);
    if (!range || range.size() != 2)
      return emitError(declaration.getLoc())
             << "'" << headsAttrName << "' has " << attribute
             << "; accepted are arrays of a first head and a number of heads";
    operand.heads = {range[0], range[1]};
  }
  return success();
}

namespace {

/// Collects the fused ops of one entry function.
class BundleBuilder {
public:
  BundleBuilder(ModuleOp module, func::FuncOp entry)
      : symbols(module), entry(entry),
        trace(entry, [this](func::CallOp call) { return bool(callee(call)); }) {
  }

  /// See makeBundle.
  FailureOr<runtime::Bundle> build();

private:
  /// The outlined declaration that `call` calls, or null.
  func::FuncOp callee(func::CallOp call) const;

  /// Makes the fused kernel of `call`; `binaries` gets the binary of its code.
  FailureOr<runtime::FusedKernel>
  makeKernel(func::CallOp call, llvm::SetVector<Operation *> &binaries);

  SymbolTable symbols;
  func::FuncOp entry;
  EntryTrace trace;
};

} // namespace

func::FuncOp BundleBuilder::callee(func::CallOp call) const {
  auto function = symbols.lookup<func::FuncOp>(call.getCallee());
  return function && function->hasAttr(launchAttrName) ? function
                                                       : func::FuncOp();
}

FailureOr<runtime::FusedKernel>
BundleBuilder::makeKernel(func::CallOp call,
                          llvm::SetVector<Operation *> &binaries) {
  func::FuncOp declaration = callee(call);
  FailureOr<FusedKernelInfo> info = readFusedKernel(declaration);
  if (failed(info))
    return failure();
  auto binary = symbols.lookup<gpu::BinaryOp>(info->kernelsModule);
  if (!binary)
    return emitError(declaration.getLoc())
           << "kernels '@" << info->kernelsModule << "' of '@"
           << declaration.getName()
           << "' are not compiled; run indexer-serialize-kernels first";
  binaries.insert(binary);

  runtime::FusedKernel kernel;
  // A binding and its type, for a tensor that is an operand of the call or its
  // result.
  auto addOperand = [&](FailureOr<runtime::TensorBinding> binding, Type type) {
    if (failed(binding))
      return failure();
    FailureOr<runtime::ElementType> element =
        elementTypeOf(cast<RankedTensorType>(type).getElementType());
    if (failed(element))
      return LogicalResult(emitError(call.getLoc())
                           << "'@" << declaration.getName()
                           << "' has a tensor of type " << type
                           << "; accepted are elements of bf16, f16, f32, f64");
    kernel.operands.push_back(std::move(*binding));
    kernel.operandTypes.push_back(*element);
    return success();
  };
  for (Value operand : call.getOperands())
    if (isa<RankedTensorType>(operand.getType()) &&
        failed(addOperand(trace.traceOperand(operand), operand.getType())))
      return failure();
  if (call.getNumResults() == 0 ||
      !llvm::all_of(call.getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return emitError(call.getLoc())
           << "'@" << declaration.getName() << "' has results of type "
           << call.getResultTypes() << "; accepted are ranked tensors";
  kernel.numResults = call.getNumResults();
  for (Value result : call.getResults())
    if (failed(addOperand(trace.traceResult(result), result.getType())))
      return failure();
  if (failed(addLoops(declaration, kernel)) ||
      failed(addHeads(declaration, kernel)))
    return failure();

  for (unsigned number : info->scalars) {
    if (number >= call.getNumOperands())
      return emitError(declaration.getLoc())
             << "'" << scalarsAttrName << "' names argument " << number
             << "; '@" << declaration.getName() << "' has "
             << call.getNumOperands();
    FailureOr<runtime::ScalarBinding> scalar =
        trace.traceScalar(call.getOperand(number));
    if (failed(scalar))
      return failure();
    kernel.scalars.push_back(*scalar);
  }
  for (auto [loop, extent] : llvm::enumerate(info->extents)) {
    runtime::ExtentBinding &bound = kernel.extents[loop];
    bound.extent = ShapedType::isDynamic(extent.extent) ? runtime::kDynamic
                                                        : extent.extent;
    bound.operand = extent.operand;
    bound.dim = extent.dim;
  }
  for (const KernelLaunchInfo &launch : info->launches)
    kernel.launches.push_back(makeLaunch(launch, binary));
  return kernel;
}

FailureOr<runtime::Bundle> BundleBuilder::build() {
  runtime::Bundle bundle;
  bundle.entry = entry.getName().str();
  FailureOr<SmallVector<func::CallOp>> calls = trace.collectCalls();
  if (failed(calls))
    return failure();
  if (calls->empty())
    return emitError(entry.getLoc())
           << "entry '@" << entry.getName()
           << "' calls no outlined kernel; there is nothing to bundle";
  if (failed(addSignature(entry, bundle)) || failed(trace.checkReturn()))
    return failure();
  llvm::SetVector<Operation *> binaries;
  for (func::CallOp call : *calls) {
    FailureOr<runtime::FusedKernel> kernel = makeKernel(call, binaries);
    if (failed(kernel))
      return failure();
    bundle.kernels.push_back(std::move(*kernel));
  }
  if (failed(trace.checkAsserts(bundle.kernels)))
    return failure();
  for (Operation *binary : binaries)
    if (failed(addObjects(cast<gpu::BinaryOp>(binary), bundle)))
      return failure();
  std::string error;
  if (!runtime::validate(bundle, error))
    return emitError(entry.getLoc())
           << "the bundle of entry '@" << entry.getName()
           << "' cannot be launched: " << error;
  return bundle;
}

FailureOr<runtime::Bundle> makeBundle(ModuleOp module, StringRef entry) {
  auto function = dyn_cast_or_null<func::FuncOp>(
      SymbolTable::lookupSymbolIn(module, entry));
  if (!function || function.isExternal())
    return emitError(module.getLoc())
           << "the module has no function '@" << entry << "' with a body";
  return BundleBuilder(module, function).build();
}

} // namespace indexer
