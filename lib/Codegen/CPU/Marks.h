//===- Marks.h - Names of the attributes between CPU passes -----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_CODEGEN_CPU_MARKS_H
#define INDEXER_LIB_CODEGEN_CPU_MARKS_H

namespace indexer::marks {

/// On the contraction and on the epilogue of a decomposed fused op.
constexpr char contraction[] = "indexer.contraction";
constexpr char epilogue[] = "indexer.epilogue";
/// On the loop over d of a tile, whose body is to be vectorized.
constexpr char reduction[] = "indexer.reduction";

} // namespace indexer::marks

#endif // INDEXER_LIB_CODEGEN_CPU_MARKS_H
