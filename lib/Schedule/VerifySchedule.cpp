//===- VerifySchedule.cpp - Reject schedules that cannot run --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the `indexer.schedules` that a user or SelectSchedule wrote. A single
// schedule is checked by its attribute's verifier; here is what only the array
// or the op can tell.
//
//===----------------------------------------------------------------------===//

#include "indexer/Dialect/Indexer/IndexerDialect.h"
#include "indexer/Schedule/FusedGroup.h"
#include "indexer/Schedule/Passes.h"
#include "indexer/Schedule/ReductionOrder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MathExtras.h"

namespace indexer {
#define GEN_PASS_DEF_VERIFYSCHEDULE
#include "indexer/Schedule/Passes.h.inc"
} // namespace indexer

using namespace mlir;
using namespace indexer;

/// Checks the token ranges of `schedules`, in order: those with conditions
/// first, each kind ascending, the last without an end.
static LogicalResult verifyTokens(Operation *op,
                                  ArrayRef<ScheduleAttr> schedules) {
  int64_t served = 0;
  bool wasConditional = true;
  for (auto [number, schedule] : llvm::enumerate(schedules)) {
    bool isConditional = schedule.isConditional();
    if (isConditional && !wasConditional)
      return op->emitOpError()
             << "schedule " << number << " of the family '"
             << stringifyFamily(schedule.getFamily())
             << "' stands behind one of the family 'plain', expected before "
                "it: "
                "a kernel that takes any layout serves what the others cannot";
    if (!isConditional && wasConditional)
      served = 0;
    wasConditional = isConditional;
    if (schedule.getMaxTokens() <= served) {
      if (served == unboundedTokens)
        return op->emitOpError()
               << "schedule " << number
               << " never runs: the one before it has no 'max_tokens' and "
                  "serves every T";
      return op->emitOpError()
             << "schedule " << number
             << " has 'max_tokens' = " << schedule.getMaxTokens()
             << ", expected more than " << served
             << ", which the schedules before it serve";
    }
    served = schedule.getMaxTokens();
  }
  if (wasConditional)
    return op->emitOpError()
           << "last schedule is of the family '"
           << stringifyFamily(schedules.back().getFamily())
           << "', expected a last schedule of the family 'plain' for operands "
              "of any layout";
  if (served != unboundedTokens)
    return op->emitOpError()
           << "last schedule serves 'max_tokens' = " << served
           << ", expected a last schedule without 'max_tokens' for every "
              "larger T";
  return success();
}

/// Checks that schedule `number`, of a family that sets conditions, fits
/// `group`.
static LogicalResult verifyConditional(const FusedGroup &group, size_t number,
                                       ScheduleAttr schedule) {
  const FusedOp &fused = group.front();
  auto emit = [&] {
    return linalg::GenericOp(fused.op).emitOpError()
           << "schedule " << number << " of the family '"
           << stringifyFamily(schedule.getFamily()) << "' ";
  };
  auto got = [](int64_t extent, StringRef name) {
    return ShapedType::isDynamic(extent) ? ("a dynamic " + name).str()
                                         : std::to_string(extent);
  };
  Type types[2] = {getElementTypeOrSelf(fused.lhs),
                   getElementTypeOrSelf(fused.rhs)};
  if (types[0] != types[1] || types[0].getIntOrFloatBitWidth() != 16)
    return emit() << "multiplies " << types[0] << " by " << types[1]
                  << ", accepted are two operands of bf16 or two of f16";
  int64_t extent = fused.extents()[FusedOp::dLoop];
  bool hasStages = schedule.getFamily() == Family::CpAsyncWgmma ||
                   schedule.getFamily() == Family::TmaWgmma;
  int64_t step =
      hasStages
          ? schedule.getSplit() * schedule.getParts() * schedule.getTileD()
          : residentStep(schedule.getFamily(), schedule.getThreads(),
                         schedule.getCluster());
  if (ShapedType::isDynamic(extent) || extent % step != 0)
    return emit()
           << "takes " << step
           << " elements of d at a time, accepted is a static E that is a "
              "multiple of it, got "
           << got(extent, "E");
  if (hasStages) {
    if (schedule.getStages() == 1 && extent != step)
      return emit() << "has 'stages' = 1, accepted only when a stage holds the "
                       "share of a CTA, got E = "
                    << extent
                    << " for 'cluster' x 'parts' x 'tile_d' = " << step;
    for (int64_t first : group.firstHeads)
      if (first % wgmmaOpHeads != 0)
        return emit() << "computes a fused op from head " << first
                      << " of its group on, accepted are multiples of "
                      << wgmmaOpHeads;
    return success();
  }

  // All of d is loaded at once, by threads that all have heads.
  int64_t heads = group.extents()[FusedOp::hLoop];
  if (ShapedType::isDynamic(heads) || heads % schedule.getTileH() != 0)
    return emit() << "has 'tile_h' = " << schedule.getTileH()
                  << ", accepted is a static H that is a multiple of it, got "
                  << got(heads, "H");
  int64_t needed = residentRegisters(schedule.getFamily(), schedule.getTileT(),
                                     schedule.getTileH(), extent / step);
  int64_t available = registersPerThread(schedule.getThreads());
  if (needed > available)
    return emit() << "loads " << extent / step
                  << " steps of d at once and needs " << needed
                  << " registers for it, with 'threads' = "
                  << schedule.getThreads() << " a thread has " << available
                  << ": use more threads, a larger cluster or a smaller tile";
  return success();
}

