//===- Diagnostics.cpp - Diagnostics and remarks as text ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Remark/RemarkStreamer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace indexer;

namespace {

/// Keeps each remark in a list.
class RemarkList : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit RemarkList(std::vector<ProgramRemark> &remarks) : remarks(remarks) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    ProgramRemark entry;
    entry.kind = remark.getRemarkTypeString().lower();
    entry.pass = remark.getRemarkName().str();
    entry.category = remark.getCombinedCategoryName().str();
    entry.location = locationText(remark.getLocation());
    for (const remark::detail::Remark::Arg &arg : remark.getArgs()) {
      if (!entry.text.empty())
        entry.text += "; ";
      entry.text += arg.key == "Remark" ? arg.val : arg.key + "=" + arg.val;
    }
    remarks.push_back(std::move(entry));
  }

private:
  std::vector<ProgramRemark> &remarks;
};

} // namespace

std::string indexer::locationText(Location loc) {
  // The first place with a file and a line.
  std::string text;
  loc->walk([&](Location inner) {
    auto place = dyn_cast<FileLineColLoc>(inner);
    if (!place)
      return WalkResult::advance();
    text = llvm::formatv("{0}:{1}:{2}", place.getFilename().getValue(),
                         place.getLine(), place.getColumn())
               .str();
    return WalkResult::interrupt();
  });
  if (text.empty())
    llvm::raw_string_ostream(text) << loc;
  return text;
}

Program::Diagnostics::Diagnostics(MLIRContext &context,
                                  std::vector<ProgramRemark> &remarks)
    : handler(&context, [this](Diagnostic &diagnostic) {
        auto append = [this](Diagnostic &entry, StringRef severity) {
          if (!text.empty())
            text += "\n";
          text += locationText(entry.getLocation()) + ": " + severity.str() +
                  ": " + entry.str();
        };
        if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
          return success();
        append(diagnostic, diagnostic.getSeverity() == DiagnosticSeverity::Error
                               ? "error"
                               : "warning");
        for (Diagnostic &note : diagnostic.getNotes())
          append(note, "note");
        return success();
      }) {
  remark::RemarkCategories categories;
  // `all` alone enables nothing.
  categories.all = categories.passed = categories.missed = categories.analysis =
      categories.failed = "indexer-.*";
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkList>(remarks),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

llvm::Error Program::Diagnostics::takeError() {
  std::string taken = std::exchange(text, {});
  if (taken.empty())
    taken = "error: the compiler failed without a diagnostic";
  return llvm::createStringError(taken);
}

std::vector<std::string> Program::Diagnostics::takeWarnings() {
  std::vector<std::string> lines;
  std::string taken = std::exchange(text, {});
  for (StringRef line : llvm::split(taken, '\n'))
    if (!line.empty())
      lines.push_back(line.str());
  return lines;
}
