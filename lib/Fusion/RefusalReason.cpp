//===- RefusalReason.cpp - Why a chain is not fused -----------------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "indexer/Fusion/RefusalReason.h"

#include "llvm/Support/ErrorHandling.h"

using namespace indexer;

llvm::StringRef indexer::refusalName(RefusalReason reason) {
  switch (reason) {
#define INDEXER_REFUSAL(enumerator, name, sentence, suggestion)                \
  case RefusalReason::enumerator:                                              \
    return name;
#include "indexer/Fusion/RefusalReason.def"
  }
  llvm_unreachable("every reason is in RefusalReason.def");
}

llvm::StringRef indexer::refusalSentence(RefusalReason reason) {
  switch (reason) {
#define INDEXER_REFUSAL(enumerator, name, sentence, suggestion)                \
  case RefusalReason::enumerator:                                              \
    return sentence;
#include "indexer/Fusion/RefusalReason.def"
  }
  llvm_unreachable("every reason is in RefusalReason.def");
}

llvm::StringRef indexer::refusalSuggestion(RefusalReason reason) {
  switch (reason) {
#define INDEXER_REFUSAL(enumerator, name, sentence, suggestion)                \
  case RefusalReason::enumerator:                                              \
    return suggestion;
#include "indexer/Fusion/RefusalReason.def"
  }
  llvm_unreachable("every reason is in RefusalReason.def");
}
