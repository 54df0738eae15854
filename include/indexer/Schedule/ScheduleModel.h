//===- ScheduleModel.h - Which kernels a fused op gets -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cost decision of SelectSchedule as pure functions: extents and a chip in,
// tiles and token ranges out. The model counts cycles of one SM; it ranks
// candidates and does not predict times.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_SCHEDULEMODEL_H
#define INDEXER_SCHEDULE_SCHEDULEMODEL_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace indexer {

/// What the model knows about the problem. Extents are mlir::ShapedType's
/// kDynamic where unknown.
struct ScheduleProblem {
  int64_t t, h, d;
  /// Streaming multiprocessors of the chip.
  int64_t multiprocessors;
};

/// One kernel of the family `plain`: the fields of `#indexer.schedule`.
struct PlainSchedule {
  int64_t tileT, tileH, threads, maxTokens;
};

/// Multiprocessors of `chip` ("sm_90a"); nothing when it is not accepted.
std::optional<int64_t> multiprocessorsOf(llvm::StringRef chip);

/// The accepted chips as a diagnostic lists them: "sm_80, sm_89, ...".
std::string acceptedChips();

/// Cycles that the model gives for `schedule` on `problem`, whose extents are
/// all known.
int64_t plainCost(const ScheduleProblem &problem,
                  const PlainSchedule &schedule);

/// The cheapest schedules in ascending order of maxTokens; the last one is
/// unbounded. One for a static T. Unknown H and d count as 64 and 7168.
llvm::SmallVector<PlainSchedule> chooseSchedules(ScheduleProblem problem);

/// Static shared memory of the kernel, in bytes: one f32 per warp and output.
int64_t plainSharedBytes(int64_t outputs, int64_t threads);

} // namespace indexer

#endif // INDEXER_SCHEDULE_SCHEDULEMODEL_H
