//===- ArgumentText.cpp - Words for arguments and shapes ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/ArgumentText.h"

using namespace indexer::runtime;

/// Specification of an argument or result.
static const ArgumentSpec &specOf(const Bundle &bundle, bool isResult,
                                  unsigned index) {
  return isResult ? bundle.results[index] : bundle.arguments[index];
}

std::string indexer::runtime::argumentText(const Bundle &bundle, bool isResult,
                                           unsigned index) {
  std::string text =
      (isResult ? "result " : "argument ") + std::to_string(index);
  const std::string &name = specOf(bundle, isResult, index).name;
  return name.empty() ? text : text + " ('" + name + "')";
}

const char *indexer::runtime::loopText(unsigned loop) {
  static constexpr const char *names[] = {"T", "H", "E"};
  return loop < 3 ? names[loop] : "?";
}

/// "[a, b, c]".
static std::string bracketed(const std::vector<std::string> &items) {
  std::string text = "[";
  for (const std::string &item : items) {
    if (text.size() > 1)
      text += ", ";
    text += item;
  }
  return text + "]";
}

std::string indexer::runtime::shapeText(const int64_t *shape, size_t rank) {
  std::vector<std::string> items;
  for (size_t dim = 0; dim < rank; ++dim)
    items.push_back(std::to_string(shape[dim]));
  return bracketed(items);
}

/// Replaces the unknown extents in `items` by the loops that `binding` says.
static void nameExtents(const TensorBinding &binding, const ArgumentSpec &spec,
                        std::vector<std::string> &items) {
  for (size_t dim = 0; dim < items.size(); ++dim)
    if (spec.shape[dim] == kDynamic)
      items[dim] = "1"; // In no group, unless found in one below.
  for (size_t i = 0; i < binding.groups.size(); ++i) {
    const std::vector<unsigned> &group = binding.groups[i];
    for (size_t k = 0; k < group.size(); ++k) {
      if (spec.shape[group[k]] != kDynamic)
        continue;
      items[group[k]] = loopText(binding.loops[i]);
      if (group.size() > 1)
        items[group[k]] += std::to_string(k);
    }
  }
}

std::string indexer::runtime::expectedShapeText(const Bundle &bundle,
                                                bool isResult, unsigned index) {
  const ArgumentSpec &spec = specOf(bundle, isResult, index);
  std::vector<std::string> items;
  for (int64_t extent : spec.shape)
    items.push_back(extent == kDynamic ? "?" : std::to_string(extent));
  for (const FusedKernel &kernel : bundle.kernels)
    for (size_t i = 0; i < kernel.operands.size(); ++i) {
      bool operandIsResult = kernel.isResult(i);
      if (operandIsResult == isResult && kernel.operands[i].argument == index) {
        nameExtents(kernel.operands[i], spec, items);
        return bracketed(items);
      }
    }
  return bracketed(items);
}

std::string indexer::runtime::extentsText(const Bundle &bundle,
                                          const FusedKernel &kernel,
                                          unsigned operand,
                                          const int64_t *extents) {
  std::string text;
  for (unsigned loop : kernel.operands[operand].loops) {
    if (!text.empty())
      text += ", ";
    text += loopText(loop);
    text += " = " + std::to_string(expectedExtent(kernel.operands[operand],
                                                  loop, extents));
    const ExtentBinding &extent = kernel.extents[loop];
    if (extent.extent != kDynamic || extent.operand == operand ||
        (loop == 1 && kernel.operands[operand].heads))
      continue;
    bool isResult = kernel.isResult(extent.operand);
    unsigned source = kernel.operands[extent.operand].argument;
    const std::string &name = specOf(bundle, isResult, source).name;
    text += " (from " +
            (name.empty() ? argumentText(bundle, isResult, source)
                          : "'" + name + "'") +
            ")";
  }
  return text;
}
