//===- BackgroundBundle.cpp - A bundle compiled in a thread ---------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread has a program, and so an MLIR context, of its own, and shares the
// outcome alone. Its handle is kept here, not by whoever wants the bundle: to
// destroy a kernel must not wait for a compiler.
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/BackgroundBundle.h"
#include "llvm/ADT/STLExtras.h"
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

using namespace indexer;

namespace {
/// A thread that compiles, and whether it has nothing left to do.
struct Worker {
  std::thread thread;
  std::shared_ptr<std::atomic<bool>> isDone;
};

/// The workers of this process. Never destroyed: a child of fork() inherits
/// handles of threads that it does not have, which may not be joined.
class Workers {
public:
  static Workers &get() {
    static Workers *const workers = new Workers();
    return *workers;
  }

  /// Runs `work` in a thread, which the end of the process waits for.
  template <typename Work>
  void start(Work work);

private:
  /// Registered in front of all others of this class's users, so it runs when
  /// what they use is still there.
  static void joinAll();

  std::mutex mutex;
  pid_t owner = 0;
  std::vector<Worker> workers;
};
} // namespace

template <typename Work>
void Workers::start(Work work) {
  std::lock_guard<std::mutex> lock(mutex);
  if (owner == 0)
    std::atexit(joinAll);
  if (owner != getpid()) { // Also in a child, which has none of these.
    new std::vector<Worker>(std::move(workers));
    workers.clear();
    owner = getpid();
  }
  llvm::erase_if(workers, [](Worker &worker) {
    if (!*worker.isDone)
      return false;
    worker.thread.join();
    return true;
  });
  auto isDone = std::make_shared<std::atomic<bool>>(false);
  workers.push_back({std::thread([work = std::move(work), isDone] {
                       work();
                       *isDone = true;
                     }),
                     isDone});
}

void Workers::joinAll() {
  Workers &all = get();
  if (all.owner != getpid())
    return;
  std::vector<Worker> left;
  {
    std::lock_guard<std::mutex> lock(all.mutex);
    left = std::move(all.workers);
    all.workers.clear();
  }
  for (Worker &worker : left)
    worker.thread.join();
}

/// Compiles the bundle; what `start` says.
static BackgroundBundle::Outcome compile(const std::string &text,
                                         const std::string &name,
                                         const ProgramOptions &options) {
  auto start = std::chrono::steady_clock::now();
  BackgroundBundle::Outcome outcome;
  llvm::Expected<std::unique_ptr<Program>> program =
      Program::create(text, name, options);
  if (!program) {
    outcome.error = llvm::toString(program.takeError());
    return outcome;
  }
  llvm::Expected<llvm::StringRef> bytes = (*program)->bundle();
  if (bytes)
    outcome.bytes = bytes->str();
  else
    outcome.error = llvm::toString(bytes.takeError());
  outcome.warnings = (*program)->warnings().vec();
  outcome.cacheUse = (*program)->cacheUse().str();
  outcome.milliseconds = std::chrono::duration<double, std::milli>(
                             std::chrono::steady_clock::now() - start)
                             .count();
  return outcome;
}

void BackgroundBundle::finish(Outcome made) {
  std::lock_guard<std::mutex> lock(mutex);
  outcome = std::move(made);
  isFinished = true;
  finished.notify_all();
}

std::shared_ptr<BackgroundBundle>
BackgroundBundle::start(llvm::StringRef text, llvm::StringRef name,
                        ProgramOptions options) {
  return start(
      [text = text.str(), name = name.str(), options = std::move(options)] {
        return compile(text, name, options);
      });
}

std::shared_ptr<BackgroundBundle>
BackgroundBundle::start(std::function<Outcome()> compile) {
  std::shared_ptr<BackgroundBundle> bundle(new BackgroundBundle());
  Workers::get().start(
      [bundle, compile = std::move(compile)] { bundle->finish(compile()); });
  return bundle;
}

bool BackgroundBundle::isRunning() {
  if (owner != getpid())
    return false;
  std::lock_guard<std::mutex> lock(mutex);
  return !isFinished;
}

const BackgroundBundle::Outcome *BackgroundBundle::wait() {
  if (owner != getpid())
    return nullptr;
  std::unique_lock<std::mutex> lock(mutex);
  finished.wait(lock, [&] { return isFinished; });
  return &outcome;
}
