//===- ArgumentText.h - Words for arguments and shapes ----------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts of messages such as
//   argument 2 ('q_scale') has shape [512, 32, 1], expected [T, H, 1] with
//   T = 512 (from 'x'), H = 64 (from 'weight')
// Texts are only made when a call fails.
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_RUNTIME_ARGUMENTTEXT_H
#define INDEXER_RUNTIME_ARGUMENTTEXT_H

#include "indexer/Runtime/Bundle.h"

namespace indexer::runtime {

/// "argument 2 ('q_scale')" or "result 0"; `index` must exist.
std::string argumentText(const Bundle &bundle, bool isResult, unsigned index);

/// "T", "H" or "E".
const char *loopText(unsigned loop);

/// "[512, 32, 1]".
std::string shapeText(const int64_t *shape, size_t rank);

/// The accepted shape, "[T, 64, 1]": a static extent as a number, the others
/// by the loop that they are bound to, [T0, T1, 7168] when several dimensions
/// run over one.
std::string expectedShapeText(const Bundle &bundle, bool isResult,
                              unsigned index);

/// The extent of `loop` in an operand bound by `binding`, where the kernel has
/// `extents` of t, h and d.
inline int64_t expectedExtent(const TensorBinding &binding, unsigned loop,
                              const int64_t *extents) {
  return loop == 1 && binding.heads ? binding.heads->count : extents[loop];
}

/// "T = 512 (from 'x'), H = 64": the extents that `operand` of `kernel` must
/// have, and the argument that each was read from if it was another one.
std::string extentsText(const Bundle &bundle, const FusedKernel &kernel,
                        unsigned operand, const int64_t *extents);

} // namespace indexer::runtime

#endif // INDEXER_RUNTIME_ARGUMENTTEXT_H
