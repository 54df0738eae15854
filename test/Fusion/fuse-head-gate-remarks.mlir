// What a user learns about the chains that are fused; fuse-head-gate-declined*.mlir
// has the others.

// RUN: indexer-opt %s --split-input-file --indexer-fuse \
// RUN:   --remarks-filter='indexer-.*' --remark-format=emitRemark --verify-diagnostics

func.func @fused(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                 %q: tensor<4x8xf32>, %a: f32) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Passed] FuseHeadGate | Category:indexer-fusion | Function=fused | Remark="fused 3 ops into one linalg.generic: 2 scalar ops of the sum, 1 operands and 1 scalars"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = tensor.splat %a : tensor<4x8xf32>
  %g = arith.mulf %s, %t : tensor<4x8xf32>
  %h = arith.mulf %g, %q : tensor<4x8xf32>
  return %h : tensor<4x8xf32>
}

// -----

// One chain of a function is fused, the other one keeps its reason.
func.func @one_of_two(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                      %q: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Passed] FuseHeadGate | Category:indexer-fusion | Function=one_of_two | Remark="fused 2 ops into one linalg.generic: 1 scalar ops of the sum, 1 operands and 0 scalars"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=one_of_two | Reason="no-epilogue: nothing scales the GEMM, there is nothing to fuse", Suggestion="none is needed: the GEMM alone is left to other passes"}}
  %u = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %g, %u : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Neither the fused op nor an op on buffers is a candidate: no remark.
#x = affine_map<(t, h, d) -> (t, d)>
#w = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
func.func @no_candidate(%x: tensor<4x16xf32>, %w: tensor<8x16xf32>,
                        %b: memref<4x16xf32>, %c: memref<16x8xf32>,
                        %o: memref<4x8xf32>, %a: f32) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r:2 = linalg.generic {indexing_maps = [#x, #w, #th, #th],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f, %e : tensor<4x8xf32>, tensor<4x8xf32>) {
  ^bb0(%xe: f32, %we: f32, %sum: f32, %out: f32):
    %p = arith.mulf %xe, %we : f32
    %s = arith.addf %sum, %p : f32
    %g = arith.mulf %s, %a : f32
    linalg.yield %s, %g : f32, f32
  } -> (tensor<4x8xf32>, tensor<4x8xf32>)
  linalg.matmul ins(%b, %c : memref<4x16xf32>, memref<16x8xf32>)
                outs(%o : memref<4x8xf32>)
  return %r#1 : tensor<4x8xf32>
}
