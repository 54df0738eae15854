//===- WgmmaSchedules.h - Schedules of the family cp_async_wgmma *- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The choice of tiles for many tokens on sm_90a, by a table of what was
// measured to be fastest with 64 heads and E = 7168. It fills the chip with
// clusters of CTAs, whose number depends on T and H alone, so that it is used
// for other H and E as well.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_SCHEDULE_WGMMASCHEDULES_H
#define INDEXER_SCHEDULE_WGMMASCHEDULES_H

#include "indexer/Schedule/ScheduleModel.h"

namespace indexer {

/// True when the family can run `problem`: on the measured chip, H and d known,
/// d a multiple of 64, two operands of one 16-bit type.
bool takesWgmma(const ScheduleProblem &problem);

/// The smallest T from which on the family is faster than `register_mma` on
/// `problem`, which it takes; 1 for batch-invariant schedules, all of which are
/// of this family.
int64_t firstWgmmaTokens(const ScheduleProblem &problem);

/// Gives a schedule of the family whose stages hold a CTA's share of d one
/// stage instead: its products then form one chain, and the first of them need
/// not end before the next ones begin (measured on an H200, H = 64, E = 7168:
/// 3% to 8% faster from 64 to 600 tokens). Where bits may not depend on T, and
/// where a chain would lose too much of f32, the stages stay.
void chainShare(const ScheduleProblem &problem, KernelSchedule &schedule);

/// Appends the schedules of the family for `problem`, which it takes, from
/// firstWgmmaTokens() on, in ascending order of maxTokens and the last one
/// unbounded. For a static T it is the one that serves it.
void appendWgmma(const ScheduleProblem &problem,
                 llvm::SmallVectorImpl<KernelSchedule> &schedules);

} // namespace indexer

#endif // INDEXER_SCHEDULE_WGMMASCHEDULES_H
