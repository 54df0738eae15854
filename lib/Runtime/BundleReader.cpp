//===- BundleReader.cpp - Bytes to bundle ---------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: bytes from anywhere. Out: a validated bundle, or one sentence. Every size
// in the bytes is compared with what is really there before it is used, so
// nothing is read past the end and nothing is allocated that the bytes do not
// pay for. Keys that this version does not know are skipped.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/ValidateBundle.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <zlib.h>

using namespace indexer::runtime;
using Json = nlohmann::json;

namespace {
/// Reads typed fields of JSON values. The first mistake is kept in `error`;
/// after it, every read gives a neutral value, so callers need not check.
class HeaderReader {
public:
  explicit HeaderReader(std::string &error) : error(error) {}

  bool failed() const { return !error.empty(); }
  void fail(const char *key, const char *expected) {
    if (!failed())
      error = std::string("field '") + key + "' is not " + expected;
  }

  /// Field `key` of `object`, or null.
  const Json &field(const Json &object, const char *key) {
    static const Json null;
    if (object.is_object()) {
      auto it = object.find(key);
      if (it != object.end())
        return *it;
    }
    if (!failed())
      error = std::string("field '") + key + "' is missing";
    return null;
  }

  /// Elements of the array at `key`, or none.
  const Json &array(const Json &object, const char *key) {
    static const Json none = Json::array();
    const Json &value = field(object, key);
    if (value.is_array())
      return value;
    fail(key, "an array");
    return none;
  }

  std::string string(const Json &object, const char *key) {
    const Json &value = field(object, key);
    if (value.is_string())
      return value.get_ref<const std::string &>();
    fail(key, "a string");
    return "";
  }

  bool boolean(const Json &object, const char *key) {
    const Json &value = field(object, key);
    if (value.is_boolean())
      return value.get<bool>();
    fail(key, "a boolean");
    return false;
  }

  /// `value` as an integer of type T, in its range.
  template <typename T>
  T integer(const Json &value, const char *key) {
    if (value.is_number_unsigned()) {
      auto number = value.get<uint64_t>();
      if (number <= static_cast<uint64_t>(std::numeric_limits<T>::max()))
        return static_cast<T>(number);
    } else if (value.is_number_integer()) {
      // Only negative numbers get here.
      auto number = value.get<int64_t>();
      if (std::is_signed_v<T> &&
          number >= static_cast<int64_t>(std::numeric_limits<T>::min()))
        return static_cast<T>(number);
    }
    fail(key, "an integer in range");
    return T();
  }
  template <typename T>
  T integerField(const Json &object, const char *key) {
    return integer<T>(field(object, key), key);
  }

  ElementType type(const Json &object, const char *key) {
    std::string name = string(object, key);
    for (ElementType type : {ElementType::BF16, ElementType::F16,
                             ElementType::F32, ElementType::F64})
      if (name == elementTypeName(type))
        return type;
    fail(key, "one of bf16, f16, f32, f64");
    return ElementType::F32;
  }

  /// "t", "h" or "d" to 0, 1, 2.
  unsigned loop(const Json &value, const char *key) {
    for (unsigned i = 0; i < 3; ++i)
      if (value.is_string() &&
          value.get_ref<const std::string &>() == std::string(1, "thd"[i]))
        return i;
    fail(key, "one of t, h, d");
    return 0;
  }

  double number(const Json &object, const char *key) {
    const Json &value = field(object, key);
    if (value.is_number())
      return value.get<double>();
    if (value == "nan")
      return std::numeric_limits<double>::quiet_NaN();
    if (value == "inf")
      return std::numeric_limits<double>::infinity();
    if (value == "-inf")
      return -std::numeric_limits<double>::infinity();
    fail(key, "a number");
    return 0;
  }

private:
  std::string &error;
};
} // namespace