/// Checks that a row's bits do not depend on T: the schedules of each kind,
/// with conditions or plain, sum in one order and serve every T. Which kind
/// runs depends on where x and weight lie in memory alone.
static LogicalResult verifyOneOrder(Operation *op,
                                    ArrayRef<ScheduleAttr> schedules) {
  for (size_t number = 1; number < schedules.size(); ++number) {
    ScheduleAttr before = schedules[number - 1], schedule = schedules[number];
    if (before.isConditional() != schedule.isConditional()) {
      if (before.isUnbounded())
        continue;
      return op->emitOpError()
             << "schedule " << number - 1
             << " serves 'max_tokens' = " << before.getMaxTokens()
             << ", and plain kernels sum for more tokens in another order: "
                "'batch-invariant' asks for a last schedule with conditions "
                "that has no 'max_tokens'";
    }
    std::string first = reductionOrder(before),
                other = reductionOrder(schedule);
    if (first != other)
      return op->emitOpError()
             << "schedule " << number << " sums over d by " << other
             << ", expected " << first
             << " as the one before it: 'batch-invariant' asks for one order";
  }
  return success();
}

/// Checks what `op` has as `indexer.schedules`.
static FailureOr<SmallVector<ScheduleAttr>> readSchedules(Operation *op) {
  Attribute attr = op->getAttr(schedulesAttrName);
  auto array = dyn_cast<ArrayAttr>(attr);
  if (!array || array.empty() ||
      !llvm::all_of(array, llvm::IsaPred<ScheduleAttr>))
    return op->emitOpError()
           << "attribute '" << schedulesAttrName << "' is " << attr
           << ", expected an array of one '#indexer.schedule' or more";
  return llvm::map_to_vector(array, llvm::CastTo<ScheduleAttr>);
}

/// Checks that `op`, which has schedules, is a fused op.
static LogicalResult verifyFused(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return op->emitOpError() << "has '" << schedulesAttrName
                             << "', accepted only on a fused 'linalg.generic'";
  std::string why;
  if (failed(FusedOp::read(generic, &why)))
    return op->emitOpError() << "has '" << schedulesAttrName
                             << "' but is not a fused op: " << why;
  return success();
}

/// Checks that `ops`, which have one `indexer.group`, can share a kernel.
static FailureOr<FusedGroup> readGroup(ArrayRef<linalg::GenericOp> ops) {
  linalg::GenericOp first = ops.front();
  for (linalg::GenericOp op : ops)
    if (op->getAttr(schedulesAttrName) != first->getAttr(schedulesAttrName)) {
      InFlightDiagnostic error =
          op.emitOpError() << "has other '" << schedulesAttrName
                           << "' than an op of its '" << groupAttrName << "'";
      error.attachNote(first.getLoc()) << "which is here";
      return error;
    }
  std::string why;
  FailureOr<FusedGroup> group = FusedGroup::read(ops, &why);
  if (failed(group))
    return first.emitOpError()
           << "has '" << groupAttrName << "' but shares no kernel: " << why;
  return group;
}

/// Checks the schedules of the fused ops of one kernel.
static LogicalResult verifyGroup(ArrayRef<linalg::GenericOp> ops,
                                 bool isBatchInvariant) {
  linalg::GenericOp op = ops.front();
  FailureOr<FusedGroup> group = readGroup(ops);
  if (failed(group))
    return failure();
  FailureOr<SmallVector<ScheduleAttr>> schedules = readSchedules(op);
  if (failed(schedules) || failed(verifyTokens(op, *schedules)) ||
      (isBatchInvariant && failed(verifyOneOrder(op, *schedules))))
    return failure();

  for (auto [number, schedule] : llvm::enumerate(*schedules))
    if (schedule.isConditional() &&
        failed(verifyConditional(*group, number, schedule)))
      return failure();

  int64_t heads = group->extents()[FusedOp::hLoop];
  if (ShapedType::isDynamic(heads))
    return success();
  for (auto [number, schedule] : llvm::enumerate(*schedules)) {
    int64_t tiles = llvm::divideCeil(heads, schedule.getTileH());
    if (tiles > maxGridY)
      return op->emitOpError()
             << "schedule " << number << " cuts H = " << heads << " into "
             << tiles << " tiles of 'tile_h' = " << schedule.getTileH()
             << ", a grid has at most " << maxGridY;
  }
  return success();
}

namespace {
struct VerifySchedule
    : public indexer::impl::VerifyScheduleBase<VerifySchedule> {
  using Base::Base;

  void runOnOperation() override {
    // Every wrong op gets its diagnostic.
    SmallPtrSet<Operation *, 4> wrong;
    getOperation().walk([&](Operation *op) {
      if (!op->hasAttr(schedulesAttrName) || succeeded(verifyFused(op)))
        return;
      wrong.insert(op);
      signalPassFailure();
    });
    auto isScheduled = [&](linalg::GenericOp op) {
      return (op->hasAttr(schedulesAttrName) || op->hasAttr(groupAttrName)) &&
             !wrong.contains(op);
    };
    for (ArrayRef<linalg::GenericOp> ops :
         collectGroups(getOperation(), isScheduled)) {
      bool hasSchedules = llvm::any_of(ops, [](linalg::GenericOp op) {
        return op->hasAttr(schedulesAttrName);
      });
      if (hasSchedules && failed(verifyGroup(ops, batchInvariant)))
        signalPassFailure();
    }
    markAllAnalysesPreserved();
  }
};
} // namespace
