//===- ListBundle.h - A bundle as text --------------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TOOLS_INDEXER_BUNDLE_LISTBUNDLE_H
#define INDEXER_TOOLS_INDEXER_BUNDLE_LISTBUNDLE_H

#include "indexer/Runtime/Bundle.h"

/// Prints the entry's arguments and results, every launch with its figures, and
/// every code object with its size, each kind as a table.
void listBundle(const indexer::runtime::Bundle &bundle);

#endif // INDEXER_TOOLS_INDEXER_BUNDLE_LISTBUNDLE_H
