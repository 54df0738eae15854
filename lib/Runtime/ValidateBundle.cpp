//===- ValidateBundle.cpp - Is a bundle consistent in itself --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A launch indexes without looking, so that it is fast; what it relies on is
// checked here, once, when the bundle is read.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/ValidateBundle.h"

#include "indexer/Runtime/Limits.h"
#include "indexer/Runtime/TensorMap.h"

#include <algorithm>

using namespace indexer::runtime;

/// Sets `error`; always false.
static bool complain(std::string &error, const std::string &what) {
  error = what;
  return false;
}

static bool validateSpec(const ArgumentSpec &spec, const std::string &what,
                         std::string &error) {
  if (spec.shape.size() > kMaxRank)
    return complain(error, what + " has more than " + std::to_string(kMaxRank) +
                               " dimensions");
  if (!spec.isTensor && !spec.shape.empty())
    return complain(error, what + " is a scalar with a shape");
  for (int64_t extent : spec.shape)
    if (extent < 0 && extent != kDynamic)
      return complain(error, what + " has a negative extent");
  return true;
}

/// A slice lies inside of a dimension whose extent is known.
static bool validateSlice(const TensorBinding::Slice &slice,
                          const ArgumentSpec &spec) {
  if (slice.dim >= spec.shape.size())
    return false;
  int64_t extent = spec.shape[slice.dim];
  return extent != kDynamic && slice.first >= 0 && slice.count >= 0 &&
         slice.count <= extent && slice.first <= extent - slice.count;
}

/// Some of the heads of a kernel, whose number is known.
static bool validateHeads(const TensorBinding::Heads &heads,
                          const ExtentBinding &all) {
  return all.extent != kDynamic && heads.first >= 0 && heads.count >= 0 &&
         heads.count <= all.extent && heads.first <= all.extent - heads.count;
}

/// \param specs the arguments, or of a result the results.
static bool validateOperand(const TensorBinding &binding, ElementType type,
                            const std::vector<ArgumentSpec> &specs,
                            const std::string &what, std::string &error) {
  if (binding.argument >= specs.size() || !specs[binding.argument].isTensor)
    return complain(error, what + " is bound to no tensor");
  const ArgumentSpec &spec = specs[binding.argument];
  if (spec.type != type)
    return complain(error, what + " has type " + elementTypeName(type) +
                               ", its tensor has " +
                               elementTypeName(spec.type));
  if (binding.slice && !validateSlice(*binding.slice, spec))
    return complain(error, what + " is a part that its tensor does not have");
  if (binding.loops.size() != binding.groups.size())
    return complain(error, what + " has " +
                               std::to_string(binding.groups.size()) +
                               " dimensions and " +
                               std::to_string(binding.loops.size()) + " loops");
  bool seenLoop[kLoops] = {};
  for (unsigned loop : binding.loops) {
    if (loop >= kLoops || seenLoop[loop])
      return complain(error, what + " has a wrong or repeated loop");
    seenLoop[loop] = true;
  }
  bool seenDim[kMaxRank] = {};
  for (const std::vector<unsigned> &group : binding.groups)
    for (unsigned dim : group) {
      if (dim >= spec.shape.size() || seenDim[dim])
        return complain(error, what + " has a wrong or repeated dimension");
      seenDim[dim] = true;
    }
  for (size_t dim = 0; dim < spec.shape.size(); ++dim)
    if (!seenDim[dim] && spec.shape[dim] != 1 && spec.shape[dim] != kDynamic)
      return complain(error, what + " leaves out dimension " +
                                 std::to_string(dim) + " of extent " +
                                 std::to_string(spec.shape[dim]));
  return true;
}

/// A tensor map has two dimensions, rows and d, and a box that the swizzle of
/// 128 bytes takes.
static bool validateTensorMap(const KernelParameter &parameter,
                              const FusedKernel &kernel) {
  if (parameter.index >= kernel.operands.size())
    return false;
  const std::vector<unsigned> &loops = kernel.operands[parameter.index].loops;
  size_t rowBytes = parameter.boxColumns *
                    elementTypeSize(kernel.operandTypes[parameter.index]);
  return loops.size() == 2 && (loops[0] == 2 || loops[1] == 2) &&
         parameter.boxRows >= 1 && parameter.boxRows <= kMaxBoxExtent &&
         parameter.boxColumns >= 1 && parameter.boxColumns <= kMaxBoxExtent &&
         rowBytes <= kMaxBoxRowBytes && rowBytes % kTensorMapAlignment == 0;
}

