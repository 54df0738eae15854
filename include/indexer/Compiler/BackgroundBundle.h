//===- BackgroundBundle.h - A bundle compiled in a thread -------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_COMPILER_BACKGROUNDBUNDLE_H
#define INDEXER_COMPILER_BACKGROUNDBUNDLE_H

#include "indexer/Compiler/Program.h"
#include "llvm/ADT/StringRef.h"
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>
#include <vector>

namespace indexer {

/// The whole bundle of a module, compiled by a thread with a program of its
/// own. Thread-safe. Nobody has to wait for it: the thread ends by itself, and
/// a process that ends normally first lets all of them put their bundles into
/// the cache. A child of fork() has no such threads.
class BackgroundBundle {
public:
  struct Outcome {
    /// The bundle, or what went wrong.
    std::string bytes, error;
    std::vector<std::string> warnings;
    /// As Program::cacheUse().
    std::string cacheUse;
    double milliseconds = 0;
  };

  /// Starts the thread. The arguments are those of Program::create, whose
  /// diagnostics have been seen to be none.
  static std::shared_ptr<BackgroundBundle>
  start(llvm::StringRef text, llvm::StringRef name, ProgramOptions options);

  /// Starts a thread that runs `compile`.
  static std::shared_ptr<BackgroundBundle>
  start(std::function<Outcome()> compile);

  /// False when `wait` would not wait: the compilation has ended, or is another
  /// process's.
  bool isRunning();

  /// Waits for the end of the compilation. Null in a child of the process that
  /// started it, where it has none.
  const Outcome *wait();

private:
  BackgroundBundle() = default;
  void finish(Outcome made);

  const pid_t owner = getpid();
  std::mutex mutex;
  std::condition_variable finished;
  bool isFinished = false;
  Outcome outcome;
};

} // namespace indexer

#endif // INDEXER_COMPILER_BACKGROUNDBUNDLE_H
