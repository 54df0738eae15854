// An intermediate that several ops read is part of the epilogue when all of them
// end in one op: it is computed once, and used several times in the tree.

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

// x * sigmoid(x), as torch-mlir writes silu, and a scale behind it.
// CHECK-LABEL: func.func @silu(
// CHECK:         linalg.generic
// CHECK:         ^bb0(%{{.+}}: bf16, %{{.+}}: bf16, %[[Q:.+]]: f32, %{{.+}}: f32, %{{.+}}: f32)
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[NEG:.+]] = arith.negf %[[SUM]] : f32
// CHECK-NEXT:      %[[EXP:.+]] = math.exp %[[NEG]] : f32
// CHECK-NEXT:      %[[DEN:.+]] = arith.addf %[[EXP]], %{{.+}} : f32
// CHECK-NEXT:      %[[SIG:.+]] = arith.divf %{{.+}}, %[[DEN]] : f32
// CHECK-NEXT:      %[[SILU:.+]] = arith.mulf %[[SUM]], %[[SIG]] : f32
// CHECK-NEXT:      %[[G:.+]] = arith.mulf %[[SILU]], %[[Q]] : f32
// CHECK-NEXT:      linalg.yield %[[SUM]], %[[G]]
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @silu(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>, %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %one = arith.constant dense<1.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %n = arith.negf %s : tensor<4x8xf32>
  %e = math.exp %n : tensor<4x8xf32>
  %d = arith.addf %e, %one : tensor<4x8xf32>
  %sigmoid = arith.divf %one, %d : tensor<4x8xf32>
  %silu = arith.mulf %s, %sigmoid : tensor<4x8xf32>
  %g = arith.mulf %silu, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// Both ways compute something, with a rounding; neither is computed twice.
// CHECK-LABEL: func.func @two_ways(
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[A:.+]] = arith.mulf %[[SUM]], %{{.+}} : f32
// CHECK-NEXT:      %[[N:.+]] = arith.negf %[[SUM]] : f32
// CHECK-NEXT:      %[[R:.+]] = arith.truncf %[[N]] : f32 to bf16
// CHECK-NEXT:      %[[W:.+]] = arith.extf %[[R]] : bf16 to f32
// CHECK-NEXT:      arith.maximumf %[[A]], %[[W]] : f32
// CHECK-NOT:     arith.negf
// CHECK:         return
func.func @two_ways(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                    %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %a = arith.mulf %s, %q : tensor<4x8xf32>
  %n = arith.negf %s : tensor<4x8xf32>
  %r = arith.truncf %n : tensor<4x8xf32> to tensor<4x8xbf16>
  %f = arith.extf %r : tensor<4x8xbf16> to tensor<4x8xf32>
  %g = arith.maximumf %a, %f : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// Three ways that come together two by two; one goes round by an unsqueeze.
// CHECK-LABEL: func.func @three_ways(
// CHECK:         linalg.generic
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[N:.+]] = arith.negf %[[SUM]] : f32
// CHECK-NEXT:      %[[P:.+]] = arith.mulf %[[N]], %[[SUM]] : f32
// CHECK-NEXT:      arith.addf %[[P]], %[[SUM]] : f32
// CHECK-NOT:     tensor<4x8x1xf32>
// CHECK:         return
func.func @three_ways(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %u = tensor.expand_shape %s [[0], [1, 2]] output_shape [4, 8, 1]
      : tensor<4x8xf32> into tensor<4x8x1xf32>
  %n = arith.negf %u : tensor<4x8x1xf32>
  %c = tensor.collapse_shape %n [[0], [1, 2]]
      : tensor<4x8x1xf32> into tensor<4x8xf32>
  %p = arith.mulf %c, %s : tensor<4x8xf32>
  %g = arith.addf %p, %s : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// A chain that was fused up to the fork goes on behind it.
// CHECK-LABEL: func.func @scaled_before_and_behind(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK-NOT:     arith.mulf %{{.+}} : tensor
// CHECK:         return
func.func @scaled_before_and_behind(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                                    %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %a = arith.mulf %s, %q : tensor<4x8xf32>
  %n = arith.negf %a : tensor<4x8xf32>
  %b = arith.mulf %n, %a : tensor<4x8xf32>
  %g = arith.mulf %b, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}
