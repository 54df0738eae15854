//===- CompileKernels.h - From LLVM IR to PTX -------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle has a kernel for each range of T. They share no code, so each is
// optimised and written in a thread of its own.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_COMPILEKERNELS_H
#define INDEXER_TARGET_COMPILEKERNELS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>
#include <vector>

namespace indexer {

/// What LLVM says at an error or a warning.
struct LlvmMessage {
  bool isError;
  std::string text;
};

/// Keeps LLVM's errors and warnings; the default handler of a context ends the
/// process at an error.
class MessageCollector : public llvm::DiagnosticHandler {
public:
  /// Appends to `messages`, which outlives the context.
  explicit MessageCollector(std::vector<LlvmMessage> &messages)
      : messages(messages) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override;

private:
  std::vector<LlvmMessage> &messages;
};

/// What code is made for.
struct CodeTarget {
  /// NVPTX, registered.
  const llvm::Target *target;
  llvm::Triple triple;
  /// Such as "sm_90a" and "+ptx86".
  std::string chip, features;
  /// 0 to 3.
  int optimizationLevel;

  /// Null when LLVM makes none.
  std::unique_ptr<llvm::TargetMachine> createMachine() const;
};

/// Optimises `module`, whose triple and data layout are those of `target`, and
/// returns its PTX; "" with an error in `messages` when it cannot. Where its
/// kernels share neither functions nor variables, each is compiled by itself,
/// on as many threads as the machine has. The text does not depend on how many.
std::string compileKernels(std::unique_ptr<llvm::Module> module,
                           const CodeTarget &target,
                           std::vector<LlvmMessage> &messages);

} // namespace indexer

#endif // INDEXER_TARGET_COMPILEKERNELS_H
