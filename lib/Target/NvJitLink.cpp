//===- NvJitLink.cpp - The PTX assembler of a shared library --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions, codes and options: "nvJitLink" of the CUDA documentation. Handles
// share nothing, so each call of assemble() has one of its own.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/NvJitLink.h"
#include "indexer/Target/Ptxas.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <chrono>
#include <cstdlib>
#include <dlfcn.h>

using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;

namespace indexer {

/// nvJitLinkInputType of PTX text.
static constexpr int inputPtx = 2;

unsigned lowestToolkit(unsigned ptxVersion) {
  // 8.0 to 8.5 came with 12.0 to 12.5; 9.0 with 13.0, and so on.
  if (ptxVersion >= 90)
    return 130 + (ptxVersion - 90);
  return ptxVersion <= 85 ? 120 + (ptxVersion - 80) : 121 + (ptxVersion - 80);
}

/// Names of the library for the loader, the newest first.
static constexpr llvm::StringLiteral sonames[] = {"libnvJitLink.so.13",
                                                  "libnvJitLink.so.12"};

/// Files and names to try, in order.
static SmallVector<std::string> candidates() {
  SmallVector<std::string> files;
  if (const char *given = std::getenv("INDEXER_NVJITLINK"); given && *given) {
    if (StringRef(given) != "off")
      files.push_back(given);
    return files;
  }
  for (StringRef soname : sonames)
    files.push_back(soname.str());
  for (const std::string &root : toolkitRoots())
    for (StringRef folder : {"lib64", "lib"})
      for (StringRef soname : sonames) {
        llvm::SmallString<128> file(root);
        llvm::sys::path::append(file, folder, soname);
        files.push_back(std::string(file));
      }
  return files;
}

/// Fills in `functions`; false when the library lacks one.
static bool findFunctions(void *library, NvJitLink::Functions &functions) {
  auto find = [&](const char *symbol, auto &function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        dlsym(library, symbol));
    return function != nullptr;
  };
#define INDEXER_FIND(name) find("nvJitLink" #name, functions.name)
  return INDEXER_FIND(Version) && INDEXER_FIND(Create) &&
         INDEXER_FIND(Destroy) && INDEXER_FIND(AddData) &&
         INDEXER_FIND(Complete) && INDEXER_FIND(GetLinkedCubinSize) &&
         INDEXER_FIND(GetLinkedCubin) && INDEXER_FIND(GetErrorLogSize) &&
         INDEXER_FIND(GetErrorLog) && INDEXER_FIND(GetInfoLogSize) &&
         INDEXER_FIND(GetInfoLog);
#undef INDEXER_FIND
}

/// Path of the file that `function` is in.
static std::string fileOf(void *function) {
  Dl_info info;
  return dladdr(function, &info) && info.dli_fname ? info.dli_fname : "";
}

std::unique_ptr<Assembler>
NvJitLink::find(unsigned ptxVersion, SmallVectorImpl<std::string> &lookedAt) {
  for (const std::string &candidate : candidates()) {
    lookedAt.push_back(candidate);
    // Never closed: it costs more to open than to keep.
    void *library = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      continue;
    Functions functions;
    unsigned major = 0, minor = 0;
    if (!findFunctions(library, functions) ||
        functions.Version(&major, &minor) != 0) {
      lookedAt.back() += " (no nvJitLink of CUDA 12.3 or later)";
      continue;
    }
    unsigned needed = lowestToolkit(ptxVersion);
    if (10 * major + minor < needed) {
      lookedAt.back() +=
          llvm::formatv(" (nvJitLink {0}.{1}; PTX {2}.{3} needs {4}.{5})",
                        major, minor, ptxVersion / 10, ptxVersion % 10,
                        needed / 10, needed % 10)
              .str();
      continue;
    }
    return std::make_unique<NvJitLink>(
        functions, fileOf(reinterpret_cast<void *>(functions.Create)), major,
        minor);
  }
  return nullptr;
}

std::string NvJitLink::version() const {
  return "nvjitlink " + llvm::utostr(major) + "." + llvm::utostr(minor);
}

/// A log of the library, read with a pair of its functions.
static std::string
readLog(NvJitLink::Functions::Handle handle,
        int (*getSize)(NvJitLink::Functions::Handle, size_t *),
        int (*getText)(NvJitLink::Functions::Handle, char *)) {
  size_t size = 0;
  if (getSize(handle, &size) != 0 || size == 0)
    return "";
  std::string log(size + 1, '\0');
  if (getText(handle, log.data()) != 0)
    return "";
  return log.substr(0, log.find('\0'));
}

/// The lines of the assembler in the library's log. The linker reports its own
/// figures in other words, with the shared memory that the system takes.
static std::string assemblerLines(StringRef log) {
  std::string lines;
  for (StringRef line : llvm::split(log, '\n'))
    if (line.starts_with("ptxas"))
      lines += (line + "\n").str();
  return lines;
}

/// Assembles into `result`; the library's code.
static int link(const NvJitLink::Functions &library,
                llvm::ArrayRef<std::string> options, StringRef ptx,
                StringRef name, AssemblerResult &result) {
  SmallVector<const char *> words;
  for (const std::string &option : options)
    words.push_back(option.c_str());
  NvJitLink::Functions::Handle handle = nullptr;
  int code = library.Create(&handle, words.size(), words.data());
  if (code != 0)
    return code;
  llvm::scope_exit destroy([&] { (void)library.Destroy(&handle); });
  // It reads the text to its end, whatever the size says.
  std::string text = ptx.str();
  code = library.AddData(handle, inputPtx, text.c_str(), text.size(),
                         name.str().c_str());
  if (code == 0)
    code = library.Complete(handle);
  size_t size = 0;
  if (code == 0)
    code = library.GetLinkedCubinSize(handle, &size);
  if (code == 0) {
    result.object.resize(size);
    code = library.GetLinkedCubin(handle, result.object.data());
  }
  result.output =
      code == 0 ? assemblerLines(readLog(handle, library.GetInfoLogSize,
                                         library.GetInfoLog))
                : readLog(handle, library.GetErrorLogSize, library.GetErrorLog);
  return code;
}

AssemblerResult NvJitLink::assemble(StringRef ptx, StringRef chip,
                                    StringRef name) const {
  AssemblerResult result;
  result.program = "nvjitlink";
  auto start = std::chrono::steady_clock::now();
  // Its own -split-compile is for link-time optimisation only.
  SmallVector<std::string> options = {("-arch=" + chip).str(), "-O3",
                                      "-verbose"};
  if (takesSplitCompile(version()))
    options.push_back(std::string("-Xptxas=") + splitCompileOption);
  result.status = link(functions, options, ptx, name, result);
  if (result.status != 0)
    keepFailure(ptx, chip, name, result);
  result.milliseconds = std::chrono::duration<double, std::milli>(
                            std::chrono::steady_clock::now() - start)
                            .count();
  return result;
}

} // namespace indexer