static ArgumentSpec readSpec(HeaderReader &reader, const Json &json) {
  ArgumentSpec spec;
  spec.name = reader.string(json, "name");
  spec.type = reader.type(json, "type");
  spec.isTensor = json.is_object() && json.contains("shape");
  if (!spec.isTensor)
    return spec;
  for (const Json &extent : reader.array(json, "shape"))
    spec.shape.push_back(
        extent.is_null() ? kDynamic : reader.integer<int64_t>(extent, "shape"));
  return spec;
}

static TensorBinding readBinding(HeaderReader &reader, const Json &json,
                                 bool isResult) {
  TensorBinding binding;
  binding.argument =
      reader.integerField<unsigned>(json, isResult ? "result" : "argument");
  for (const Json &group : reader.array(json, "groups")) {
    std::vector<unsigned> &dims = binding.groups.emplace_back();
    if (!group.is_array())
      reader.fail("groups", "an array of arrays");
    else
      for (const Json &dim : group)
        dims.push_back(reader.integer<unsigned>(dim, "groups"));
  }
  for (const Json &loop : reader.array(json, "loops"))
    binding.loops.push_back(reader.loop(loop, "loops"));
  if (json.is_object() && json.contains("slice")) {
    const Json &slice = reader.field(json, "slice");
    binding.slice.emplace();
    binding.slice->dim = reader.integerField<unsigned>(slice, "dim");
    binding.slice->first = reader.integerField<int64_t>(slice, "first");
    binding.slice->count = reader.integerField<int64_t>(slice, "count");
  }
  if (json.is_object() && json.contains("heads")) {
    const Json &heads = reader.field(json, "heads");
    binding.heads.emplace();
    binding.heads->first = reader.integerField<int64_t>(heads, "first");
    binding.heads->count = reader.integerField<int64_t>(heads, "count");
  }
  return binding;
}

static ScalarBinding readScalar(HeaderReader &reader, const Json &json) {
  ScalarBinding scalar;
  scalar.type = reader.type(json, "type");
  scalar.isConstant = json.is_object() && json.contains("constant");
  if (scalar.isConstant)
    scalar.constant = reader.number(json, "constant");
  else
    scalar.argument = reader.integerField<unsigned>(json, "argument");
  return scalar;
}

static KernelParameter readParameter(HeaderReader &reader, const Json &json) {
  KernelParameter parameter;
  std::string kind = reader.string(json, "kind");
  if (kind == "pointer") {
    parameter.kind = KernelParameter::Kind::Pointer;
    parameter.index = reader.integerField<unsigned>(json, "operand");
  } else if (kind == "stride") {
    parameter.kind = KernelParameter::Kind::Stride;
    parameter.index = reader.integerField<unsigned>(json, "operand");
    parameter.dim = reader.integerField<unsigned>(json, "dim");
  } else if (kind == "extent") {
    parameter.kind = KernelParameter::Kind::Extent;
    parameter.index = reader.loop(reader.field(json, "loop"), "loop");
  } else if (kind == "scalar") {
    parameter.kind = KernelParameter::Kind::Scalar;
    parameter.index = reader.integerField<unsigned>(json, "scalar");
  } else if (kind == "tensor_map") {
    parameter.kind = KernelParameter::Kind::TensorMap;
    parameter.index = reader.integerField<unsigned>(json, "operand");
    const Json &box = reader.array(json, "box");
    if (box.size() != 2) {
      reader.fail("box", "an array of rows and columns");
      return parameter;
    }
    parameter.boxRows = reader.integer<unsigned>(box[0], "box");
    parameter.boxColumns = reader.integer<unsigned>(box[1], "box");
  } else {
    reader.fail("kind", "one of pointer, stride, extent, scalar, tensor_map");
  }
  return parameter;
}

