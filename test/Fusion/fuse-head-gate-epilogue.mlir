// The epilogue is the source's tree of scalar ops: every op, in its order, with
// its roundings, whatever op it came in.

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

#th = affine_map<(t, h) -> (t, h)>

// mul(s, mul(q, a)) is not mul(mul(s, q), a).
// CHECK-LABEL: func.func @tree(
// CHECK-SAME:    %[[A:[^:]+]]: f32
// CHECK:         ^bb0(%{{.+}}: bf16, %{{.+}}: bf16, %[[Q:.+]]: f32, %{{.+}}: f32, %{{.+}}: f32)
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[QA:.+]] = arith.mulf %[[Q]], %[[A]] : f32
// CHECK-NEXT:      %[[G:.+]] = arith.mulf %[[SUM]], %[[QA]] : f32
// CHECK-NEXT:      linalg.yield %[[SUM]], %[[G]]
func.func @tree(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                %q: tensor<4x8xf32>, %a: f32) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %at = tensor.splat %a : tensor<4x8xf32>
  %qa = arith.mulf %q, %at : tensor<4x8xf32>
  %g = arith.mulf %s, %qa : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// Two scalars are multiplied once, before the kernel.
// CHECK-LABEL: func.func @product_of_scalars(
// CHECK-SAME:    %[[A:[^:]+]]: f32, %[[B:[^:]+]]: f32
// CHECK:         %[[AB:.+]] = arith.mulf %[[A]], %[[B]] : f32
// CHECK:         linalg.generic
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      arith.mulf %[[SUM]], %[[AB]] : f32
func.func @product_of_scalars(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                              %a: f32, %b: f32) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = linalg.generic {indexing_maps = [#th, #th],
                       iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %ab = arith.mulf %a, %b : f32
    %p = arith.mulf %in, %ab : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// LMDeploy: the gate is the last factor.
// CHECK-LABEL: func.func @gate_last(
// CHECK-SAME:    %[[B:[^:]+]]: f32
// CHECK:         ^bb0(%{{.+}}: bf16, %{{.+}}: bf16, %[[Q:.+]]: f32, %{{.+}}: f32, %{{.+}}: f32)
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[QB:.+]] = arith.mulf %[[Q]], %[[B]] : f32
// CHECK-NEXT:      arith.mulf %[[QB]], %[[SUM]] : f32
func.func @gate_last(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                     %q: tensor<4x8xf32>, %b: f32) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %bt = tensor.splat %b : tensor<4x8xf32>
  %qb = arith.mulf %q, %bt : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %qb, %s : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// A division stays one.
// CHECK-LABEL: func.func @division(
// CHECK-DAG:     %[[C:.+]] = arith.constant 8.000000e+00 : f32
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      arith.divf %[[SUM]], %[[C]] : f32
func.func @division(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %c = arith.constant dense<8.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.divf %s, %c : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @map_and_elementwise(
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[G0:.+]] = arith.mulf %[[SUM]], %{{.+}} : f32
// CHECK-NEXT:      %[[G1:.+]] = arith.mulf %[[G0]], %{{.+}} : f32
// CHECK-NEXT:      linalg.yield
func.func @map_and_elementwise(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                               %q: tensor<4x8xf32>, %r: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = linalg.map { arith.mulf } ins(%s, %q : tensor<4x8xf32>, tensor<4x8xf32>)
                                  outs(%e : tensor<4x8xf32>)
  %g1 = linalg.elementwise kind=#linalg.elementwise_kind<mul>
      ins(%g0, %r : tensor<4x8xf32>, tensor<4x8xf32>)
      outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %g1 : tensor<4x8xf32>
}

// Anything elementwise is epilogue: bias, negation, clamp, relu, exp.
// CHECK-LABEL: func.func @other_ops(
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[G0:.+]] = arith.addf %[[SUM]], %{{.+}} : f32
// CHECK-NEXT:      %[[G1:.+]] = arith.negf %[[G0]] : f32
// CHECK-NEXT:      %[[G2:.+]] = arith.maximumf %[[G1]], %{{.+}} : f32
// CHECK-NEXT:      %[[G3:.+]] = math.exp %[[G2]] : f32
// CHECK-NEXT:      %[[C:.+]] = arith.cmpf ogt, %[[G3]], %{{.+}} : f32
// CHECK-NEXT:      %[[G4:.+]] = arith.select %[[C]], %[[G3]], %{{.+}} : f32
// CHECK-NEXT:      linalg.yield %[[SUM]], %[[G4]]
func.func @other_ops(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                     %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.addf %s, %q : tensor<4x8xf32>
  %g1 = arith.negf %g0 : tensor<4x8xf32>
  %g2 = arith.maximumf %g1, %z : tensor<4x8xf32>
  %g3 = math.exp %g2 : tensor<4x8xf32>
  %g4 = linalg.generic {indexing_maps = [#th, #th],
                        iterator_types = ["parallel", "parallel"]}
      ins(%g3 : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c = arith.cmpf ogt, %in, %zero : f32
    %p = arith.select %c, %in, %zero : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g4 : tensor<4x8xf32>
}

// The sum is rounded to bf16, scaled in bf16 and rounded again: every rounding
// is kept.
// CHECK-LABEL: func.func @rounded(
// CHECK-DAG:     %[[A:.+]] = arith.constant 1.767580e-01 : bf16
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[G0:.+]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK-NEXT:      %[[G1:.+]] = arith.mulf %[[G0]], %[[A]] : bf16
// CHECK-NEXT:      %[[G2:.+]] = arith.extf %[[G1]] : bf16 to f32
// CHECK-NEXT:      %[[G3:.+]] = arith.mulf %[[G2]], %{{.+}} : f32
// CHECK-NEXT:      linalg.yield %[[SUM]], %[[G3]]
func.func @rounded(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                   %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant 0.17677669529663687 : f64
  %e = tensor.empty() : tensor<4x8xbf16>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.truncf %s : tensor<4x8xf32> to tensor<4x8xbf16>
  %g1 = linalg.generic {indexing_maps = [#th, #th],
                        iterator_types = ["parallel", "parallel"]}
      ins(%g0 : tensor<4x8xbf16>) outs(%e : tensor<4x8xbf16>) {
  ^bb0(%in: bf16, %out: bf16):
    %r = arith.truncf %a : f64 to bf16
    %p = arith.mulf %in, %r : bf16
    linalg.yield %p : bf16
  } -> tensor<4x8xbf16>
  %g2 = arith.extf %g1 : tensor<4x8xbf16> to tensor<4x8xf32>
  %g3 = arith.mulf %g2, %q : tensor<4x8xf32>
  return %g3 : tensor<4x8xf32>
}

// The gate ends where it is f32: what rounds it afterwards is not fused.
// CHECK-LABEL: func.func @rounded_result(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK:         %[[ROUNDED:.+]] = arith.truncf %[[FUSED]]#1 : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK:         return %[[ROUNDED]]
func.func @rounded_result(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                          %q: tensor<4x8xf32>) -> tensor<4x8xbf16> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  %r = arith.truncf %g : tensor<4x8xf32> to tensor<4x8xbf16>
  return %r : tensor<4x8xbf16>
}

// Fast-math flags of the source do not reach the fused op.
// CHECK-LABEL: func.func @fastmath(
// CHECK:         linalg.generic
// CHECK-NOT:     fastmath
// CHECK:         return
func.func @fastmath(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                    %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q fastmath<reassoc> : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// The sum meets itself: one sum, two uses in the tree.
// CHECK-LABEL: func.func @square(
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      arith.mulf %[[SUM]], %[[SUM]] : f32
func.func @square(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %s : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}
