//===- Ptxas.h - The PTX assembler as a child process -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that knows how ptxas is found, called and read is behind this
// interface; it holds no MLIR.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_PTXAS_H
#define INDEXER_TARGET_PTXAS_H

#include "indexer/Runtime/Bundle.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace indexer {

/// Resource figures of one kernel.
struct PtxasFigures {
  std::string kernel;
  /// `spillBytes` is the sum of the spill stores and the spill loads, in bytes
  /// a thread; `sharedBytes` is the static shared memory of a block.
  runtime::KernelResources resources;
};

/// Reads the figures of all entry functions from the output of `ptxas -v`, in
/// its order. Lines that it does not know are skipped.
llvm::SmallVector<PtxasFigures> parsePtxasFigures(llvm::StringRef output);

/// Lines of the output of ptxas that a user should see: warnings, and notes on
/// lost performance.
llvm::SmallVector<std::string> parsePtxasWarnings(llvm::StringRef output);

/// "13.0.88" from the output of `ptxas --version`, "" if there is none.
std::string parsePtxasVersion(llvm::StringRef output);

/// True when the assembler of `version`, "ptxas 13.0.88", is known to take the
/// option that lets it work in several threads.
bool takesSplitCompile(llvm::StringRef version);

/// Finds libdevice.10.bc, the bitcode of CUDA's mathematical functions: in the
/// toolkit that the assembler `ptxas` (may be "") is in, in $CUDA_HOME, in
/// /usr/local/cuda, and in the toolkit of the path this project was configured
/// with. "" if it is nowhere; `lookedAt` gets every place that was tried.
std::string findLibdevice(llvm::StringRef ptxas,
                          llvm::SmallVectorImpl<std::string> &lookedAt);

/// Writes `ptx` to a temporary file called after `name`, for the user to look
/// at; "" if that fails.
std::string keepPtx(llvm::StringRef ptx, llvm::StringRef name);

/// One installed assembler.
class Ptxas {
public:
  /// What a run gave.
  struct Result {
    /// Exit status; negative when the process could not be run or crashed.
    int status = 0;
    /// Whose status it is: "ptxas", "fatbinary", or the library
    /// "nvptxcompiler".
    std::string program = "ptxas";
    /// Standard output and error together, or why it could not be run.
    std::string output;
    /// The cubin (or fatbin), when `status` is 0.
    std::string object;
    /// The PTX file, kept when `status` is not 0.
    std::string keptPtx;
    /// Command that repeats the run on `keptPtx`.
    std::string command;
    /// Wall time in milliseconds.
    double milliseconds = 0;
  };

  /// Finds the assembler. With `given`, only that path is tried; else PATH,
  /// $CUDA_HOME/bin, /usr/local/cuda/bin, and the path this project was
  /// configured with. `lookedAt` gets every place that was tried.
  static std::optional<Ptxas>
  find(llvm::StringRef given, llvm::SmallVectorImpl<std::string> &lookedAt);

  /// Path of the executable.
  llvm::StringRef path() const { return executable; }

  /// "ptxas 13.0.88"; "ptxas" when the program does not tell. Runs it once.
  const std::string &version();

  /// The fatbinary tool beside the assembler, or "".
  std::string fatbinary() const;

  /// Assembles `ptx` for `chip`. Files are temporary and called after `name`.
  /// With `fatbin`, the cubin and the PTX are packed by fatbinary(), which the
  /// caller has checked to be there.
  Result assemble(llvm::StringRef ptx, llvm::StringRef chip,
                  llvm::StringRef name, bool fatbin);

private:
  explicit Ptxas(std::string path) : executable(std::move(path)) {}

  std::string executable;
  /// Empty until version() was called.
  std::string knownVersion;
};

} // namespace indexer

#endif // INDEXER_TARGET_PTXAS_H
