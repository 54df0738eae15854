//===- ValidateBundle.h - Is a bundle consistent in itself ------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_VALIDATEBUNDLE_H
#define INDEXER_RUNTIME_VALIDATEBUNDLE_H

#include "indexer/Runtime/Bundle.h"

namespace indexer::runtime {

/// Checks every number of `bundle` that is used as an index, a divisor or a
/// size. False, with `error` set to one sentence, when a launch could not rely
/// on it. deserialize() calls this; a compiler may call it before serialize().
bool validate(const Bundle &bundle, std::string &error);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_VALIDATEBUNDLE_H
