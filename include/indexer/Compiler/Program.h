//===- Program.h - One module through all stages ----------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The facade that tools, C API and Python call: text in, artefacts and a
// callable function out. Every artefact is made at its first request and kept.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_COMPILER_PROGRAM_H
#define INDEXER_COMPILER_PROGRAM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace indexer {

class BackgroundBundle;
class HostFunction;
namespace runtime {
struct Bundle;
} // namespace runtime

/// What a program is compiled with. All that changes the code is a part of the
/// key of the cache: Program::cacheKey.
struct ProgramOptions {
  /// Chip of the GPU artefacts.
  std::string chip = "sm_90a";
  /// Entry function; empty: the only public one.
  std::string entry;
  /// Path of ptxas; empty: an assembler is looked for (docs/assembler.md).
  std::string ptxas;
  /// "static" when no kernel in flight writes a weight, else "dependent".
  std::string weights = "dependent";
  /// Give a row of x the same bits whatever T is.
  bool batchInvariant = false;
  /// Multiprocessors to choose kernels for; 0: all of the chip.
  int64_t smBudget = 0;
  /// Whether bundles are looked for in the cache and kept there
  /// (docs/environment.md).
  bool useCache = true;
  /// Which kernels to make; not 0 for a bundle of a single call only
  /// (Program::firstBundle).
  int64_t tokens = 0;
  bool anyLayout = false;
};

/// An argument given by the caller: a strided tensor in host memory (strides in
/// elements, empty for contiguous), or a scalar.
struct ProgramArgument {
  bool isTensor = false;
  void *data = nullptr;
  mlir::Type elementType;
  llvm::ArrayRef<int64_t> shape;
  llvm::ArrayRef<int64_t> strides;
  double scalar = 0;
};

/// A remark of the compiler.
struct ProgramRemark {
  /// "passed", "missed", "failed" or "analysis".
  std::string kind;
  std::string pass, category, location, text;
};

/// A result of the reference: value and bound of each element, row-major.
struct ReferenceResult {
  std::vector<double> values, bounds;
};

/// One module of a user, its entry function and everything made of it. Not for
/// use by two threads at a time. Errors have one line a diagnostic:
/// "file:line:column: error: ...".
class Program {
public:
  static llvm::Expected<std::unique_ptr<Program>>
  create(llvm::StringRef text, llvm::StringRef name, ProgramOptions options);
  ~Program();

  mlir::MLIRContext &context() { return *mlirContext; }
  mlir::func::FuncOp entry() { return entryFunction; }
  const ProgramOptions &options() const { return programOptions; }
  /// What the program was created from.
  llvm::StringRef text() const { return sourceText; }
  llvm::StringRef name() const { return sourceName; }
  /// From here on.
  void useCache(bool use) { programOptions.useCache = use; }

  /// Text of "input", "fused", "scheduled", "kernel", "nvvm", "ptx" or "llvm".
  llvm::Expected<llvm::StringRef> artifact(llvm::StringRef stage);

  /// Number of fused ops in the entry.
  llvm::Expected<unsigned> fusedCount();

  /// Remarks of the stages made so far.
  llvm::ArrayRef<ProgramRemark> remarks() const { return remarkList; }

  /// Milliseconds that each stage made so far took, in order: "parse", "cache"
  /// (finding a bundle there), and the artefacts by name. "cubin" is followed
  /// by "cubin.llvm" and "cubin.assembler", its two parts. A stage for another
  /// chip than the program's has the chip behind its name: "nvvm sm_80".
  llvm::ArrayRef<std::pair<std::string, double>> timings() const {
    return timingList;
  }

  /// Warnings so far, one line each: of the assembler, and of a cache that
  /// cannot be used.
  llvm::ArrayRef<std::string> warnings() const { return warningList; }

  /// How the last bundle came about: "hit", it was in the cache; "miss", it was
  /// compiled and should be there now; "off", it was compiled without a cache;
  /// "" before the first.
  llvm::StringRef cacheUse() const { return lastCacheUse; }

  /// The serialized bundle with machine code for the program's chip.
  llvm::Expected<llvm::StringRef> bundle();

  /// The serialized bundle with machine code for each of `chips`; PTX alone
  /// where there is no assembler, with a warning. It comes from the cache where
  /// that has it: stages behind "input" are not made then.
  llvm::Expected<llvm::StringRef>
  bundleFor(llvm::ArrayRef<llvm::StringRef> chips);

  /// True when bundle() has nothing to compile: the bundle is made, or in the
  /// cache.
  bool hasBundle();

