// The fused op becomes a contraction and an epilogue that reads its sum once.

// RUN: indexer-opt %s --indexer-decompose-fused-op | FileCheck %s

#x = affine_map<(t, h, d) -> (t, d)>
#w = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
#h = affine_map<(t, h, d) -> (h)>

// CHECK-LABEL: func.func @gate(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x96xbf16>, %[[W:[^:]+]]: tensor<8x96xbf16>
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<?x8xf32>, %[[B:[^:]+]]: tensor<8xf32>, %[[A:[^:]+]]: f32
// CHECK:         %[[ZERO:.+]] = linalg.fill
// CHECK:         %[[SUM:.+]] = linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[W]] :
// CHECK-SAME:      outs(%[[ZERO]] :
// CHECK-SAME:      indexer.contraction
// A product of bf16 is exact in f32: it may become a fused multiply-add.
// CHECK:           arith.mulf {{.*}} fastmath<contract>
// CHECK:           arith.addf {{.*}} fastmath<contract>
// CHECK:         %[[GATE:.+]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel"]
// CHECK-SAME:      ins(%[[SUM]], %[[Q]], %[[B]] :
// CHECK-SAME:      indexer.epilogue
// CHECK-NEXT:    ^bb0(%[[S:.+]]: f32, %[[QE:.+]]: f32, %[[BE:.+]]: f32, %{{.+}}: f32)
// CHECK-NEXT:      %[[G0:.+]] = arith.mulf %[[S]], %[[A]] : f32
// CHECK-NEXT:      %[[G1:.+]] = arith.mulf %[[G0]], %[[QE]] : f32
// CHECK-NEXT:      %[[G2:.+]] = arith.addf %[[G1]], %[[BE]] : f32
// CHECK-NEXT:      linalg.yield %[[G2]]
// CHECK:         return %[[GATE]]
func.func @gate(%x: tensor<?x96xbf16>, %w: tensor<8x96xbf16>,
                %q: tensor<?x8xf32>, %b: tensor<8xf32>, %a: f32)
    -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x96xbf16>
  %empty = tensor.empty(%t) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {indexing_maps = [#x, #w, #th, #h, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q, %b : tensor<?x96xbf16>, tensor<8x96xbf16>,
          tensor<?x8xf32>, tensor<8xf32>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>) {
  ^bb0(%xe: bf16, %we: bf16, %qe: f32, %be: f32, %sum: f32, %old: f32):
    %xf = arith.extf %xe : bf16 to f32
    %wf = arith.extf %we : bf16 to f32
    %p = arith.mulf %xf, %wf : f32
    %s = arith.addf %sum, %p : f32
    %g0 = arith.mulf %s, %a : f32
    %g1 = arith.mulf %g0, %qe : f32
    %g2 = arith.addf %g1, %be : f32
    linalg.yield %s, %g2 : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// A GEMM without an epilogue is none of ours.
// CHECK-LABEL: func.func @matmul_alone
// CHECK:         linalg.matmul
// CHECK-NOT:     indexer.
// CHECK:         return
func.func @matmul_alone(%x: tensor<4x8xf32>, %w: tensor<8x4xf32>,
                        %init: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %r = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x4xf32>)
                     outs(%init : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %r : tensor<4x4xf32>
}
