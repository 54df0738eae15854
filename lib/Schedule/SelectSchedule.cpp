//===- SelectSchedule.cpp - Choose the kernels of each fused op -----------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fused ops in, the same ops with `indexer.schedules` out, those of a group
// with the same. The choice itself is in ScheduleModel.
//
//===----------------------------------------------------------------------===//

#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Schedule/FusedGroup.h"
#include "indexer/Schedule/Passes.h"
#include "indexer/Schedule/ReductionOrder.h"
#include "indexer/Schedule/ScheduleModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

namespace indexer {
#define GEN_PASS_DEF_SELECTSCHEDULE
#include "indexer/Schedule/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// CTAs of a launch of `schedule`.
static int64_t countCtas(const ScheduleProblem &problem,
                         const KernelSchedule &schedule) {
  int64_t alongTokens =
      llvm::alignTo(llvm::divideCeil(problem.t, schedule.tileT) *
                        (schedule.cluster / schedule.multicast),
                    schedule.cluster);
  if (schedule.maxCtas > 0)
    alongTokens = std::min(alongTokens, schedule.maxCtas);
  return alongTokens * llvm::divideCeil(problem.h, schedule.tileH);
}

/// Says in a remark what `schedule` means for `problem`; it serves from
/// `minTokens` tokens on.
static void remarkSchedule(Location loc, const ScheduleProblem &problem,
                           const KernelSchedule &schedule, int64_t minTokens) {
  auto remark = remark::analysis(
      loc,
      remark::RemarkOpts::name("SelectSchedule").category("indexer-schedule"));
  if (!remark)
    return;
  std::string tile =
      std::to_string(schedule.tileT) + "x" + std::to_string(schedule.tileH);
  std::string tokens = std::to_string(minTokens) + ".." +
                       (schedule.maxTokens == unboundedTokens
                            ? std::string("inf")
                            : std::to_string(schedule.maxTokens));
  remark << remark::metric("family", stringifyFamily(schedule.family))
         << remark::metric("tile", tile)
         << remark::metric("threads", schedule.threads)
         << remark::metric("tokens", tokens)
         << remark::metric("order", reductionOrder(schedule));
  if (schedule.weights == Weights::Static)
    remark << remark::metric("weights", stringifyWeights(schedule.weights));
  if (schedule.cluster > 1)
    remark << remark::metric("cluster", schedule.cluster);
  if (schedule.multicast > 1)
    remark << remark::metric("multicast", schedule.multicast);
  if (schedule.maxCtas > 0)
    remark << remark::metric("max-ctas", schedule.maxCtas);
  if (!ShapedType::isDynamic(problem.t) && !ShapedType::isDynamic(problem.h))
    remark << remark::metric("ctas", countCtas(problem, schedule));
  remark << remark::metric("smem-bytes", sharedBytes(schedule));
}

/// True when x and weight of `fused` are of one 16-bit type and d is their last
/// dimension, which alone can be contiguous.
static bool hasSixteenBitRows(const FusedOp &fused) {
  Type types[2] = {getElementTypeOrSelf(fused.lhs),
                   getElementTypeOrSelf(fused.rhs)};
  return types[0] == types[1] && types[0].getIntOrFloatBitWidth() == 16 &&
         fused.inputMap(0).getDimPosition(1) == FusedOp::dLoop &&
         fused.inputMap(1).getDimPosition(1) == FusedOp::dLoop;
}

/// Sets the schedules of the fused ops of one kernel. `problem` has everything
/// but what the ops say.
static void selectSchedules(const FusedGroup &group, ScheduleProblem problem) {
  linalg::GenericOp op = group.front().op;
  SmallVector<int64_t, 3> extents = group.extents();
  problem.firstHeads = group.firstHeads;
  problem.t = extents[FusedOp::tLoop];
  problem.h = extents[FusedOp::hLoop];
  problem.d = extents[FusedOp::dLoop];
  problem.isSixteenBit = hasSixteenBitRows(group.front());
  SmallVector<Attribute> schedules;
  int64_t minTokens = 1;
  bool wasPlain = false;
  for (const KernelSchedule &schedule : chooseSchedules(problem)) {
    bool isPlain = schedule.family == Family::Plain;
    if (isPlain && !wasPlain)
      minTokens = 1;
    wasPlain = isPlain;
    remarkSchedule(op.getLoc(), problem, schedule, minTokens);
    minTokens = schedule.maxTokens == unboundedTokens ? minTokens
                                                      : schedule.maxTokens + 1;
    schedules.push_back(ScheduleAttr::get(
        op.getContext(), schedule.family, schedule.tileT, schedule.tileH,
        schedule.threads, schedule.cluster, schedule.tileD, schedule.stages,
        schedule.parts, schedule.multicast, schedule.maxCtas, schedule.weights,
        schedule.maxTokens));
  }
  for (const FusedOp &fused : group.ops)
    linalg::GenericOp(fused.op)->setAttr(
        schedulesAttrName, ArrayAttr::get(op.getContext(), schedules));
}

namespace {
struct SelectSchedule
    : public indexer::impl::SelectScheduleBase<SelectSchedule> {
  using Base::Base;

  void runOnOperation() override {
    FailureOr<const Chip *> target =
        lookupChip(chip, "indexer-select-schedule",
                   [&] { return getOperation().emitError(); });
    if (failed(target))
      return signalPassFailure();
    std::optional<Weights> promise = symbolizeWeights(weights);
    if (!promise) {
      getOperation().emitError()
          << "option 'weights' of 'indexer-select-schedule' got \"" << weights
          << "\"; accepted are dependent, static";
      return signalPassFailure();
    }
    ScheduleProblem problem = {};
    problem.chip = (*target)->model;
    if (smBudget < 0 || smBudget > problem.chip.multiprocessors) {
      getOperation().emitError()
          << "option 'sm-budget' of 'indexer-select-schedule' got "
          << smBudget.getValue() << "; accepted are 0 (all) to "
          << problem.chip.multiprocessors << ", the multiprocessors of "
          << chip;
      return signalPassFailure();
    }
    problem.weights = *promise;
    problem.isBatchInvariant = batchInvariant;
    problem.smBudget = smBudget;
    auto isFused = [](linalg::GenericOp op) {
      return succeeded(FusedOp::read(op));
    };
    for (ArrayRef<linalg::GenericOp> ops :
         collectGroups(getOperation(), isFused)) {
      if (llvm::any_of(ops, [](linalg::GenericOp op) {
            return op->hasAttr(schedulesAttrName);
          }))
        continue;
      // A group that is none is VerifySchedule's to tell.
      std::string why;
      FailureOr<FusedGroup> group = FusedGroup::read(ops, &why);
      if (succeeded(group))
        selectSchedules(*group, problem);
    }
  }
};
} // namespace