  /// A part of bundle(), quickly made: the kernels that serve a call with
  /// `arguments`, which need not fit the entry. What they serve, they serve as
  /// the whole bundle does, bit for bit. None where no such part is known.
  llvm::Expected<std::optional<runtime::Bundle>>
  firstBundle(llvm::ArrayRef<ProgramArgument> arguments);

  /// The same for a call with `tokens` tokens, not 0; with `anyLayout`, also
  /// for operands that are not aligned.
  llvm::Expected<runtime::Bundle> partFor(int64_t tokens, bool anyLayout);

  /// Compiles bundle() in a thread, which also puts it into the cache, unless
  /// that is on its way; bundle() then waits for it.
  std::shared_ptr<BackgroundBundle> bundleInBackground();

  /// Checks that the arguments fit the entry's type and each other, and gives
  /// the shapes of the results.
  llvm::Expected<std::vector<std::vector<int64_t>>>
  resultShapes(llvm::ArrayRef<ProgramArgument> arguments);

  /// Runs the entry on the CPU; `results` have the shapes of resultShapes.
  llvm::Error runOnCpu(llvm::ArrayRef<ProgramArgument> arguments,
                       llvm::ArrayRef<ProgramArgument> results);

  /// Interprets the input IR in float64; 0 threads means all cores.
  llvm::Expected<std::vector<ReferenceResult>>
  reference(llvm::ArrayRef<ProgramArgument> arguments, unsigned threads);

private:
  Program() = default;

  class Diagnostics;
  struct Stage;
  static const Stage stages[];
  /// Null for a name that is none.
  static const Stage *findStage(llvm::StringRef name);

  llvm::Error checkArguments(llvm::ArrayRef<ProgramArgument> arguments);
  /// The module of a stage, made if it is not there yet.
  llvm::Expected<mlir::ModuleOp> moduleAt(llvm::StringRef stage);
  /// Makes `stage` of `module`, which is of the stage before it, for the chip
  /// of `options`.
  llvm::Error runStage(const Stage &stage, mlir::ModuleOp module,
                       const ProgramOptions &options);
  /// Notes the time since `start` as that of `stage`.
  void addTiming(llvm::StringRef stage,
                 std::chrono::steady_clock::time_point start);
  /// Notes what the assembler and the cache have to say.
  void addWarning(std::string warning);
  /// The bundle for the chip of `options`. What lies between is not kept.
  llvm::Expected<runtime::Bundle> makeChipBundle(const ProgramOptions &options);
  /// The bundle for `chips`, compiled.
  llvm::Expected<std::string> compileFor(llvm::ArrayRef<llvm::StringRef> chips);
  /// The same, from the cache if it is there.
  llvm::Expected<std::string> findFor(llvm::ArrayRef<llvm::StringRef> chips);
  /// The bundle that a thread compiles.
  llvm::Expected<std::string> waitForBackground();
  /// The bundle for `chips` if the cache has it. `key` is what the cache knows
  /// it by, "" when nothing is cached.
  std::optional<std::string> findCached(llvm::ArrayRef<llvm::StringRef> chips,
                                        std::string &key);
  /// What the cache knows the bundle for `chips` by; "" when it cannot know it.
  std::string cacheKey(llvm::ArrayRef<llvm::StringRef> chips);

  ProgramOptions programOptions;
  /// What the user gave.
  std::string sourceText, sourceName;
  std::unique_ptr<mlir::MLIRContext> mlirContext;
  std::unique_ptr<Diagnostics> diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> input;
  mlir::func::FuncOp entryFunction;
  llvm::StringMap<mlir::OwningOpRef<mlir::ModuleOp>> modules;
  llvm::StringMap<std::string> texts;
  std::vector<ProgramRemark> remarkList;
  std::vector<std::pair<std::string, double>> timingList;
  std::vector<std::string> warningList;
  std::string lastCacheUse;
  std::unique_ptr<HostFunction> hostFunction;
  /// Results of bundleFor, by "sm_80, sm_90a".
  llvm::StringMap<std::string> chipBundles;
  /// bundle() on its way; null before it is wanted.
  std::shared_ptr<BackgroundBundle> background;
  /// Function that computes the extents of the entry's results, and the last
  /// shapes that it was asked about with its answer.
  mlir::OwningOpRef<mlir::ModuleOp> shapeModule;
  std::vector<std::vector<int64_t>> lastShapes, lastResultShapes;
};

} // namespace indexer

#endif // INDEXER_COMPILER_PROGRAM_H
