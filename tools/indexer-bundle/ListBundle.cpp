//===- ListBundle.cpp - A bundle as text ----------------------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ListBundle.h"

#include <algorithm>
#include <cstdio>

using namespace indexer::runtime;

namespace {

/// Rows of text, printed with columns of one width.
class Table {
public:
  explicit Table(std::vector<std::string> titles) { add(std::move(titles)); }
  void add(std::vector<std::string> row) { rows.push_back(std::move(row)); }

  /// Prints all rows, indented; the last column is not padded.
  void print() const {
    std::vector<size_t> widths(rows.front().size());
    for (const auto &row : rows)
      for (size_t i = 0; i < row.size(); ++i)
        widths[i] = std::max(widths[i], row[i].size());
    for (const auto &row : rows) {
      std::string line = " ";
      for (size_t i = 0; i < row.size(); ++i) {
        line += " " + row[i];
        if (i + 1 < row.size())
          line.append(widths[i] + 1 - row[i].size(), ' ');
      }
      std::printf("%s\n", line.c_str());
    }
  }

private:
  std::vector<std::vector<std::string>> rows;
};

} // namespace

/// "[?, 7168]", or "scalar".
static std::string shapeText(const ArgumentSpec &spec) {
  if (!spec.isTensor)
    return "scalar";
  std::string text;
  for (int64_t extent : spec.shape)
    text += (text.empty() ? "" : ", ") +
            (extent == kDynamic ? "?" : std::to_string(extent));
  return "[" + text + "]";
}

static void listSpecs(const char *title,
                      const std::vector<ArgumentSpec> &specs) {
  Table table({title, "type", "shape"});
  for (const ArgumentSpec &spec : specs)
    table.add({spec.name.empty() ? "-" : spec.name, elementTypeName(spec.type),
               shapeText(spec)});
  table.print();
}

/// "1..16", or "17.." without an end.
static std::string tokensText(const KernelLaunch &launch) {
  std::string text = std::to_string(launch.minTokens) + "..";
  return launch.maxTokens == INT64_MAX
             ? text
             : text + std::to_string(launch.maxTokens);
}

static void listLaunches(const FusedKernel &kernel) {
  Table table({"kernel", "family", "chip", "T", "tile", "split", "threads",
               "cluster", "aligned", "shared", "registers", "spills", "order"});
  for (const KernelLaunch &launch : kernel.launches)
    table.add(
        {launch.kernel, launch.family,
         launch.chip.empty() ? "all" : launch.chip, tokensText(launch),
         std::to_string(launch.tileT) + "x" + std::to_string(launch.tileH),
         std::to_string(launch.split), std::to_string(launch.threads),
         std::to_string(launch.cluster), std::to_string(launch.alignment),
         std::to_string(launch.resources.sharedBytes +
                        static_cast<int64_t>(launch.dynamicSharedBytes)),
         std::to_string(launch.resources.registers),
         std::to_string(launch.resources.spillBytes), launch.order});
  table.print();
}

void listBundle(const Bundle &bundle) {
  listSpecs("argument", bundle.arguments);
  std::printf("\n");
  listSpecs("result", bundle.results);
  for (const FusedKernel &kernel : bundle.kernels) {
    std::printf("\n");
    listLaunches(kernel);
  }
  std::printf("\n");
  Table table({"code", "chip", "bytes", "assembler"});
  for (const CodeObject &object : bundle.objects)
    table.add({object.format, object.chip, std::to_string(object.bytes.size()),
               object.assembler.empty() ? "-" : object.assembler});
  table.print();
}
