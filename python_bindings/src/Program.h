//===- Program.h - Bound class of a compiled program -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_PROGRAM_H
#define DSA_INDEXER_PROGRAM_H

#include "Arguments.h"
#include "Compiler.h"

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace indexer::python {

/// One module of a user and everything made of it. Thread-safe: the C API
/// wants one thread at a time, the others wait here, without the GIL.
class Program {
public:
  Program(nanobind::bytes text, const std::string &name,
          const std::optional<std::string> &chip,
          const std::optional<std::string> &entry,
          const std::optional<std::string> &ptxas, const std::string &weights,
          bool batchInvariant, int64_t smBudget);
  ~Program() { compiler.indexerProgramDestroy(program); }
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  nanobind::str artifact(const std::string &stage);
  nanobind::str describe();
  nanobind::str remarks();
  nanobind::bytes bundle();
  /// The bytes of one bundle for several chips.
  nanobind::bytes bundleFor(const std::vector<std::string> &chips);
  /// Loads what a call with `arguments` needs; the kernel is a function table's
  /// of `library()`.
  IndexerKernel *load(const Arguments &arguments, int device);
  const Compiler &library() const { return compiler; }
  /// Shapes of the results, which have `ranks` dimensions, as tuples.
  nanobind::list resultShapes(const Arguments &arguments,
                              const std::vector<size_t> &ranks);
  void runCpu(const Arguments &arguments, const Arguments &results);
  /// `values` and `bounds` are contiguous float64 arrays of the results'
  /// shapes.
  void reference(const Arguments &arguments, const Arguments &values,
                 const Arguments &bounds, int threads);

private:
  /// Calls `body`, which returns a status, without the GIL and alone on this
  /// program. `entry` as in check().
  template <typename Body>
  void locked(Body body, const std::string &entry);

  const Compiler &compiler;
  std::mutex mutex;
  IndexerProgram *program = nullptr;
};

/// Adds the class to the module.
void bindProgram(nanobind::module_ &module);

} // namespace indexer::python

#endif // DSA_INDEXER_PROGRAM_H
