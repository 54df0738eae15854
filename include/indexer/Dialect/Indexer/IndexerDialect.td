//===- IndexerDialect.td - The indexer dialect -------------*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_DIALECT_INDEXER_INDEXERDIALECT_TD
#define INDEXER_DIALECT_INDEXER_INDEXERDIALECT_TD

include "mlir/IR/OpBase.td"

def Indexer_Dialect : Dialect {
  let name = "indexer";
  let summary = "What upstream dialects cannot say about a fused head gate";
  let description = [{
    The dialect has attributes only; every op of the compiler is an upstream op.

    Discardable attributes that the stages hang on upstream ops:

    - `indexer.schedules`, on a fused `linalg.generic`: an array of
      `#indexer.schedule`, one for each kernel, ordered by `max_tokens`.
    - `indexer.outlined`, on a `func.func`: its body is one fused op.
    - `indexer.kernels`, `indexer.launch`, `indexer.extents` and
      `indexer.scalars`, on the declaration that is left of an outlined
      function once its kernels exist: the module of the kernels and how to
      launch them.
  }];
  let cppNamespace = "::indexer";
  let useDefaultAttributePrinterParser = 1;
}

#endif // INDEXER_DIALECT_INDEXER_INDEXERDIALECT_TD
