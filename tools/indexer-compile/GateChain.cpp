//===- GateChain.cpp - The head gate's chain as MLIR text -----------------===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GateChain.h"

/// $H and $E stand for the extents.
static constexpr char text[] = R"(#map = affine_map<(t, h, g) -> (t, h, g)>
func.func @head_gate(%x: tensor<?x$Exbf16>, %weight: tensor<$Hx$Exbf16>,
                     %q_scale: tensor<?x$Hx1xf32>, %head_scale: f32,
                     %softmax_scale: f32) -> tensor<?x$Hx1xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x$Exbf16>
  %weight_t_init = tensor.empty() : tensor<$Ex$Hxbf16>
  %weight_t = linalg.transpose ins(%weight : tensor<$Hx$Exbf16>)
      outs(%weight_t_init : tensor<$Ex$Hxbf16>) permutation = [1, 0]
  %empty = tensor.empty(%tokens) : tensor<?x$Hxf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x$Hxf32>)
      -> tensor<?x$Hxf32>
  %logits = linalg.matmul
      ins(%x, %weight_t : tensor<?x$Exbf16>, tensor<$Ex$Hxbf16>)
      outs(%zeros : tensor<?x$Hxf32>) -> tensor<?x$Hxf32>
  %weights = tensor.expand_shape %logits [[0], [1, 2]]
      output_shape [%tokens, $H, 1] : tensor<?x$Hxf32> into tensor<?x$Hx1xf32>
  %gate_empty = tensor.empty(%tokens) : tensor<?x$Hx1xf32>
  %gate = linalg.generic {
      indexing_maps = [#map, #map, #map],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%weights, %q_scale : tensor<?x$Hx1xf32>, tensor<?x$Hx1xf32>)
      outs(%gate_empty : tensor<?x$Hx1xf32>) {
  ^bb0(%logit: f32, %scale: f32, %out: f32):
    %by_heads = arith.mulf %logit, %head_scale : f32
    %by_query = arith.mulf %by_heads, %scale : f32
    %product = arith.mulf %by_query, %softmax_scale : f32
    linalg.yield %product : f32
  } -> tensor<?x$Hx1xf32>
  return %gate : tensor<?x$Hx1xf32>
}
)";

std::string gateChain(int64_t heads, int64_t hidden) {
  std::string chain;
  for (const char *c = text; *c; ++c) {
    if (*c != '$') {
      chain += *c;
      continue;
    }
    ++c;
    chain += std::to_string(*c == 'H' ? heads : hidden);
  }
  return chain;
}
