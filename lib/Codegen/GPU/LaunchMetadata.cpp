//===- LaunchMetadata.cpp - How to launch kernels -------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/LaunchMetadata.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace indexer;

/// The dictionary of one launch. `max_tokens` and `max_ctas` are left out where
/// there is no limit.
static Attribute writeLaunch(Builder &builder, const KernelLaunchInfo &launch) {
  SmallVector<Attribute> parameters;
  for (const KernelParameterInfo &parameter : launch.parameters) {
    std::optional<unsigned> dim;
    if (parameter.kind == ParameterKind::Stride)
      dim = parameter.dim;
    SmallVector<int64_t, 2> box;
    if (parameter.kind == ParameterKind::TensorMap)
      box = {parameter.boxRows, parameter.boxColumns};
    parameters.push_back(ParameterAttr::get(
        builder.getContext(), parameter.kind, parameter.index, dim, box));
  }
  NamedAttrList dictionary;
  dictionary.set("kernel", builder.getStringAttr(launch.kernel));
  dictionary.set("family", builder.getStringAttr(launch.family));
  dictionary.set("order", builder.getStringAttr(launch.order));
  dictionary.set("min_tokens", builder.getI64IntegerAttr(launch.minTokens));
  if (launch.maxTokens != unboundedTokens)
    dictionary.set("max_tokens", builder.getI64IntegerAttr(launch.maxTokens));
  dictionary.set("tile_t", builder.getI64IntegerAttr(launch.tileT));
  dictionary.set("tile_h", builder.getI64IntegerAttr(launch.tileH));
  dictionary.set("heads_first", builder.getBoolAttr(launch.headsFirst));
  dictionary.set("split", builder.getI64IntegerAttr(launch.split));
  dictionary.set("threads", builder.getI64IntegerAttr(launch.threads));
  dictionary.set("cluster", builder.getI64IntegerAttr(launch.cluster));
  if (launch.maxCtas)
    dictionary.set("max_ctas", builder.getI64IntegerAttr(launch.maxCtas));
  dictionary.set("shared_bytes",
                 builder.getI64IntegerAttr(launch.dynamicSharedBytes));
  dictionary.set("alignment", builder.getI64IntegerAttr(launch.alignment));
  dictionary.set("starts_early", builder.getBoolAttr(launch.startsEarly));
  SmallVector<int64_t> operands(launch.staticOperands.begin(),
                                launch.staticOperands.end());
  dictionary.set("static_operands", builder.getDenseI64ArrayAttr(operands));
  dictionary.set("parameters", builder.getArrayAttr(parameters));
  return dictionary.getDictionary(builder.getContext());
}

void indexer::writeFusedKernel(func::FuncOp func, const FusedKernelInfo &info) {
  Builder builder(func.getContext());
  func->setAttr(kernelsAttrName,
                FlatSymbolRefAttr::get(func.getContext(), info.kernelsModule));

  SmallVector<Attribute> extents;
  for (const ExtentInfo &extent : info.extents) {
    if (ShapedType::isDynamic(extent.extent))
      extents.push_back(builder.getDenseI64ArrayAttr(
          {int64_t(extent.operand), int64_t(extent.dim)}));
    else
      extents.push_back(builder.getI64IntegerAttr(extent.extent));
  }
  func->setAttr(extentsAttrName, builder.getArrayAttr(extents));

  SmallVector<int64_t> scalars(info.scalars.begin(), info.scalars.end());
  func->setAttr(scalarsAttrName, builder.getDenseI64ArrayAttr(scalars));

  SmallVector<Attribute> launches;
  for (const KernelLaunchInfo &launch : info.launches)
    launches.push_back(writeLaunch(builder, launch));
  func->setAttr(launchAttrName, builder.getArrayAttr(launches));
}

namespace {
/// Reads the entries of one launch dictionary; the first one that is missing or
/// of another type is remembered.
class LaunchReader {
public:
  explicit LaunchReader(DictionaryAttr dictionary) : dictionary(dictionary) {}

  std::string string(StringRef key) {
    auto attr = dictionary.getAs<StringAttr>(key);
    return attr ? attr.str() : (fail(key), std::string());
  }
  int64_t integer(StringRef key) {
    auto attr = dictionary.getAs<IntegerAttr>(key);
    return attr ? attr.getInt() : (fail(key), 0);
  }
  bool boolean(StringRef key) {
    auto attr = dictionary.getAs<BoolAttr>(key);
    return attr ? attr.getValue() : (fail(key), false);
  }
  SmallVector<unsigned> integers(StringRef key) {
    auto array = dictionary.getAs<DenseI64ArrayAttr>(key);
    if (!array)
      return fail(key), SmallVector<unsigned>();
    return llvm::to_vector_of<unsigned>(array.asArrayRef());
  }
  SmallVector<KernelParameterInfo> parameters(StringRef key) {
    SmallVector<KernelParameterInfo> result;
    auto array = dictionary.getAs<ArrayAttr>(key);
    if (!array || !llvm::all_of(array, llvm::IsaPred<ParameterAttr>)) {
      fail(key);
      return result;
    }
    for (auto attr : array.getAsRange<ParameterAttr>()) {
      KernelParameterInfo info = {attr.getKind(), attr.getIndex(),
                                  attr.getDim().value_or(0)};
      if (ArrayRef<int64_t> box = attr.getBox(); !box.empty()) {
        info.boxRows = box[0];
        info.boxColumns = box[1];
      }
      result.push_back(info);
    }
    return result;
  }
  /// The first entry that could not be read; empty when all could.
  StringRef failedKey() const { return failed; }

private:
  void fail(StringRef key) {
    if (failed.empty())
      failed = key.str();
  }
  DictionaryAttr dictionary;
  std::string failed;
};
} // namespace

