//===- AttachTarget.cpp - Attach the NVVM target of a chip ----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In: gpu.module ops. Out: the same with the target that the table of chips
// gives. Kept apart from serialization so that a target can be written by hand.
//
//===----------------------------------------------------------------------===//

#include "indexer/Schedule/Chips.h"
#include "indexer/Target/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace indexer {

#define GEN_PASS_DEF_ATTACHTARGET
#include "indexer/Target/Passes.h.inc"

using namespace mlir;

namespace {

/// See Passes.td.
struct AttachTarget : impl::AttachTargetBase<AttachTarget> {
  using AttachTargetBase::AttachTargetBase;

  void runOnOperation() override {
    FailureOr<const Chip *> found = lookupChip(chip, getArgument(), [&] {
      return emitError(getOperation().getLoc());
    });
    if (failed(found))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    auto target = NVVM::NVVMTargetAttr::get(
        context, /*optLevel=*/3, "nvptx64-nvidia-cuda", (*found)->name,
        (*found)->features());
    getOperation().walk([&](gpu::GPUModuleOp module) {
      if (!module.getTargetsAttr())
        module.setTargetsAttr(ArrayAttr::get(context, {target}));
      return WalkResult::skip();
    });
  }
};

} // namespace
} // namespace indexer
