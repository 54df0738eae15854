// Scales whose GEMM is elsewhere become one elementwise op.

// RUN: indexer-opt %s --indexer-fuse-scales | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse-scales | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse-scales | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse-scales -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse-scales | diff %t.once.mlir -

// CHECK-DAG: #[[$ID:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$T:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[$SWAP:.+]] = affine_map<(d0, d1) -> (d1, d0)>

// sglang's second piece: weights.unsqueeze(-1) * q_scale * softmax_scale.
// CHECK-LABEL: func.func @split_decode(
// CHECK-SAME:    %[[W:[^:]+]]: tensor<?x64xf32>, %[[Q:[^:]+]]: tensor<?x64x1xf32>, %[[B:[^:]+]]: f32
// CHECK:         %[[Q2:.+]] = tensor.collapse_shape %[[Q]] {{\[}}[0], [1, 2]]
// CHECK:         %[[SCALED:.+]] = linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$ID]], #[[$ID]], #[[$ID]]]
// CHECK-SAME:      ins(%[[W]], %[[Q2]] :
// CHECK-NEXT:    ^bb0(%[[WE:.+]]: f32, %[[QE:.+]]: f32, %{{.+}}: f32)
// CHECK-NEXT:      %[[G0:.+]] = arith.mulf %[[WE]], %[[QE]] : f32
// CHECK-NEXT:      %[[G1:.+]] = arith.mulf %[[G0]], %[[B]] : f32
// CHECK-NEXT:      linalg.yield %[[G1]]
// CHECK:         %[[GATE:.+]] = tensor.expand_shape %[[SCALED]] {{\[}}[0], [1, 2]]
// CHECK-NOT:     arith.mulf
// CHECK:         return %[[GATE]]
func.func @split_decode(%w: tensor<?x64xf32>, %q: tensor<?x64x1xf32>, %b: f32)
    -> tensor<?x64x1xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %w, %c0 : tensor<?x64xf32>
  %w3 = tensor.expand_shape %w [[0], [1, 2]] output_shape [%t, 64, 1]
      : tensor<?x64xf32> into tensor<?x64x1xf32>
  %g0 = arith.mulf %w3, %q : tensor<?x64x1xf32>
  %bt = tensor.splat %b[%t] : tensor<?x64x1xf32>
  %g1 = arith.mulf %g0, %bt : tensor<?x64x1xf32>
  return %g1 : tensor<?x64x1xf32>
}

// A bf16 gate, rounded after its first scale; a scale a token; a transposed one.
// CHECK-LABEL: func.func @rounded(
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$ID]], #[[$T]], #[[$SWAP]], #[[$ID]]]
// CHECK:           %[[G0:.+]] = arith.mulf %{{.+}}, %{{.+}} : bf16
// CHECK-NEXT:      %[[G1:.+]] = arith.extf %[[G0]] : bf16 to f32
// CHECK-NEXT:      %[[G2:.+]] = arith.mulf %[[G1]], %{{.+}} : f32
// CHECK-NEXT:      %[[G3:.+]] = arith.mulf %[[G2]], %{{.+}} : f32
// CHECK-NEXT:      linalg.yield %[[G3]]
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @rounded(%w: tensor<4x8xbf16>, %q: tensor<4xf32>, %r: tensor<8x4xf32>)
    -> tensor<4x8xf32> {
  %a = arith.constant dense<0.125> : tensor<4x8xbf16>
  %e = tensor.empty() : tensor<4x8xf32>
  %g0 = arith.mulf %w, %a : tensor<4x8xbf16>
  %g1 = arith.extf %g0 : tensor<4x8xbf16> to tensor<4x8xf32>
  %qb = linalg.broadcast ins(%q : tensor<4xf32>) outs(%e : tensor<4x8xf32>)
                         dimensions = [1]
  %g2 = arith.mulf %g1, %qb : tensor<4x8xf32>
  %rt = linalg.transpose ins(%r : tensor<8x4xf32>) outs(%e : tensor<4x8xf32>)
                         permutation = [1, 0]
  %g3 = linalg.mul ins(%g2, %rt : tensor<4x8xf32>, tensor<4x8xf32>)
                   outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %g3 : tensor<4x8xf32>
}

// One multiplication is no chain, and another op ends one.
// CHECK-LABEL: func.func @no_chain(
// CHECK:         arith.mulf %{{.+}}, %{{.+}} : tensor<4x8xf32>
// CHECK:         math.exp
// CHECK:         arith.mulf %{{.+}}, %{{.+}} : tensor<4x8xf32>
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @no_chain(%w: tensor<4x8xf32>, %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %g0 = arith.mulf %w, %q : tensor<4x8xf32>
  %g1 = math.exp %g0 : tensor<4x8xf32>
  %g2 = arith.mulf %g1, %q : tensor<4x8xf32>
  return %g2 : tensor<4x8xf32>
}

// What others read, too, is not computed twice.
// CHECK-LABEL: func.func @other_use(
// CHECK:         %[[G0:.+]] = arith.mulf %{{.+}}, %{{.+}} : tensor<4x8xf32>
// CHECK:         %[[G1:.+]] = arith.mulf %[[G0]], %{{.+}} : tensor<4x8xf32>
// CHECK:         return %[[G0]], %[[G1]]
func.func @other_use(%w: tensor<4x8xf32>, %q: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %g0 = arith.mulf %w, %q : tensor<4x8xf32>
  %g1 = arith.mulf %g0, %q : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}