static KernelLaunch readLaunch(HeaderReader &reader, const Json &json) {
  KernelLaunch launch;
  launch.kernel = reader.string(json, "kernel");
  launch.family = reader.string(json, "family");
  // A bundle without these runs as well.
  if (json.is_object() && json.contains("order"))
    launch.order = reader.string(json, "order");
  if (json.is_object() && json.contains("static_operands"))
    for (const Json &operand : reader.array(json, "static_operands"))
      launch.staticOperands.push_back(
          reader.integer<unsigned>(operand, "static_operands"));
  launch.chip = reader.string(json, "chip");
  launch.minTokens = reader.integerField<int64_t>(json, "min_tokens");
  launch.maxTokens = reader.integerField<int64_t>(json, "max_tokens");
  launch.tileT = reader.integerField<int64_t>(json, "tile_t");
  launch.tileH = reader.integerField<int64_t>(json, "tile_h");
  launch.headsFirst = reader.boolean(json, "heads_first");
  launch.split = reader.integerField<unsigned>(json, "split");
  launch.threads = reader.integerField<unsigned>(json, "threads");
  launch.cluster = reader.integerField<unsigned>(json, "cluster");
  launch.maxCtas = reader.integerField<unsigned>(json, "max_ctas");
  launch.dynamicSharedBytes =
      reader.integerField<unsigned>(json, "dynamic_shared_bytes");
  launch.alignment = reader.integerField<unsigned>(json, "alignment");
  launch.startsEarly = reader.boolean(json, "starts_early");
  for (const Json &parameter : reader.array(json, "parameters"))
    launch.parameters.push_back(readParameter(reader, parameter));
  const Json &resources = reader.field(json, "resources");
  launch.resources.registers = reader.integerField<int>(resources, "registers");
  launch.resources.spillBytes =
      reader.integerField<int>(resources, "spill_bytes");
  launch.resources.sharedBytes =
      reader.integerField<int>(resources, "shared_bytes");
  return launch;
}

static FusedKernel readKernel(HeaderReader &reader, const Json &json) {
  FusedKernel kernel;
  const Json &operands = reader.array(json, "operands");
  // The last operand is a result, and so are those in front of it that say so.
  auto saysResult = [&](size_t i) {
    return operands[i].is_object() && operands[i].contains("result");
  };
  while (kernel.numResults < operands.size() &&
         saysResult(operands.size() - 1 - kernel.numResults))
    ++kernel.numResults;
  for (size_t i = 0; i < operands.size(); ++i) {
    bool isResult = i + kernel.numResults >= operands.size();
    kernel.operands.push_back(readBinding(reader, operands[i], isResult));
    kernel.operandTypes.push_back(reader.type(operands[i], "type"));
  }
  for (const Json &scalar : reader.array(json, "scalars"))
    kernel.scalars.push_back(readScalar(reader, scalar));
  const Json &extents = reader.field(json, "extents");
  for (unsigned loop = 0; loop < 3; ++loop) {
    static constexpr const char *names[] = {"t", "h", "d"};
    const Json &value = reader.field(extents, names[loop]);
    ExtentBinding &extent = kernel.extents[loop];
    if (value.is_object()) {
      extent.operand = reader.integerField<unsigned>(value, "operand");
      extent.dim = reader.integerField<unsigned>(value, "dim");
      continue;
    }
    extent.extent = reader.integer<int64_t>(value, names[loop]);
    if (extent.extent < 0)
      reader.fail(names[loop], "an extent");
  }
  for (const Json &launch : reader.array(json, "launches"))
    kernel.launches.push_back(readLaunch(reader, launch));
  return kernel;
}

bool indexer::runtime::readHeader(const char *text, size_t size, Bundle &bundle,
                                  std::vector<uint64_t> &objectSizes,
                                  std::string &error) {
  error.clear();
  Json json = Json::parse(text, text + size, /*cb=*/nullptr,
                          /*allow_exceptions=*/false);
  if (!json.is_object()) {
    error = "its header is not a JSON object";
    return false;
  }
  HeaderReader reader(error);
  bundle.entry = reader.string(json, "entry");
  for (const Json &spec : reader.array(json, "arguments"))
    bundle.arguments.push_back(readSpec(reader, spec));
  for (const Json &spec : reader.array(json, "results"))
    bundle.results.push_back(readSpec(reader, spec));
  for (const Json &kernel : reader.array(json, "kernels"))
    bundle.kernels.push_back(readKernel(reader, kernel));
  for (const Json &value : reader.array(json, "objects")) {
    CodeObject &object = bundle.objects.emplace_back();
    object.chip = reader.string(value, "chip");
    object.format = reader.string(value, "format");
    object.assembler = reader.string(value, "assembler");
    objectSizes.push_back(reader.integerField<uint64_t>(value, "size"));
  }
  return !reader.failed();
}