static bool validateParameter(const KernelParameter &parameter,
                              const FusedKernel &kernel) {
  switch (parameter.kind) {
  case KernelParameter::Kind::Pointer:
    return parameter.index < kernel.operands.size();
  case KernelParameter::Kind::Stride:
    return parameter.index < kernel.operands.size() &&
           parameter.dim < kernel.operands[parameter.index].groups.size();
  case KernelParameter::Kind::Extent:
    return parameter.index < kLoops;
  case KernelParameter::Kind::Scalar:
    return parameter.index < kernel.scalars.size();
  case KernelParameter::Kind::TensorMap:
    return validateTensorMap(parameter, kernel);
  }
  return false;
}

static bool validateLaunch(const KernelLaunch &launch,
                           const FusedKernel &kernel, std::string &error) {
  std::string what = "kernel '" + launch.kernel + "'";
  if (launch.kernel.empty())
    return complain(error, "a kernel has no name");
  if (launch.minTokens < 0 || launch.maxTokens < launch.minTokens)
    return complain(error, what + " has an empty range of tokens");
  if (launch.tileT < 1 || launch.tileH < 1)
    return complain(error, what + " has an empty tile");
  if (launch.split < 1 || launch.split > kMaxCluster)
    return complain(
        error, what + " splits a tile over " + std::to_string(launch.split) +
                   " blocks, accepted are 1 to " + std::to_string(kMaxCluster));
  if (launch.threads < 1 || launch.threads > kMaxThreads)
    return complain(error, what + " has " + std::to_string(launch.threads) +
                               " threads, accepted are 1 to " +
                               std::to_string(kMaxThreads));
  if (launch.cluster < 1 || launch.cluster > kMaxCluster)
    return complain(
        error, what + " has clusters of " + std::to_string(launch.cluster) +
                   ", accepted are 1 to " + std::to_string(kMaxCluster));
  if (launch.maxCtas % launch.cluster != 0)
    return complain(error, what + " has at most " +
                               std::to_string(launch.maxCtas) +
                               " blocks, accepted are multiples of " +
                               std::to_string(launch.cluster));
  if ((launch.alignment & (launch.alignment - 1)) != 0)
    return complain(error, what + " needs an alignment of " +
                               std::to_string(launch.alignment) +
                               " bytes, accepted are powers of two");
  if (launch.dynamicSharedBytes > INT32_MAX)
    return complain(error, what + " needs too much shared memory");
  if (launch.parameters.size() > kMaxParameters)
    return complain(error, what + " has more than " +
                               std::to_string(kMaxParameters) + " parameters");
  unsigned tensorMaps = 0;
  for (size_t i = 0; i < launch.parameters.size(); ++i) {
    if (!validateParameter(launch.parameters[i], kernel))
      return complain(error, "parameter " + std::to_string(i) + " of " + what +
                                 " is bound to nothing");
    tensorMaps += launch.parameters[i].kind == KernelParameter::Kind::TensorMap;
  }
  if (tensorMaps > kMaxTensorMaps)
    return complain(error, what + " has more than " +
                               std::to_string(kMaxTensorMaps) + " tensor maps");
  return true;
}

/// Whatever code object is loaded, the kernel has launches for it, and no
/// launch is for a chip without code.
static bool validateChips(const FusedKernel &kernel, const Bundle &bundle,
                          const std::string &what, std::string &error) {
  auto serves = [](const KernelLaunch &launch, const CodeObject &object) {
    return launch.chip.empty() || launch.chip == object.chip;
  };
  for (const CodeObject &object : bundle.objects)
    if (std::none_of(
            kernel.launches.begin(), kernel.launches.end(),
            [&](const auto &launch) { return serves(launch, object); }))
      return complain(error, what + " has no launch for " + object.chip);
  for (const KernelLaunch &launch : kernel.launches)
    if (!launch.chip.empty() &&
        std::none_of(
            bundle.objects.begin(), bundle.objects.end(),
            [&](const auto &object) { return serves(launch, object); }))
      return complain(error, "kernel '" + launch.kernel + "' is for " +
                                 launch.chip + ", which has no code object");
  return true;
}

