//===- Assembler.h - Who makes machine code of PTX --------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's assembler comes in three forms: a static library (PtxCompiler.h), a
// shared library (NvJitLink.h) and a program (Ptxas.h). This is the interface
// that they share, and the order in which they are looked for. No MLIR here.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_ASSEMBLER_H
#define INDEXER_TARGET_ASSEMBLER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>

namespace indexer {

/// What one run of an assembler gave.
struct AssemblerResult {
  /// 0 is success. Else the exit status of a program, negative when it could
  /// not be run or crashed, or the error code of a library.
  int status = 0;
  /// Whose status it is: "ptxas", "fatbinary", "nvptxcompiler", "nvjitlink".
  std::string program = "ptxas";
  /// What it printed, or why it could not be run.
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

/// Makes cubins. Threads may use one at the same time.
class Assembler {
public:
  virtual ~Assembler();

  /// Name and version, as bundles have it: "ptxas 13.0.88".
  virtual std::string version() const = 0;

  /// Path of the program or the shared library; "" for what is part of this
  /// one.
  virtual std::string file() const = 0;

  /// Assembles `ptx` for `chip` (such as "sm_90a"). A PTX file that is kept is
  /// called after `name`. The output has the lines of `ptxas -v`.
  virtual AssemblerResult assemble(llvm::StringRef ptx, llvm::StringRef chip,
                                   llvm::StringRef name) const = 0;
};

/// The assembler of this machine for PTX of version `ptxVersion` (86 is 8.6):
/// NVIDIA's PTX compiler where this build has it, else nvJitLink, else the
/// ptxas program; with `ptxas`, only the program at that path. Null if there is
/// none; `lookedAt` gets every place that was tried.
std::unique_ptr<Assembler>
findAssembler(llvm::StringRef ptxas, unsigned ptxVersion,
              llvm::SmallVectorImpl<std::string> &lookedAt);

/// Text that is another one when the file at `path` is: its size and the time
/// of its last change. "" when there is no such file.
std::string fileStamp(llvm::StringRef path);

} // namespace indexer

#endif // INDEXER_TARGET_ASSEMBLER_H
