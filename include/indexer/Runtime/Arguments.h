//===- Arguments.h - Arguments of a call, checked and bound -----*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_ARGUMENTS_H
#define INDEXER_RUNTIME_ARGUMENTS_H

#include "indexer-c/Runtime.h"
#include "indexer/Runtime/Bundle.h"
#include "indexer/Runtime/Limits.h"

namespace indexer::runtime {

/// An operand of a fused op: dimensions of the operand, not of the argument.
struct BoundOperand {
  /// Element of index 0.
  void *data;
  /// Of each operand dimension, in elements.
  int64_t strides[kLoops];
};

/// All that a kernel's parameters are made of.
struct BoundKernel {
  /// Of t, h and d.
  int64_t extents[kLoops];
  BoundOperand operands[kMaxOperands];
  /// Rounded to the type of the entry function's argument.
  double scalars[kMaxScalars];
};

/// Checks the arguments of one call against `bundle` (validated) and binds
/// them to its fused ops, `bound[i]` for bundle.kernels[i]. Reads no element,
/// allocates nothing unless it fails. After success all operands of a fused op
/// agree about its extents, no extent of d is 0, and every operand has data
/// unless an extent is 0.
IndexerStatus bindArguments(const Bundle &bundle,
                            const IndexerArgument *arguments,
                            size_t numArguments, const IndexerTensor *results,
                            size_t numResults,
                            BoundKernel (&bound)[kMaxKernels]);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_ARGUMENTS_H