static bool validateKernel(const FusedKernel &kernel, const Bundle &bundle,
                           const std::string &what, std::string &error) {
  size_t count = kernel.operands.size();
  if (kernel.numResults < 1 || count < kernel.numResults + 2 ||
      count > kMaxOperands || kernel.operandTypes.size() != count)
    return complain(
        error, what + " has " + std::to_string(count) + " operands and " +
                   std::to_string(kernel.operandTypes.size()) +
                   " types, accepted are 3 to " + std::to_string(kMaxOperands));
  for (size_t i = 0; i < count; ++i) {
    std::string name = "operand " + std::to_string(i) + " of " + what;
    if (!validateOperand(kernel.operands[i], kernel.operandTypes[i],
                         kernel.isResult(i) ? bundle.results : bundle.arguments,
                         name, error))
      return false;
    if (kernel.operands[i].heads &&
        !validateHeads(*kernel.operands[i].heads, kernel.extents[1]))
      return complain(error, name + " has heads that the kernel does not have");
  }
  for (size_t i = count - kernel.numResults; i < count; ++i) {
    const TensorBinding &result = kernel.operands[i];
    if (result.slice)
      return complain(error, "a result of " + what + " is a part of a tensor");
    // Every (t, h) has an element of its own to write to.
    if (result.loops.size() != 2 || result.loops[0] + result.loops[1] != 1)
      return complain(error, "a result of " + what + " is not over t and h");
    if (kernel.numResults > 1 && !result.heads)
      return complain(error, "a result of " + what +
                                 " does not say which heads it has");
  }
  if (kernel.scalars.size() > kMaxScalars)
    return complain(error, what + " has more than " +
                               std::to_string(kMaxScalars) + " scalars");
  for (const ScalarBinding &scalar : kernel.scalars)
    if (!scalar.isConstant && (scalar.argument >= bundle.arguments.size() ||
                               bundle.arguments[scalar.argument].isTensor))
      return complain(error, "a scalar of " + what + " is bound to no scalar");
  for (unsigned loop = 0; loop < kLoops; ++loop) {
    const ExtentBinding &extent = kernel.extents[loop];
    if (extent.extent != kDynamic) {
      if (extent.extent < 0)
        return complain(error, what + " has a negative extent");
      if (loop == 2 && extent.extent == 0)
        return complain(error, what + " sums up nothing");
      continue;
    }
    if (extent.operand >= count ||
        extent.dim >= kernel.operands[extent.operand].loops.size() ||
        kernel.operands[extent.operand].loops[extent.dim] != loop)
      return complain(error, "extent " + std::to_string(loop) + " of " + what +
                                 " is read from a dimension of another loop");
  }
  if (kernel.launches.empty())
    return complain(error, what + " has no machine code");
  for (const KernelLaunch &launch : kernel.launches)
    if (!validateLaunch(launch, kernel, error))
      return false;
  return validateChips(kernel, bundle, what, error);
}

bool indexer::runtime::validate(const Bundle &bundle, std::string &error) {
  for (size_t i = 0; i < bundle.arguments.size(); ++i)
    if (!validateSpec(bundle.arguments[i], "argument " + std::to_string(i),
                      error))
      return false;
  for (size_t i = 0; i < bundle.results.size(); ++i) {
    std::string what = "result " + std::to_string(i);
    if (!validateSpec(bundle.results[i], what, error))
      return false;
    if (!bundle.results[i].isTensor)
      return complain(error, what + " is not a tensor");
  }
  if (bundle.kernels.size() > kMaxKernels)
    return complain(error, "it has more than " + std::to_string(kMaxKernels) +
                               " fused ops");
  for (size_t i = 0; i < bundle.kernels.size(); ++i)
    if (!validateKernel(bundle.kernels[i], bundle,
                        "fused op " + std::to_string(i), error))
      return false;
  for (size_t i = 0; i < bundle.objects.size(); ++i) {
    const std::string &format = bundle.objects[i].format;
    if (format != "cubin" && format != "ptx")
      return complain(error, "code object " + std::to_string(i) +
                                 " has format '" + format +
                                 "', accepted are cubin and ptx");
  }
  return true;
}
