//===- CheckTarget.cpp - What LLVM can make code for ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's NVPTX back end ends the process when it meets a chip, a PTX version or
// an instruction that it cannot select. What could lead there is refused here,
// with a diagnostic. Requirements of instructions: PTX ISA, "Target ISA Notes"
// and "PTX ISA Notes" of each; NVVM's own verifier knows a part of them only.
//
//===----------------------------------------------------------------------===//

#include "indexer/Target/EmitPtx.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace indexer {

namespace {

/// What the ops whose names start with `prefix` need.
struct Requirement {
  llvm::StringLiteral prefix;
  /// Lowest compute capability; the only one when `only`.
  unsigned sm;
  bool only;
};

} // namespace

static constexpr Requirement requirements[] = {
    {"nvvm.cluster.", 90, false},
    {"nvvm.clusterlaunchcontrol.", 100, false},
    {"nvvm.cp.async.bulk", 90, false},
    {"nvvm.elect.sync", 90, false},
    {"nvvm.fence.mbarrier.init", 90, false},
    {"nvvm.fence.proxy", 90, false},
    {"nvvm.fence.sc.cluster", 90, false},
    {"nvvm.griddepcontrol", 90, false},
    {"nvvm.mapa", 90, false},
    {"nvvm.mbarrier.arrive.expect_tx", 90, false},
    {"nvvm.mbarrier.try_wait", 90, false},
    {"nvvm.mma.block_scale", 120, true},
    {"nvvm.mma.sp.block_scale", 120, true},
    {"nvvm.read.ptx.sreg.cluster", 90, false},
    {"nvvm.read.ptx.sreg.nclusterid", 90, false},
    {"nvvm.setmaxregister", 90, false},
    {"nvvm.st.bulk", 100, false},
    {"nvvm.stmatrix", 90, false},
    {"nvvm.tcgen05.", 100, true},
    {"nvvm.wgmma.", 90, true},
};

/// Attributes of a function that need compute capability 9.0.
static constexpr llvm::StringLiteral clusterAttributes[] = {
    "nvvm.cluster_dim", "nvvm.cluster_max_blocks"};

/// The PTX version that `features` asks for, the chip's lowest when they do not
/// say. Fails when they are anything but one PTX version that LLVM has.
static FailureOr<unsigned> readPtxVersion(StringRef features,
                                          const Chip &chip) {
  // Versions up to the newest of LLVM 22; there is no 8.9.
  constexpr unsigned newest = 90, missing = 89;
  if (features.empty())
    return chip.minPtxVersion;
  unsigned version = 0;
  if (!features.consume_front("+ptx") || features.getAsInteger(10, version) ||
      version < chip.minPtxVersion || version > newest || version == missing)
    return failure();
  return version;
}

/// Checks one op against what it needs.
static LogicalResult checkOp(Operation *op, StringRef module, const Chip &chip,
                             unsigned ptxVersion) {
  StringRef name = op->getName().getStringRef();
  if (!isa_and_nonnull<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect()))
    return emitError(op->getLoc())
           << "'" << name << "' in kernel module '@" << module
           << "' is not lowered; accepted are ops of llvm and nvvm, as "
              "indexer-lower-kernels-to-nvvm makes them";
  for (const Requirement &needed : requirements) {
    if (!name.starts_with(needed.prefix))
      continue;
    if (needed.only ? chip.sm == needed.sm : chip.sm >= needed.sm)
      continue;
    std::string accepted = "sm_" + llvm::utostr(needed.sm);
    accepted += needed.only ? "a" : " or later";
    return emitError(op->getLoc())
           << "'" << name << "' needs " << accepted << "; kernel module '@"
           << module << "' is for " << chip.name;
  }
  if (auto copy = dyn_cast<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op);
      copy && copy.getIsCTAOnly() && ptxVersion < 86)
    return emitError(op->getLoc())
           << "'" << name << "' with 'isCTAOnly' needs +ptx86; "
           << "kernel module '@" << module << "' has +ptx" << ptxVersion;
  for (StringRef attribute : clusterAttributes)
    if (chip.sm < 90 && op->hasAttr(attribute))
      return emitError(op->getLoc())
             << "'" << attribute << "' needs sm_90 or later; kernel module '@"
             << module << "' is for " << chip.name;
  return success();
}

FailureOr<CheckedTarget> checkTarget(gpu::GPUModuleOp module,
                                     NVVM::NVVMTargetAttr target) {
  auto targetError = [&] {
    return emitError(module.getLoc())
           << "the target of kernel module '@" << module.getName() << "' has ";
  };
  const Chip *chip = findChip(target.getChip());
  if (!chip)
    return targetError() << "chip \"" << target.getChip() << "\"; accepted are "
                         << chipNames();
  if (target.getTriple() != "nvptx64-nvidia-cuda")
    return targetError() << "triple \"" << target.getTriple()
                         << "\"; accepted is nvptx64-nvidia-cuda";
  if (target.getLink() || target.getFlags())
    return targetError() << "link files or flags; accepted are O, chip and "
                            "features";
  FailureOr<unsigned> ptxVersion = readPtxVersion(target.getFeatures(), *chip);
  if (failed(ptxVersion))
    return targetError()
           << "features \"" << target.getFeatures()
           << "\"; accepted is one PTX version of LLVM 22 from +ptx"
           << chip->minPtxVersion << " to +ptx90";

  WalkResult walked = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == module)
      return WalkResult::advance();
    return WalkResult(checkOp(op, module.getName(), *chip, *ptxVersion));
  });
  if (walked.wasInterrupted())
    return failure();
  return CheckedTarget{chip, *ptxVersion};
}

} // namespace indexer
