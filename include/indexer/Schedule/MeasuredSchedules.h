//===- MeasuredSchedules.h - The fastest that was measured ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_MEASUREDSCHEDULES_H
#define INDEXER_SCHEDULE_MEASUREDSCHEDULES_H

#include "indexer/Schedule/ScheduleModel.h"

namespace indexer {

/// Appends the schedules with conditions that indexer-tune found to be the
/// fastest for the H, d and weights of `problem`, in ascending order of
/// maxTokens, the last one unbounded; for a static T the one that serves it.
/// False, with nothing appended, when there are none: another shape, another
/// chip, a part of the chip, or schedules that must have one order.
bool appendMeasured(const ScheduleProblem &problem,
                    llvm::SmallVectorImpl<KernelSchedule> &schedules);

} // namespace indexer

#endif // INDEXER_SCHEDULE_MEASUREDSCHEDULES_H
