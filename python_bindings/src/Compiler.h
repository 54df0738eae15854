//===- Compiler.h - The compiler's library, opened at run time --*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The extension links the runtime only. What compiles is in libindexer.so,
// which is 70 MB, comes in a package of its own and is opened when it is first
// needed.
//
//===----------------------------------------------------------------------===//
#ifndef DSA_INDEXER_COMPILER_H
#define DSA_INDEXER_COMPILER_H

#include "indexer-c/Compiler.h"

#include <nanobind/nanobind.h>

namespace indexer::python {

/// What the extension calls of the compiler's C API.
#define DSA_INDEXER_COMPILER_FUNCTIONS(X)                                      \
  X(indexerApiHash)                                                            \
  X(indexerLastError)                                                          \
  X(indexerCompile)                                                            \
  X(indexerProgramDestroy)                                                     \
  X(indexerProgramArtifact)                                                    \
  X(indexerProgramDescribe)                                                    \
  X(indexerProgramRemarks)                                                     \
  X(indexerProgramBundle)                                                      \
  X(indexerProgramBundleFor)                                                   \
  X(indexerProgramLoad)                                                        \
  X(indexerProgramRunCpu)                                                      \
  X(indexerProgramReference)                                                   \
  X(indexerProgramResultShapes)                                                \
  X(indexerKernelDescribe)                                                     \
  X(indexerKernelDestroy)                                                      \
  X(indexerKernelLaunch)                                                       \
  X(indexerKernelNotes)                                                        \
  X(indexerCacheDescribe)                                                      \
  X(indexerCacheClear)

/// The functions, by their names in the C API.
struct Compiler {
#define DSA_INDEXER_COMPILER_MEMBER(name) decltype(&::name) name;
  DSA_INDEXER_COMPILER_FUNCTIONS(DSA_INDEXER_COMPILER_MEMBER)
#undef DSA_INDEXER_COMPILER_MEMBER

  /// The library that dsa_indexer._library.find_compiler() names, opened at the
  /// first call and kept. Raises CompileError when there is none. Needs the
  /// GIL.
  static const Compiler &get();
};

} // namespace indexer::python

#endif // DSA_INDEXER_COMPILER_H
