//===- ScheduleModel.h - Which kernels a fused op gets ----------*- C++ -*-===//
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

#include "indexer/Dialect/Indexer/IndexerDialect.h"

#include "indexer/Schedule/Chips.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace indexer {

/// What the model knows about the problem. Extents are mlir::ShapedType's
/// kDynamic where unknown.
struct ScheduleProblem {
  int64_t t, h, d;
  ChipModel chip;
  /// True when x and weight are of one 16-bit type, and their rows can be
  /// contiguous along d.
  bool isSixteenBit;
  /// Static: kernels that can start early do, where the chip has it.
  Weights weights;
  /// True when all schedules with conditions must sum over d in one order.
  bool isBatchInvariant = false;
  /// Multiprocessors that kernels may fill; 0: all of the chip.
  int64_t smBudget = 0;
  /// Of several fused ops in one kernel, the first head of each; h counts the
  /// heads of all.
  llvm::SmallVector<int64_t, 2> firstHeads = {0};

  /// Multiprocessors that kernels may fill.
  int64_t multiprocessors() const {
    return smBudget ? smBudget : chip.multiprocessors;
  }
  /// True where the tables of measured schedules hold: on the whole chip that
  /// they were measured on.
  bool isMeasured() const {
    return chip.isMeasured && multiprocessors() == chip.multiprocessors;
  }
};

/// One kernel: the fields of `#indexer.schedule`.
struct KernelSchedule {
  Family family;
  int64_t tileT, tileH, threads, cluster, maxTokens;
  int64_t tileD = 0, stages = 0, parts = 1, multicast = 1, maxCtas = 0;
  Weights weights = Weights::Dependent;
};

/// The fields of `schedule`.
KernelSchedule readSchedule(ScheduleAttr schedule);

/// Cycles that the model gives for `schedule` on `problem`, whose extents are
/// all known.
int64_t scheduleCost(const ScheduleProblem &problem,
                     const KernelSchedule &schedule);

/// The cheapest schedules: those with conditions, then the plain ones, each
/// kind in ascending order of maxTokens; the last one is unbounded. One of each
/// kind for a static T. Where a table of measured schedules covers the problem,
/// those with conditions come from it, else from the model. Unknown H and d
/// count as 64 and 7168 for plain kernels, and get no others. With
/// `isBatchInvariant` those with conditions, if any, serve every T, and the
/// order of the sum depends on H, d and the chip alone.
llvm::SmallVector<KernelSchedule> chooseSchedules(ScheduleProblem problem);

/// Static shared memory of the kernel of `schedule`, in bytes.
int64_t sharedBytes(const KernelSchedule &schedule);

} // namespace indexer

#endif // INDEXER_SCHEDULE_SCHEDULEMODEL_H
