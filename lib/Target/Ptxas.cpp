//===- Ptxas.cpp - The PTX assembler as a child process -------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of the output of `ptxas -v` these lines are read (CUDA Binary Utilities):
//
//   ptxas info    : Compiling entry function 'k' for 'sm_90a'
//   ptxas info    : Function properties for k
//       0 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads
//   ptxas info    : Used 40 registers, used 1 barriers, 128 bytes smem
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/Ptxas.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>

using llvm::SmallString;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

// The path that the project was configured with; CMake sets it.
#ifndef INDEXER_PTXAS
#define INDEXER_PTXAS ""
#endif

namespace indexer {

//===----------------------------------------------------------------------===//
// Reading the output
//===----------------------------------------------------------------------===//

/// The number that stands right before `unit` in `line`, if any.
static std::optional<int> numberBefore(StringRef line, StringRef unit) {
  size_t position = line.find(unit);
  if (position == StringRef::npos)
    return std::nullopt;
  StringRef digits = line.take_front(position).rtrim();
  size_t start = digits.find_last_not_of("0123456789");
  int number;
  if (digits.substr(start + 1).getAsInteger(10, number))
    return std::nullopt;
  return number;
}

SmallVector<PtxasFigures> parsePtxasFigures(StringRef output) {
  SmallVector<PtxasFigures> figures;
  // Whose properties the next lines are: an entry function's or another's.
  bool inEntry = false;
  for (StringRef line : llvm::split(output, '\n')) {
    auto [head, rest] = line.split("Compiling entry function '");
    if (!rest.empty()) {
      figures.push_back({rest.split('\'').first.str(), {}});
      inEntry = true;
      continue;
    }
    if (figures.empty())
      continue;
    PtxasFigures &current = figures.back();
    std::tie(head, rest) = line.split("Function properties for ");
    if (!rest.empty()) {
      inEntry = rest.trim() == current.kernel;
      continue;
    }
    if (inEntry)
      if (std::optional<int> stores = numberBefore(line, "bytes spill stores"))
        current.resources.spillBytes =
            *stores + numberBefore(line, "bytes spill loads").value_or(0);
    if (std::optional<int> used = numberBefore(line, "registers")) {
      current.resources.registers = *used;
      current.resources.sharedBytes =
          numberBefore(line, "bytes smem").value_or(0);
    }
  }
  return figures;
}

SmallVector<std::string> parsePtxasWarnings(StringRef output) {
  SmallVector<std::string> warnings;
  for (StringRef line : llvm::split(output, '\n'))
    if (line.starts_with("ptxas warning") ||
        line.contains("Potential Performance Loss"))
      warnings.push_back(line.trim().str());
  return warnings;
}

std::string parsePtxasVersion(StringRef output) {
  size_t position = output.find(", V");
  if (position == StringRef::npos)
    return "";
  return output.substr(position + 3)
      .take_while([](char c) { return llvm::isDigit(c) || c == '.'; })
      .str();
}

//===----------------------------------------------------------------------===//
// Files and processes
//===----------------------------------------------------------------------===//

/// Creates an empty temporary file "<name>-XXXXXX.<suffix>"; "" if there is no
/// room for one.
static std::string makeTemporary(StringRef name, StringRef suffix) {
  SmallString<128> file;
  if (fs::createTemporaryFile(name, suffix, file))
    return "";
  return std::string(file);
}

/// Contents of `file`, "" if it cannot be read.
static std::string readFile(StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// Writes `contents` to `file`; false when that fails.
static bool writeFile(StringRef file, StringRef contents) {
  std::error_code error;
  llvm::raw_fd_ostream stream(file, error, fs::OF_None);
  if (error)
    return false;
  stream << contents;
  stream.close();
  bool good = !stream.has_error();
  stream.clear_error();
  return good;
}

void keepFailure(StringRef ptx, StringRef chip, StringRef name,
                 AssemblerResult &result) {
  result.object.clear();
  std::string file = makeTemporary(name, "ptx");
  if (file.empty() || !writeFile(file, ptx))
    return;
  result.keptPtx = file;
  result.command = ("ptxas -arch=" + chip + " " + file).str();
}

/// Runs `arguments`, the first being the program, without input. Returns the
/// status; `output` gets what it printed, or why it could not be run.
static int runProgram(llvm::ArrayRef<std::string> arguments,
                      std::string &output) {
  std::string log = makeTemporary("indexer", "log");
  if (log.empty()) {
    output = "no temporary file can be created";
    return -1;
  }
  llvm::scope_exit removeLog([&] { fs::remove(log); });
  SmallVector<StringRef> words(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  std::string why;
  int status = llvm::sys::ExecuteAndWait(words.front(), words, std::nullopt,
                                         redirects, /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &why);
  output = status < 0 && !why.empty() ? why : readFile(log);
  return status;
}

/// ROOT of an executable ROOT/bin/ptxas.
static std::string toolkitOf(StringRef executable) {
  return path::parent_path(path::parent_path(executable)).str();
}

SmallVector<std::string> toolkitRoots() {
  SmallVector<std::string> roots;
  if (const char *home = std::getenv("CUDA_HOME"))
    roots.push_back(home);
  roots.push_back("/usr/local/cuda");
  if (StringRef configured = INDEXER_PTXAS; !configured.empty())
    roots.push_back(toolkitOf(configured));
  return roots;
}

/// A path of two or three words below `root`.
static std::string below(StringRef root, StringRef first, StringRef second,
                         StringRef third = "") {
  SmallString<128> file(root);
  path::append(file, first, second, third);
  return std::string(file);
}

std::string findLibdevice(StringRef ptxas,
                          SmallVectorImpl<std::string> &lookedAt) {
  SmallVector<std::string> roots, ignored;
  if (std::optional<Ptxas> found = Ptxas::find(ptxas, ignored))
    roots.push_back(toolkitOf(found->path()));
  roots.append(toolkitRoots());
  for (const std::string &root : roots) {
    lookedAt.push_back(below(root, "nvvm", "libdevice", "libdevice.10.bc"));
    if (fs::exists(lookedAt.back()))
      return lookedAt.back();
  }
  return "";
}

std::optional<Ptxas> Ptxas::find(StringRef given,
                                 SmallVectorImpl<std::string> &lookedAt) {
  if (!given.empty()) {
    lookedAt.push_back(given.str());
    if (fs::can_execute(given))
      return Ptxas(given.str());
    return std::nullopt;
  }
  lookedAt.push_back("PATH");
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return Ptxas(*found);
  SmallVector<std::string> candidates;
  for (const std::string &root : toolkitRoots())
    candidates.push_back(below(root, "bin", "ptxas"));
  if (StringRef configured = INDEXER_PTXAS; !configured.empty())
    candidates.push_back(configured.str());
  for (const std::string &candidate : candidates) {
    lookedAt.push_back(candidate);
    if (fs::can_execute(candidate))
      return Ptxas(candidate);
  }
  return std::nullopt;
}

/// What the program at `executable` says of itself.
static std::string askVersion(const std::string &executable) {
  std::string output;
  std::string number;
  if (runProgram({executable, "--version"}, output) == 0)
    number = parsePtxasVersion(output);
  return number.empty() ? "ptxas" : "ptxas " + number;
}

std::string Ptxas::version() const {
  // A process costs as much as compiling a small kernel, and the version is
  // asked for by the cache, by the pass and at each run.
  static std::mutex mutex;
  static std::map<std::string, std::string> known;
  std::lock_guard<std::mutex> lock(mutex);
  auto [entry, isNew] =
      known.try_emplace(executable + "\n" + fileStamp(executable));
  if (isNew)
    entry->second = askVersion(executable);
  return entry->second;
}

bool takesSplitCompile(StringRef version) {
  unsigned major = 0, minor = 0;
  auto [number, rest] = version.split(' ').second.split('.');
  if (number.getAsInteger(10, major) ||
      rest.split('.').first.getAsInteger(10, minor))
    return false;
  return major > 12 || (major == 12 && minor >= 9);
}

std::string Ptxas::fatbinary() const {
  SmallString<128> file(path::parent_path(executable));
  path::append(file, "fatbinary");
  return fs::can_execute(file) ? std::string(file) : std::string();
}

AssemblerResult Ptxas::run(StringRef ptx, StringRef chip, StringRef name,
                           bool fatbin) const {
  AssemblerResult result;
  auto start = std::chrono::steady_clock::now();
  std::string ptxFile = makeTemporary(name, "ptx");
  std::string cubinFile = makeTemporary(name, "cubin");
  std::string fatbinFile = fatbin ? makeTemporary(name, "fatbin") : "";
  llvm::scope_exit removeFiles([&] {
    if (result.keptPtx.empty() && !ptxFile.empty())
      fs::remove(ptxFile);
    for (const std::string &file : {cubinFile, fatbinFile})
      if (!file.empty())
        fs::remove(file);
  });
  if (ptxFile.empty() || cubinFile.empty() || (fatbin && fatbinFile.empty()) ||
      !writeFile(ptxFile, ptx)) {
    result.status = -1;
    result.output = "no temporary file can be written";
    return result;
  }

  std::string arch = ("-arch=" + chip).str();
  SmallVector<std::string> words = {executable, "-v", "-O3",    arch,
                                    ptxFile,    "-o", cubinFile};
  if (takesSplitCompile(version()))
    words.push_back(splitCompileOption);
  result.status = runProgram(words, result.output);
  std::string objectFile = cubinFile;
  if (result.status == 0 && fatbin) {
    result.program = "fatbinary";
    std::string sm = chip.drop_front(strlen("sm_")).str();
    std::string output;
    result.status =
        runProgram({fatbinary(), "-64", "--create=" + fatbinFile,
                    "--image3=kind=elf,sm=" + sm + ",file=" + cubinFile,
                    "--image3=kind=ptx,sm=" + sm + ",file=" + ptxFile},
                   output);
    if (result.status != 0)
      result.output = output;
    objectFile = fatbinFile;
  }
  if (result.status == 0) {
    result.object = readFile(objectFile);
  } else {
    result.keptPtx = ptxFile;
    result.command = executable + " " + arch + " " + ptxFile;
  }
  result.milliseconds = std::chrono::duration<double, std::milli>(
                            std::chrono::steady_clock::now() - start)
                            .count();
  return result;
}

} // namespace indexer
