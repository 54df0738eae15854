//===- BundleWriter.cpp - Bundle to bytes ---------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: a bundle. Out: bytes as in docs/bundle-format.md. The JSON header has no
// redundant field, so that a reader cannot find two that disagree.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/BundleHeader.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <zlib.h>

using namespace indexer::runtime;
/// Keeps the order in which keys are added: equal bundles, equal bytes.
using Json = nlohmann::ordered_json;

/// Name of a loop in the header.
static const char *loopName(unsigned loop) {
  static constexpr const char *names[] = {"t", "h", "d"};
  return loop < 3 ? names[loop] : "?";
}

/// {"name", "type"} and, for a tensor, "shape" with null for a dynamic extent.
static Json toJson(const ArgumentSpec &spec) {
  Json json = {{"name", spec.name}, {"type", elementTypeName(spec.type)}};
  if (!spec.isTensor)
    return json;
  Json shape = Json::array();
  for (int64_t extent : spec.shape)
    shape.push_back(extent == kDynamic ? Json() : Json(extent));
  json["shape"] = std::move(shape);
  return json;
}

/// A JSON number, or "nan", "inf", "-inf", which JSON has no numbers for.
static Json toJson(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "inf" : "-inf";
  return value;
}

static Json toJson(const ScalarBinding &scalar) {
  Json json = {{"type", elementTypeName(scalar.type)}};
  if (scalar.isConstant)
    json["constant"] = toJson(scalar.constant);
  else
    json["argument"] = scalar.argument;
  return json;
}

static Json toJson(const KernelParameter &parameter) {
  switch (parameter.kind) {
  case KernelParameter::Kind::Pointer:
    return {{"kind", "pointer"}, {"operand", parameter.index}};
  case KernelParameter::Kind::Stride:
    return {{"kind", "stride"},
            {"operand", parameter.index},
            {"dim", parameter.dim}};
  case KernelParameter::Kind::Extent:
    return {{"kind", "extent"}, {"loop", loopName(parameter.index)}};
  case KernelParameter::Kind::TensorMap:
    return {{"kind", "tensor_map"},
            {"operand", parameter.index},
            {"box", {parameter.boxRows, parameter.boxColumns}}};
  case KernelParameter::Kind::Scalar:
    break;
  }
  return {{"kind", "scalar"}, {"scalar", parameter.index}};
}

static Json toJson(const KernelLaunch &launch) {
  Json parameters = Json::array();
  for (const KernelParameter &parameter : launch.parameters)
    parameters.push_back(toJson(parameter));
  return {{"kernel", launch.kernel},
          {"family", launch.family},
          {"order", launch.order},
          {"chip", launch.chip},
          {"min_tokens", launch.minTokens},
          {"max_tokens", launch.maxTokens},
          {"tile_t", launch.tileT},
          {"tile_h", launch.tileH},
          {"heads_first", launch.headsFirst},
          {"split", launch.split},
          {"threads", launch.threads},
          {"cluster", launch.cluster},
          {"max_ctas", launch.maxCtas},
          {"dynamic_shared_bytes", launch.dynamicSharedBytes},
          {"alignment", launch.alignment},
          {"starts_early", launch.startsEarly},
          {"static_operands", launch.staticOperands},
          {"parameters", std::move(parameters)},
          {"resources",
           {{"registers", launch.resources.registers},
            {"spill_bytes", launch.resources.spillBytes},
            {"shared_bytes", launch.resources.sharedBytes}}}};
}

static Json toJson(const FusedKernel &kernel) {
  Json operands = Json::array();
  for (size_t i = 0; i < kernel.operands.size(); ++i) {
    const TensorBinding &binding = kernel.operands[i];
    Json loops = Json::array();
    for (unsigned loop : binding.loops)
      loops.push_back(loopName(loop));
    // A missing type is left out, and the reader says that it is missing.
    Json operand = Json::object();
    if (i < kernel.operandTypes.size())
      operand["type"] = elementTypeName(kernel.operandTypes[i]);
    operand[kernel.isResult(i) ? "result" : "argument"] = binding.argument;
    operand["groups"] = binding.groups;
    operand["loops"] = std::move(loops);
    if (binding.slice)
      operand["slice"] = {{"dim", binding.slice->dim},
                          {"first", binding.slice->first},
                          {"count", binding.slice->count}};
    if (binding.heads)
      operand["heads"] = {{"first", binding.heads->first},
                          {"count", binding.heads->count}};
    operands.push_back(std::move(operand));
  }
  Json scalars = Json::array();
  for (const ScalarBinding &scalar : kernel.scalars)
    scalars.push_back(toJson(scalar));
  Json extents = Json::object();
  for (unsigned loop = 0; loop < 3; ++loop) {
    const ExtentBinding &extent = kernel.extents[loop];
    if (extent.extent != kDynamic)
      extents[loopName(loop)] = extent.extent;
    else
      extents[loopName(loop)] = {{"operand", extent.operand},
                                 {"dim", extent.dim}};
  }
  Json launches = Json::array();
  for (const KernelLaunch &launch : kernel.launches)
    launches.push_back(toJson(launch));
  Json json = Json::object();
  json["operands"] = std::move(operands);
  json["scalars"] = std::move(scalars);
  json["extents"] = std::move(extents);
  json["launches"] = std::move(launches);
  return json;
}

std::string indexer::runtime::headerText(const Bundle &bundle, int indent) {
  Json arguments = Json::array(), results = Json::array();
  Json kernels = Json::array(), objects = Json::array();
  for (const ArgumentSpec &spec : bundle.arguments)
    arguments.push_back(toJson(spec));
  for (const ArgumentSpec &spec : bundle.results)
    results.push_back(toJson(spec));
  for (const FusedKernel &kernel : bundle.kernels)
    kernels.push_back(toJson(kernel));
  for (const CodeObject &object : bundle.objects) {
    Json json = Json::object();
    json["chip"] = object.chip;
    json["format"] = object.format;
    json["assembler"] = object.assembler;
    json["size"] = object.bytes.size();
    objects.push_back(std::move(json));
  }
  Json json = Json::object();
  json["entry"] = bundle.entry;
  json["arguments"] = std::move(arguments);
  json["results"] = std::move(results);
  json["kernels"] = std::move(kernels);
  json["objects"] = std::move(objects);
  return json.dump(indent, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

/// Appends the low `bytes` bytes of `value`, little-endian.
static void append(std::string &out, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>(value >> (8 * i)));
}

std::string indexer::runtime::serialize(const Bundle &bundle) {
  std::string header = headerText(bundle, /*indent=*/-1);
  uint64_t size = kBundlePrologueSize + header.size() + kBundleTrailerSize;
  for (const CodeObject &object : bundle.objects)
    size += object.bytes.size();

  std::string out;
  out.reserve(size);
  out.append(kBundleMagic, kBundleMagicSize);
  append(out, kBundleVersion, 4);
  append(out, 0, 4);
  append(out, size, 8);
  append(out, header.size(), 8);
  out += header;
  for (const CodeObject &object : bundle.objects)
    out += object.bytes;
  const auto *bytes = reinterpret_cast<const unsigned char *>(out.data());
  append(out, crc32_z(0, bytes, out.size()), 4);
  return out;
}

const char *indexer::runtime::elementTypeName(ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return "bf16";
  case ElementType::F16:
    return "f16";
  case ElementType::F32:
    return "f32";
  case ElementType::F64:
    return "f64";
  }
  return "unknown";
}
