// Upstream's --linalg-specialize-generic-ops makes a linalg.matmul of this generic,
// which drops the rounding of the product, so it stands alone.

// RUN: indexer-opt %s -o %t.before.mlir
// RUN: indexer-opt %s --indexer-fuse -o %t.after.mlir
// RUN: diff %t.before.mlir %t.after.mlir
// RUN: indexer-opt %s --indexer-fuse \
// RUN:   --remarks-filter='indexer-.*' --remark-format=emitRemark --verify-diagnostics

// The product is rounded to bf16 before it is added.
func.func @no_fuse_not_a_contraction_rounded_product(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_not_a_contraction_rounded_product | Reason="not-a-contraction: the op is not a sum of products of two operands over one dimension", Suggestion="spell the GEMM as linalg.matmul, linalg.contract or a generic that multiplies and adds"}}
  %s = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (d, h)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
      outs(%z : tensor<4x8xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %p = arith.mulf %a, %b : bf16
    %f = arith.extf %p : bf16 to f32
    %n = arith.addf %sum, %f : f32
    linalg.yield %n : f32
  } -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}