/// The little-endian number of `bytes` bytes at `data`.
static uint64_t readNumber(const unsigned char *data, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= static_cast<uint64_t>(data[i]) << (8 * i);
  return value;
}

/// Checks prologue and checksum; gives the size of the JSON header.
static bool readPrologue(const unsigned char *bytes, size_t size,
                         uint64_t &headerSize, std::string &error) {
  size_t magicSize = std::min(size, kBundleMagicSize);
  if (!bytes || !size || std::memcmp(bytes, kBundleMagic, magicSize) != 0) {
    error = "not a bundle: it does not start with '" +
            std::string(kBundleMagic) + "'";
    return false;
  }
  constexpr size_t least = kBundlePrologueSize + kBundleTrailerSize;
  if (size < least) {
    error = "the bundle is truncated: it has " + std::to_string(size) +
            " bytes, expected at least " + std::to_string(least);
    return false;
  }
  uint64_t version = readNumber(bytes + 8, 4);
  if (version > kBundleVersion) {
    error = "the bundle has format version " + std::to_string(version) +
            ", this library reads version " + std::to_string(kBundleVersion) +
            ": use a newer library or compile again";
    return false;
  }
  uint64_t fileSize = readNumber(bytes + 16, 8);
  if (fileSize != size) {
    error = std::string(size < fileSize ? "the bundle is truncated"
                                        : "the bundle is corrupt") +
            ": it has " + std::to_string(size) + " bytes, expected " +
            std::to_string(fileSize);
    return false;
  }
  size_t covered = size - kBundleTrailerSize;
  if (crc32_z(0, bytes, covered) != readNumber(bytes + covered, 4)) {
    error = "the bundle is corrupt: its checksum does not match";
    return false;
  }
  headerSize = readNumber(bytes + 24, 8);
  if (version != kBundleVersion || readNumber(bytes + 12, 4) != 0 ||
      headerSize > size - least) {
    error = "the bundle is corrupt: its prologue is not consistent";
    return false;
  }
  return true;
}

bool indexer::runtime::deserialize(const void *data, size_t size,
                                   Bundle &bundle, std::string &error) {
  bundle = Bundle();
  const auto *bytes = static_cast<const unsigned char *>(data);
  uint64_t headerSize;
  if (!readPrologue(bytes, size, headerSize, error))
    return false;

  std::vector<uint64_t> objectSizes;
  const auto *header =
      reinterpret_cast<const char *>(bytes + kBundlePrologueSize);
  std::string why;
  if (!readHeader(header, headerSize, bundle, objectSizes, why)) {
    error = "the bundle is corrupt: " + why;
    return false;
  }
  const char *blob = header + headerSize;
  uint64_t left = size - kBundlePrologueSize - kBundleTrailerSize - headerSize;
  for (size_t i = 0; i < objectSizes.size(); ++i) {
    if (objectSizes[i] > left) {
      error = "the bundle is corrupt: code object " + std::to_string(i) +
              " has " + std::to_string(objectSizes[i]) + " bytes, " +
              std::to_string(left) + " are left";
      return false;
    }
    bundle.objects[i].bytes.assign(blob, objectSizes[i]);
    blob += objectSizes[i];
    left -= objectSizes[i];
  }
  if (left) {
    error = "the bundle is corrupt: " + std::to_string(left) +
            " bytes belong to no code object";
    return false;
  }
  if (!validate(bundle, why)) {
    error = "the bundle is corrupt: " + why;
    return false;
  }
  return true;
}
