//===- MergeBundles.cpp - One bundle for several chips --------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The schedule depends on the chip, so each chip brings launches of its own.
// What a caller sees, the arguments and their bindings, must not depend on it.
//
//===----------------------------------------------------------------------===//
#include "indexer/Runtime/MergeBundles.h"

#include "indexer/Runtime/BundleHeader.h"
#include "indexer/Runtime/SelectCode.h"

#include <algorithm>

using namespace indexer::runtime;

/// Text of all that the parts of a merged bundle have in common.
static std::string interfaceText(Bundle bundle) {
  bundle.objects.clear();
  for (FusedKernel &kernel : bundle.kernels)
    kernel.launches.clear();
  return headerText(bundle, /*indent=*/-1);
}

bool indexer::runtime::mergeBundles(const std::vector<Bundle> &parts,
                                    Bundle &merged, std::string &error) {
  merged = Bundle();
  for (const Bundle &part : parts) {
    std::string chip = part.objects.empty() ? "" : part.objects.front().chip;
    if (chip.empty() || chipsText(part) != chip) {
      error = "a part of a bundle has code for '" + chipsText(part) +
              "', accepted is one chip";
      return false;
    }
    auto isOfChip = [&](const CodeObject &object) {
      return object.chip == chip;
    };
    if (std::any_of(merged.objects.begin(), merged.objects.end(), isOfChip)) {
      error = "two parts of a bundle have code for " + chip;
      return false;
    }
    Bundle stamped = part;
    for (FusedKernel &kernel : stamped.kernels)
      for (KernelLaunch &launch : kernel.launches)
        launch.chip = chip;
    if (merged.objects.empty()) {
      merged = std::move(stamped);
      continue;
    }
    if (interfaceText(merged) != interfaceText(stamped)) {
      error = "the arguments of '" + merged.entry + "' for " +
              chipsText(merged) + " are not those of '" + stamped.entry +
              "' for " + chip;
      return false;
    }
    for (size_t i = 0; i < merged.kernels.size(); ++i)
      merged.kernels[i].launches.insert(merged.kernels[i].launches.end(),
                                        stamped.kernels[i].launches.begin(),
                                        stamped.kernels[i].launches.end());
    merged.objects.insert(merged.objects.end(), stamped.objects.begin(),
                          stamped.objects.end());
  }
  return true;
}
