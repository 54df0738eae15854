//===- SelectCode.h - Which code object runs on a device --------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_SELECTCODE_H
#define INDEXER_RUNTIME_SELECTCODE_H

#include "indexer/Runtime/Bundle.h"

namespace indexer::runtime {

/// Name of the chip of compute capability `major`.`minor`: "sm_80", "sm_90a".
/// From 9.0 on with the suffix "a", since the compiler targets the features of
/// that one chip.
std::string chipName(int major, int minor);

/// The code objects for a device, all of one chip and format, in the order of
/// the bundle: machine code that runs on it, the most specific chip first; else
/// PTX that the driver may compile for it; else none. Each kernel of the chip
/// is in one of them.
std::vector<const CodeObject *> selectCode(const Bundle &bundle, int major,
                                           int minor);

/// "sm_80, sm_90a": the chips of all code objects, each once, for messages.
std::string chipsText(const Bundle &bundle);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_SELECTCODE_H