/// Reads entry `attr` of the array `indexer.launch`.
static FailureOr<KernelLaunchInfo> readLaunch(func::FuncOp func,
                                              Attribute attr) {
  auto dictionary = dyn_cast<DictionaryAttr>(attr);
  if (!dictionary)
    return func.emitOpError() << "has " << attr << " in '" << launchAttrName
                              << "', expected a dictionary";
  LaunchReader reader(dictionary);
  KernelLaunchInfo launch;
  launch.kernel = reader.string("kernel");
  launch.family = reader.string("family");
  launch.order = reader.string("order");
  launch.minTokens = reader.integer("min_tokens");
  if (dictionary.contains("max_tokens"))
    launch.maxTokens = reader.integer("max_tokens");
  launch.tileT = reader.integer("tile_t");
  launch.tileH = reader.integer("tile_h");
  launch.headsFirst = reader.boolean("heads_first");
  launch.split = reader.integer("split");
  launch.threads = reader.integer("threads");
  launch.cluster = reader.integer("cluster");
  if (dictionary.contains("max_ctas"))
    launch.maxCtas = reader.integer("max_ctas");
  launch.dynamicSharedBytes = reader.integer("shared_bytes");
  launch.alignment = reader.integer("alignment");
  launch.startsEarly = reader.boolean("starts_early");
  launch.staticOperands = reader.integers("static_operands");
  launch.parameters = reader.parameters("parameters");
  if (!reader.failedKey().empty())
    return func.emitOpError() << "has no readable '" << reader.failedKey()
                              << "' in '" << launchAttrName << "'";
  return launch;
}

FailureOr<std::vector<KernelLaunchInfo>>
indexer::readLaunchMetadata(func::FuncOp func) {
  auto array = func->getAttrOfType<ArrayAttr>(launchAttrName);
  if (!array)
    return func.emitOpError() << "has no '" << launchAttrName
                              << "', expected an array of launches";
  std::vector<KernelLaunchInfo> launches;
  for (Attribute attr : array) {
    FailureOr<KernelLaunchInfo> launch = readLaunch(func, attr);
    if (failed(launch))
      return failure();
    launches.push_back(std::move(*launch));
  }
  return launches;
}

/// Reads `indexer.extents` into `extents`.
static LogicalResult readExtents(func::FuncOp func,
                                 std::array<ExtentInfo, 3> &extents) {
  auto array = func->getAttrOfType<ArrayAttr>(extentsAttrName);
  if (!array || array.size() != extents.size())
    return func.emitOpError() << "has no '" << extentsAttrName
                              << "' of three entries, for t, h and d";
  for (auto [attr, extent] : llvm::zip(array, extents)) {
    if (auto constant = dyn_cast<IntegerAttr>(attr)) {
      extent.extent = constant.getInt();
      continue;
    }
    auto source = dyn_cast<DenseI64ArrayAttr>(attr);
    if (!source || source.size() != 2)
      return func.emitOpError()
             << "has " << attr << " in '" << extentsAttrName
             << "', expected a number or [operand, dimension]";
    extent.operand = source[0];
    extent.dim = source[1];
  }
  return success();
}

FailureOr<FusedKernelInfo> indexer::readFusedKernel(func::FuncOp func) {
  FusedKernelInfo info;
  auto kernels = func->getAttrOfType<FlatSymbolRefAttr>(kernelsAttrName);
  if (!kernels)
    return func.emitOpError() << "has no '" << kernelsAttrName
                              << "', expected the symbol of a gpu.module";
  info.kernelsModule = kernels.getValue().str();
  auto scalars = func->getAttrOfType<DenseI64ArrayAttr>(scalarsAttrName);
  if (!scalars)
    return func.emitOpError()
           << "has no '" << scalarsAttrName << "', expected argument numbers";
  info.scalars.assign(scalars.asArrayRef().begin(), scalars.asArrayRef().end());
  if (failed(readExtents(func, info.extents)))
    return failure();
  FailureOr<std::vector<KernelLaunchInfo>> launches = readLaunchMetadata(func);
  if (failed(launches))
    return failure();
  info.launches = std::move(*launches);
  return info;
}
