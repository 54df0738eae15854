//===- BackgroundKernel.h - Kernels that a first call left ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_COMPILER_BACKGROUNDKERNEL_H
#define INDEXER_COMPILER_BACKGROUNDKERNEL_H

#include "indexer/Compiler/BackgroundBundle.h"
#include "indexer/Runtime/Kernel.h"

namespace indexer {

/// Reads the bundle in `bytes` and loads it on `device`.
IndexerStatus loadBytes(llvm::StringRef bytes, int device,
                        std::unique_ptr<IndexerKernel> &kernel);

/// The kernel of a whole bundle that a thread compiles. Until that has ended, a
/// call whose kernel is not there compiles it by itself, as the first one did.
class BackgroundKernel : public runtime::WholeKernel {
public:
  /// `bundle` is that of `program`, which may go away.
  BackgroundKernel(const Program &program,
                   std::shared_ptr<BackgroundBundle> bundle, int device);
  ~BackgroundKernel() override;

  IndexerStatus load(const runtime::BoundCall &call,
                     const IndexerKernel *&kernel) override;

private:
  /// A part that is loaded and serves `call`, or null.
  const IndexerKernel *findPart(const runtime::BoundCall &call) const;
  /// Makes one more part, which serves `call`; null where that fails, which the
  /// whole bundle has the reason for.
  const IndexerKernel *makePart(const runtime::BoundCall &call);

  const std::string text, name;
  const ProgramOptions options;
  const std::shared_ptr<BackgroundBundle> bundle;
  const int device;
  std::mutex mutex;
  /// What makes parts; null before the first and after the last.
  std::unique_ptr<Program> program;
  std::vector<std::unique_ptr<IndexerKernel>> parts;
  std::unique_ptr<IndexerKernel> owned;
};

} // namespace indexer

#endif // INDEXER_COMPILER_BACKGROUNDKERNEL_H
