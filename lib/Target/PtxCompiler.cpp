//===- PtxCompiler.cpp - The PTX assembler in this process ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls and option names: "PTX Compiler APIs" of the CUDA documentation. The
// info log has the lines of `ptxas -v`.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/PtxCompiler.h"

#ifdef INDEXER_HAS_NVPTXCOMPILER

#include "indexer/Target/Ptxas.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include <chrono>
#include <nvPTXCompiler.h>

using llvm::StringRef;

namespace indexer {

std::string ptxCompilerVersion() {
  unsigned major = 0, minor = 0;
  if (nvPTXCompilerGetVersion(&major, &minor) != NVPTXCOMPILE_SUCCESS)
    return "nvptxcompiler";
  return "nvptxcompiler " + llvm::utostr(major) + "." + llvm::utostr(minor);
}

/// A log of `compiler`, read with a pair of functions of the library.
template <typename GetSize, typename GetText>
static std::string readLog(nvPTXCompilerHandle compiler, GetSize getSize,
                           GetText getText) {
  size_t size = 0;
  if (getSize(compiler, &size) != NVPTXCOMPILE_SUCCESS || size == 0)
    return "";
  std::string log(size + 1, '\0');
  if (getText(compiler, log.data()) != NVPTXCOMPILE_SUCCESS)
    return "";
  return log.substr(0, log.find('\0'));
}

/// Assembles into `result`; the library's code.
static nvPTXCompileResult assemble(StringRef ptx, const std::string &arch,
                                   AssemblerResult &result) {
  // The library wants the terminating zero to be there.
  std::string text = ptx.str();
  nvPTXCompilerHandle compiler = nullptr;
  nvPTXCompileResult code =
      nvPTXCompilerCreate(&compiler, text.size(), text.c_str());
  if (code != NVPTXCOMPILE_SUCCESS)
    return code;
  llvm::scope_exit destroy([&] { (void)nvPTXCompilerDestroy(&compiler); });
  llvm::SmallVector<const char *> options = {arch.c_str(), "--verbose", "-O3"};
  if (takesSplitCompile(ptxCompilerVersion()))
    options.push_back(splitCompileOption);
  code = nvPTXCompilerCompile(compiler, options.size(), options.data());
  if (code != NVPTXCOMPILE_SUCCESS) {
    result.output = readLog(compiler, nvPTXCompilerGetErrorLogSize,
                            nvPTXCompilerGetErrorLog);
    return code;
  }
  result.output =
      readLog(compiler, nvPTXCompilerGetInfoLogSize, nvPTXCompilerGetInfoLog);
  size_t size = 0;
  code = nvPTXCompilerGetCompiledProgramSize(compiler, &size);
  if (code != NVPTXCOMPILE_SUCCESS)
    return code;
  result.object.resize(size);
  return nvPTXCompilerGetCompiledProgram(compiler, result.object.data());
}

AssemblerResult assembleInProcess(StringRef ptx, StringRef chip,
                                  StringRef name) {
  AssemblerResult result;
  result.program = "nvptxcompiler";
  auto start = std::chrono::steady_clock::now();
  result.status = assemble(ptx, ("--gpu-name=" + chip).str(), result);
  if (result.status != 0)
    keepFailure(ptx, chip, name, result);
  result.milliseconds = std::chrono::duration<double, std::milli>(
                            std::chrono::steady_clock::now() - start)
                            .count();
  return result;
}

} // namespace indexer

#else // INDEXER_HAS_NVPTXCOMPILER

namespace indexer {

std::string ptxCompilerVersion() { return ""; }

AssemblerResult assembleInProcess(llvm::StringRef, llvm::StringRef,
                                  llvm::StringRef) {
  AssemblerResult result;
  result.status = -1;
  result.program = "nvptxcompiler";
  return result;
}

} // namespace indexer

#endif // INDEXER_HAS_NVPTXCOMPILER
