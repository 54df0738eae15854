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
#include "indexer/Target/Assembler.h"
#include <optional>

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

/// Lets the assembler work on several kernels at a time. The cubin has its
/// options in it, so the number of threads is not the machine's.
inline constexpr char splitCompileOption[] = "--split-compile=16";

/// True when the assembler of `version`, "ptxas 13.0.88", is known to take
/// splitCompileOption.
bool takesSplitCompile(llvm::StringRef version);

/// Roots of CUDA toolkits to look in, in order: $CUDA_HOME, /usr/local/cuda,
/// and the one of the ptxas that this project was configured with.
llvm::SmallVector<std::string> toolkitRoots();

/// Finds libdevice.10.bc, the bitcode of CUDA's mathematical functions: in the
/// toolkit of `ptxas` (a path, or "" for the one that is found), then in those
/// of toolkitRoots. "" if it is nowhere; `lookedAt` gets every place that was
/// tried.
std::string findLibdevice(llvm::StringRef ptxas,
                          llvm::SmallVectorImpl<std::string> &lookedAt);

/// Completes `result`, the failure of a library to assemble `ptx`: no object,
/// and the PTX kept in a temporary file called after `name` with the command
/// that repeats the run.
void keepFailure(llvm::StringRef ptx, llvm::StringRef chip,
                 llvm::StringRef name, AssemblerResult &result);

/// One installed assembler.
class Ptxas : public Assembler {
public:
  /// Finds the assembler. With `given`, only that path is tried; else PATH,
  /// $CUDA_HOME/bin, /usr/local/cuda/bin, and the path this project was
  /// configured with. `lookedAt` gets every place that was tried.
  static std::optional<Ptxas>
  find(llvm::StringRef given, llvm::SmallVectorImpl<std::string> &lookedAt);

  /// Path of the executable.
  llvm::StringRef path() const { return executable; }

  std::string file() const override { return executable; }

  /// "ptxas 13.0.88"; "ptxas" when the program does not tell. Runs it, once in
  /// a process while its file stays the same.
  std::string version() const override;

  /// Files are temporary and called after `name`.
  AssemblerResult assemble(llvm::StringRef ptx, llvm::StringRef chip,
                           llvm::StringRef name) const override {
    return run(ptx, chip, name, /*fatbin=*/false);
  }

  /// The fatbinary tool beside the assembler, or "".
  std::string fatbinary() const;

  /// Assembles, and packs cubin and PTX by fatbinary(), which the caller has
  /// checked to be there.
  AssemblerResult makeFatbin(llvm::StringRef ptx, llvm::StringRef chip,
                             llvm::StringRef name) const {
    return run(ptx, chip, name, /*fatbin=*/true);
  }

private:
  explicit Ptxas(std::string path) : executable(std::move(path)) {}

  AssemblerResult run(llvm::StringRef ptx, llvm::StringRef chip,
                      llvm::StringRef name, bool fatbin) const;

  std::string executable;
};

} // namespace indexer

#endif // INDEXER_TARGET_PTXAS_H
