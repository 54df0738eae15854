//===- SelectSchedule.cpp - Choose the kernels of each fused op -*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fused ops in, the same ops with `indexer.schedules` out. The choice itself is
// in ScheduleModel.
//
//===----------------------------------------------------------------------===//

#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Fusion/FusedOp.h"
#include "indexer/Schedule/Passes.h"
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

/// Says in a remark what `schedule` means for `problem`; it serves from
/// `minTokens` tokens on.
static void remarkSchedule(Location loc, const ScheduleProblem &problem,
                           const PlainSchedule &schedule, int64_t minTokens) {
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
  remark << remark::metric("family", "plain") << remark::metric("tile", tile)
         << remark::metric("threads", schedule.threads)
         << remark::metric("tokens", tokens);
  if (!ShapedType::isDynamic(problem.t) && !ShapedType::isDynamic(problem.h))
    remark << remark::metric(
        "ctas", int64_t(llvm::divideCeil(problem.t, schedule.tileT) *
                        llvm::divideCeil(problem.h, schedule.tileH)));
  remark << remark::metric(
      "smem-bytes",
      plainSharedBytes(schedule.tileT * schedule.tileH, schedule.threads));
}

/// Sets the schedules of one fused op.
static void selectSchedules(const FusedOp &fused, int64_t multiprocessors) {
  linalg::GenericOp op = fused.op;
  SmallVector<int64_t, 3> extents = fused.extents();
  ScheduleProblem problem = {extents[FusedOp::tLoop], extents[FusedOp::hLoop],
                             extents[FusedOp::dLoop], multiprocessors};
  SmallVector<Attribute> schedules;
  int64_t minTokens = 1;
  for (const PlainSchedule &schedule : chooseSchedules(problem)) {
    remarkSchedule(op.getLoc(), problem, schedule, minTokens);
    minTokens = schedule.maxTokens == unboundedTokens ? minTokens
                                                      : schedule.maxTokens + 1;
    schedules.push_back(ScheduleAttr::get(
        op.getContext(), Family::Plain, schedule.tileT, schedule.tileH,
        schedule.threads, /*cluster=*/1, schedule.maxTokens));
  }
  op->setAttr(schedulesAttrName, ArrayAttr::get(op.getContext(), schedules));
}

namespace {
struct SelectSchedule
    : public indexer::impl::SelectScheduleBase<SelectSchedule> {
  using Base::Base;

  void runOnOperation() override {
    std::optional<int64_t> multiprocessors = multiprocessorsOf(chip);
    if (!multiprocessors) {
      getOperation().emitError()
          << "option 'chip' of 'indexer-select-schedule' got \"" << chip
          << "\"; accepted are " << acceptedChips();
      return signalPassFailure();
    }
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(schedulesAttrName))
        return;
      FailureOr<FusedOp> fused = FusedOp::read(op);
      if (succeeded(fused))
        selectSchedules(*fused, *multiprocessors);
    });
  }
};
} // namespace
