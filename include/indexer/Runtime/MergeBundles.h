//===- MergeBundles.h - One bundle for several chips ------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_MERGEBUNDLES_H
#define INDEXER_RUNTIME_MERGEBUNDLES_H

#include "indexer/Runtime/Bundle.h"

namespace indexer::runtime {

/// Merges bundles of one entry function, each with code for one chip of its
/// own, into `merged`: the launches and code objects of all, in order, each
/// launch with the chip of its part. False, with `error` set to one sentence,
/// when the parts are not of one function or two are for one chip.
bool mergeBundles(const std::vector<Bundle> &parts, Bundle &merged,
                  std::string &error);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_MERGEBUNDLES_H
