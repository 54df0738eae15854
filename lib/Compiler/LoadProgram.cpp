//===- LoadProgram.cpp - A program's kernels on a device ------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Compiler/LoadProgram.h"

#include "indexer/Compiler/BackgroundKernel.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Kernel.h"
#include "indexer/Runtime/LastError.h"

using namespace indexer;
using indexer::runtime::fail;

/// Loads what a call with `arguments` needs and starts the rest; leaves
/// `kernel` null where only the whole bundle helps.
static IndexerStatus loadFirst(Program &program, int device,
                               llvm::ArrayRef<ProgramArgument> arguments,
                               std::unique_ptr<IndexerKernel> &kernel) {
  auto first = program.firstBundle(arguments);
  if (!first)
    return fail(INDEXER_COMPILE_ERROR, llvm::toString(first.takeError()));
  std::shared_ptr<BackgroundBundle> rest = program.bundleInBackground();
  if (!*first)
    return INDEXER_OK;
  auto loaded = std::make_unique<IndexerKernel>();
  if (IndexerStatus status = runtime::loadKernel(**first, device, *loaded))
    return status == INDEXER_NO_DEVICE ? INDEXER_OK : status;
  // A kernel that the device cannot hold has its neighbour among all.
  if (!loaded->notes.empty())
    return INDEXER_OK;
  loaded->whole =
      std::make_unique<BackgroundKernel>(program, std::move(rest), device);
  kernel = std::move(loaded);
  return INDEXER_OK;
}

IndexerStatus indexer::loadProgram(Program &program, int device,
                                   llvm::ArrayRef<ProgramArgument> arguments,
                                   IndexerKernel *&kernel) {
  std::unique_ptr<IndexerKernel> loaded;
  if (!program.hasBundle())
    if (IndexerStatus status = loadFirst(program, device, arguments, loaded))
      return status;
  if (!loaded) {
    llvm::Expected<llvm::StringRef> bytes = program.bundle();
    if (!bytes)
      return fail(INDEXER_COMPILE_ERROR, llvm::toString(bytes.takeError()));
    if (IndexerStatus status = loadBytes(*bytes, device, loaded))
      return status;
  }
  kernel = loaded.release();
  return INDEXER_OK;
}
