//===- ApiHash.cpp - What the library was built from ----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "indexer-c/Compiler.h"

const char *indexerApiHash(void) { return INDEXER_API_HASH; }
