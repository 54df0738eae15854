//===- BuildId.h - Which build of this compiler it is -----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_COMPILER_BUILDID_H
#define INDEXER_LIB_COMPILER_BUILDID_H

#include <string>

namespace indexer {

/// The linker's hash of the library or program that holds this compiler
/// (NT_GNU_BUILD_ID), as bytes; "" when it was linked without one.
std::string buildId();

} // namespace indexer

#endif // INDEXER_LIB_COMPILER_BUILDID_H
