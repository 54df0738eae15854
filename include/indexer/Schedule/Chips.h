//===- Chips.h - The GPUs that kernels are made for -------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table of chips. What a chip can do, and the version of the PTX language
// that its kernels are written in, is read here and nowhere else.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_CHIPS_H
#define INDEXER_SCHEDULE_CHIPS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace indexer {

/// What the model needs to know of a chip.
struct ChipModel {
  /// Streaming multiprocessors of its largest product.
  int64_t multiprocessors;
  /// CTAs of a cluster at most; 1 where there are neither clusters nor kernels
  /// that start early.
  int64_t maxCluster;
  /// True for the chip that the tables were measured on.
  bool isMeasured;
};

/// One GPU architecture.
struct Chip {
  /// Name for LLVM and ptxas, such as "sm_90a".
  llvm::StringLiteral name;
  /// Compute capability, 90 for sm_90a.
  unsigned sm;
  /// PTX version that kernels are emitted in, 86 for 8.6. A higher one gives
  /// more instructions, and needs a newer driver where PTX is compiled by it.
  unsigned ptxVersion;
  /// Lowest PTX version that knows the chip. LLVM dies below it.
  unsigned minPtxVersion;
  /// Largest dynamic shared memory of a block, in bytes, after the kernel has
  /// opted in (CUDA C++ Programming Guide, table of technical specifications).
  unsigned maxDynamicSharedBytes;
  /// Threads of a warp.
  unsigned warpSize;
  /// What the choice of schedules knows of it.
  ChipModel model;

  /// Target features for LLVM, such as "+ptx86".
  std::string features() const;
};

/// All chips, by rising compute capability.
llvm::ArrayRef<Chip> allChips();

/// "sm_80, sm_89, ...": the end of a diagnostic.
std::string chipNames();

/// The chip called `name`, or null.
const Chip *findChip(llvm::StringRef name);

/// The chip called `name`. Fails with: option 'chip' of '`pipeline`' got
/// "`name`"; accepted are ...
mlir::FailureOr<const Chip *>
lookupChip(llvm::StringRef name, llvm::StringRef pipeline,
           llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace indexer

#endif // INDEXER_SCHEDULE_CHIPS_H
