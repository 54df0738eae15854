//===- ReadContraction.h - The GEMM of a chain ------------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_LIB_FUSION_READCONTRACTION_H
#define INDEXER_LIB_FUSION_READCONTRACTION_H

#include "indexer/Fusion/HeadGateChain.h"

namespace indexer {

/// Fills the contraction, lhs, rhs, their extensions and the loops' axes of
/// `chain`, and gives the axes of the GEMM's result. Returns the reason when
/// `op` is not a GEMM that can be fused. `allowNarrowSum` accepts one that
/// accumulates in bf16 or f16.
std::optional<RefusalReason> readContraction(mlir::linalg::LinalgOp op,
                                             HeadGateChain &chain,
                                             TensorAxes &resultDims,
                                             bool allowNarrowSum);

} // namespace indexer

#endif // INDEXER_LIB_FUSION_READCONTRACTION_H
