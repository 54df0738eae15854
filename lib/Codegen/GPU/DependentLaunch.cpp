//===- DependentLaunch.cpp - Start before the end of another --------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Codegen/GPU/DependentLaunch.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace indexer;

void indexer::letNextKernelStart(KernelBuilder &kernel, ScheduleAttr schedule) {
  if (schedule.startsEarly())
    NVVM::GriddepcontrolOp::create(kernel.builder, kernel.loc,
                                   NVVM::GridDepActionKind::launch_dependents);
}

void indexer::waitForPreviousKernel(KernelBuilder &kernel,
                                    ScheduleAttr schedule) {
  if (schedule.startsEarly())
    NVVM::GriddepcontrolOp::create(kernel.builder, kernel.loc,
                                   NVVM::GridDepActionKind::wait);
}
