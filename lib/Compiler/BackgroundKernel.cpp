//===- BackgroundKernel.cpp - The kernels that a first call left ----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parts are made by a program of their own, as the user's may be in use or
// gone. One is asked for by the number of tokens, and whether it serves the
// call, the runtime says.
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/BackgroundKernel.h"

#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/LastError.h"

using namespace indexer;
using indexer::runtime::fail;

IndexerStatus indexer::loadBytes(llvm::StringRef bytes, int device,
                                 std::unique_ptr<IndexerKernel> &kernel) {
  runtime::Bundle bundle;
  std::string error;
  if (!runtime::deserialize(bytes.data(), bytes.size(), bundle, error))
    return fail(INDEXER_BAD_BUNDLE, error);
  kernel = std::make_unique<IndexerKernel>();
  return runtime::loadKernel(bundle, device, *kernel);
}

BackgroundKernel::BackgroundKernel(const Program &program,
                                   std::shared_ptr<BackgroundBundle> bundle,
                                   int device)
    : text(program.text()), name(program.name()), options(program.options()),
      bundle(std::move(bundle)), device(device) {}

BackgroundKernel::~BackgroundKernel() = default;

const IndexerKernel *
BackgroundKernel::findPart(const runtime::BoundCall &call) const {
  for (const std::unique_ptr<IndexerKernel> &part : parts)
    if (runtime::hasLaunches(part->bundle, call))
      return part.get();
  return nullptr;
}

const IndexerKernel *
BackgroundKernel::makePart(const runtime::BoundCall &call) {
  int64_t tokens = call[0].extents[0];
  if (tokens == 0)
    return nullptr;
  if (!program) {
    auto created = Program::create(text, name, options);
    if (!created) {
      llvm::consumeError(created.takeError());
      return nullptr;
    }
    program = std::move(*created);
  }
  for (bool anyLayout : {false, true}) {
    llvm::Expected<runtime::Bundle> made = program->partFor(tokens, anyLayout);
    if (!made) {
      llvm::consumeError(made.takeError());
      return nullptr;
    }
    if (!runtime::hasLaunches(*made, call))
      continue;
    auto part = std::make_unique<IndexerKernel>();
    // A kernel that the device cannot hold has its neighbour among all.
    if (runtime::loadKernel(*made, device, *part) || !part->notes.empty())
      return nullptr;
    parts.push_back(std::move(part));
    return parts.back().get();
  }
  return nullptr;
}

IndexerStatus BackgroundKernel::load(const runtime::BoundCall &call,
                                     const IndexerKernel *&kernel) {
  std::lock_guard<std::mutex> lock(mutex);
  if ((kernel = loaded()))
    return INDEXER_OK;
  if (bundle->isRunning() &&
      ((kernel = findPart(call)) || (kernel = makePart(call))))
    return INDEXER_OK;
  const BackgroundBundle::Outcome *outcome = bundle->wait();
  if (!outcome)
    return fail(INDEXER_COMPILE_ERROR,
                "the kernel for this call was being compiled when the process "
                "was forked: load the program in the child");
  if (!outcome->error.empty()) // What ran before still does.
    return (kernel = findPart(call))
               ? INDEXER_OK
               : fail(INDEXER_COMPILE_ERROR, outcome->error);
  if (IndexerStatus status = loadBytes(outcome->bytes, device, owned))
    return status;
  program.reset();
  set(owned.get());
  kernel = owned.get();
  return INDEXER_OK;
}
