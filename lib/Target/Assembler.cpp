//===- Assembler.cpp - Who makes machine code of PTX ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The libraries come before the program: no process is started and no file is
// written.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/Assembler.h"
#include "indexer/Target/NvJitLink.h"
#include "indexer/Target/PtxCompiler.h"
#include "indexer/Target/Ptxas.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using llvm::StringRef;

namespace indexer {

Assembler::~Assembler() = default;

namespace {

/// NVIDIA's PTX compiler as a part of this build.
class BuiltInAssembler : public Assembler {
public:
  std::string version() const override { return ptxCompilerVersion(); }
  std::string file() const override { return ""; }
  AssemblerResult assemble(StringRef ptx, StringRef chip,
                           StringRef name) const override {
    return assembleInProcess(ptx, chip, name);
  }
};

} // namespace

std::unique_ptr<Assembler>
findAssembler(StringRef ptxas, unsigned ptxVersion,
              llvm::SmallVectorImpl<std::string> &lookedAt) {
  if (ptxas.empty()) {
    if (!ptxCompilerVersion().empty())
      return std::make_unique<BuiltInAssembler>();
    if (std::unique_ptr<Assembler> library =
            NvJitLink::find(ptxVersion, lookedAt))
      return library;
  }
  std::optional<Ptxas> program = Ptxas::find(ptxas, lookedAt);
  return program ? std::make_unique<Ptxas>(std::move(*program)) : nullptr;
}

std::string fileStamp(StringRef path) {
  llvm::sys::fs::file_status status;
  if (path.empty() || llvm::sys::fs::status(path, status))
    return "";
  return llvm::formatv(
             "{0} bytes, changed {1}", status.getSize(),
             status.getLastModificationTime().time_since_epoch().count())
      .str();
}

} // namespace indexer
