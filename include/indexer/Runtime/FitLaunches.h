//===- FitLaunches.h - Which launches a device can hold ---------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle is made for a chip, and a device may have less of it than the chip's
// largest product: a MIG instance has fewer SMs, so that a cluster may find no
// GPC that is large enough. Which launches a device can hold is decided once,
// when a bundle is loaded, and the others leave the table of launches.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_FITLAUNCHES_H
#define INDEXER_RUNTIME_FITLAUNCHES_H

#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Device.h"

namespace indexer::runtime {

/// Takes launch `index` out of the table of `kernel`. The token counts that it
/// served go to the launch that serves the next higher ones under the same
/// condition on the layout of x and weight, else to the one that serves the
/// next lower ones; without either, to what stands behind it in the table.
/// Kernels are right for every T, so that this is a matter of speed only.
void dropLaunch(FusedKernel &kernel, size_t index);

/// Finds the functions of all launches of `bundle` in `modules`, sets what they
/// need, and drops the launches that `device` cannot hold: too little shared
/// memory for a block, or no room for a single cluster. Limits the grids of
/// launches with clusters and `maxCtas` to the CTAs that run at a time.
/// `functions[i][k]` is
/// then the function of bundle.kernels[i].launches[k], and `notes` has one line
/// for each launch that was dropped. Fails when the code does not take the
/// threads of a launch, and with INDEXER_NO_DEVICE when a fused op is left
/// without a launch. The context of `device` is current.
IndexerStatus fitLaunches(const Driver &driver, const DeviceInfo &device,
                          const std::vector<CuModule> &modules, Bundle &bundle,
                          std::vector<std::vector<CuFunction>> &functions,
                          std::string &notes);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_FITLAUNCHES_H
