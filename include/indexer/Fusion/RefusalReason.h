//===- RefusalReason.h - Why a chain is not fused ---------------*- C++ -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_FUSION_REFUSALREASON_H
#define INDEXER_FUSION_REFUSALREASON_H

#include "llvm/ADT/StringRef.h"

namespace indexer {

/// The named reasons for which a candidate GEMM is left alone.
enum class RefusalReason {
#define INDEXER_REFUSAL(enumerator, name, sentence, suggestion) enumerator,
#include "indexer/Fusion/RefusalReason.def"
};

/// The stable name that remarks, tests and docs use, such as "multiple-uses".
llvm::StringRef refusalName(RefusalReason reason);

/// One sentence that says what was found.
llvm::StringRef refusalSentence(RefusalReason reason);

/// What the user can do about it.
llvm::StringRef refusalSuggestion(RefusalReason reason);

} // namespace indexer

#endif // INDEXER_FUSION_REFUSALREASON_H
