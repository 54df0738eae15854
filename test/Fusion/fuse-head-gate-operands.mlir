// What the GEMM is scaled by: scalars in every spelling become one scalar, and
// tensors become operands indexed by tokens and heads alone.

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

// CHECK-DAG: #[[$TH:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$HT:.+]] = affine_map<(d0, d1, d2) -> (d1, d0)>
// CHECK-DAG: #[[$T:.+]] = affine_map<(d0, d1, d2) -> (d0)>
// CHECK-DAG: #[[$H:.+]] = affine_map<(d0, d1, d2) -> (d1)>

#th = affine_map<(t, h) -> (t, h)>
#ht = affine_map<(t, h) -> (h, t)>
#t = affine_map<(t, h) -> (t)>
#h = affine_map<(t, h) -> (h)>
#none = affine_map<(t, h) -> ()>

// CHECK-LABEL: func.func @constant(
// CHECK-DAG:     %[[A:.+]] = arith.constant 1.250000e-01 : f32
// CHECK:         linalg.generic
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      arith.mulf %[[SUM]], %[[A]] : f32
// CHECK-NEXT:      linalg.yield
func.func @constant(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant dense<0.125> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %a : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// torch-mlir's Python scalars: f64, rounded once, outside of the loops.
// CHECK-LABEL: func.func @f64_constant(
// CHECK-NOT:     f64
// CHECK:         %[[A:.+]] = arith.constant 0.176776692 : f32
// CHECK-NOT:     f64
// CHECK:         linalg.generic
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      arith.mulf %[[SUM]], %[[A]] : f32
// CHECK-NEXT:      linalg.yield
func.func @f64_constant(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant 0.17677669529663687 : f64
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %g = linalg.generic {indexing_maps = [#th, #th],
                       iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %r = arith.truncf %a : f64 to f32
    %p = arith.mulf %in, %r : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @f64_argument(
// CHECK-SAME:    %[[A:[^:]+]]: f64
// CHECK:         %[[R:.+]] = arith.truncf %[[A]] : f64 to f32
// CHECK:         linalg.generic
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      arith.mulf %[[SUM]], %[[R]] : f32
func.func @f64_argument(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>, %a: f64)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %g = linalg.generic {indexing_maps = [#th, #none, #th],
                       iterator_types = ["parallel", "parallel"]}
      ins(%s, %a : tensor<4x8xf32>, f64) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %scalar: f64, %out: f32):
    %r = arith.truncf %scalar : f64 to f32
    %p = arith.mulf %in, %r : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// A splat, a fill, and a splat that is rounded as a tensor.
// CHECK-LABEL: func.func @splat_and_fill(
// CHECK-SAME:    %[[A:[^:]+]]: f32, %[[B:[^:]+]]: f32, %[[C:[^:]+]]: f64
// CHECK:         %[[R:.+]] = arith.truncf %[[C]] : f64 to f32
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{[^,]+}}, %{{[^,]+}} :
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[G0:.+]] = arith.mulf %[[SUM]], %[[A]] : f32
// CHECK-NEXT:      %[[G1:.+]] = arith.mulf %[[G0]], %[[B]] : f32
// CHECK-NEXT:      arith.mulf %[[G1]], %[[R]] : f32
func.func @splat_and_fill(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>, %a: f32,
                          %b: f32, %c: f64) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %at = tensor.splat %a : tensor<4x8xf32>
  %bt = linalg.fill ins(%b : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %cs = tensor.splat %c : tensor<4x8xf64>
  %ct = arith.truncf %cs : tensor<4x8xf64> to tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s, %at : tensor<4x8xf32>
  %g1 = linalg.mul ins(%g0, %bt : tensor<4x8xf32>, tensor<4x8xf32>)
                   outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g2 = arith.mulf %g1, %ct : tensor<4x8xf32>
  return %g2 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @zero_dimensional(
// CHECK-SAME:    %[[A:[^:]+]]: tensor<f32>, %[[B:[^:]+]]: tensor<1xf32>
// CHECK-DAG:     %[[AE:.+]] = tensor.extract %[[A]][]
// CHECK-DAG:     %[[BE:.+]] = tensor.extract %[[B]][%
// CHECK:         linalg.generic
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[G0:.+]] = arith.mulf %[[SUM]], %[[AE]] : f32
// CHECK-NEXT:      arith.mulf %[[G0]], %[[BE]] : f32
func.func @zero_dimensional(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                            %a: tensor<f32>, %b: tensor<1xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = linalg.generic {
      indexing_maps = [#th, #none, affine_map<(t, h) -> (0)>, #th],
      iterator_types = ["parallel", "parallel"]}
      ins(%s, %a, %b : tensor<4x8xf32>, tensor<f32>, tensor<1xf32>)
      outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %as: f32, %bs: f32, %out: f32):
    %p = arith.mulf %in, %as : f32
    %q = arith.mulf %p, %bs : f32
    linalg.yield %q : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// One scale a token, one a head.
// CHECK-LABEL: func.func @vectors(
// CHECK-SAME:    %[[QT:[^:]+]]: tensor<?xf32>, %[[QH:[^:]+]]: tensor<8xf16>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#{{.+}}, #{{.+}}, #[[$T]], #[[$H]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %[[QT]], %[[QH]] :
func.func @vectors(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                   %qt: tensor<?xf32>, %qh: tensor<8xf16>, %init: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = linalg.generic {indexing_maps = [#th, #t, #h, #th],
                       iterator_types = ["parallel", "parallel"]}
      ins(%s, %qt, %qh : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf16>)
      outs(%init : tensor<?x8xf32>) {
  ^bb0(%in: f32, %a: f32, %b: f16, %out: f32):
    %p = arith.mulf %in, %a : f32
    %bf = arith.extf %b : f16 to f32
    %q = arith.mulf %p, %bf : f32
    linalg.yield %q : f32
  } -> tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// A vector that linalg.broadcast spreads stays a vector.
// CHECK-LABEL: func.func @broadcast_vector(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<4xf32>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#{{.+}}, #{{.+}}, #[[$T]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %[[Q]] :
func.func @broadcast_vector(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                            %q: tensor<4xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %b = linalg.broadcast ins(%q : tensor<4xf32>) outs(%e : tensor<4x8xf32>)
                        dimensions = [1]
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %b : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// A square scale that is read transposed is read transposed.
// CHECK-LABEL: func.func @square_transposed(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<8x8xf32>, %[[R:[^:]+]]: tensor<8x8xf32>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#{{.+}}, #{{.+}}, #[[$HT]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %[[Q]], %[[R]] :
func.func @square_transposed(%x: tensor<8x16xbf16>, %w: tensor<16x8xbf16>,
                             %q: tensor<8x8xf32>, %r: tensor<8x8xf32>)
    -> tensor<8x8xf32> {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %qt = linalg.transpose ins(%q : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>)
                         permutation = [1, 0]
  %s = linalg.matmul ins(%x, %w : tensor<8x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  %g0 = arith.mulf %s, %qt : tensor<8x8xf32>
  %g1 = arith.mulf %g0, %r : tensor<8x8xf32>
  return %g1 : tensor<8x8xf32>
}

// The result of the GEMM is transposed: so is what follows.
// CHECK-LABEL: func.func @heads_first(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      indexing_maps = [#{{.+}}, #{{.+}}, #[[$HT]], #[[$HT]], #[[$HT]]]
// CHECK:         return %[[FUSED]]#1 : tensor<8x4xf32>
func.func @heads_first(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                       %q: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %st = linalg.transpose ins(%s : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>)
                         permutation = [1, 0]
  %g = arith.mulf %st, %q : tensor<8x4xf32>
  return %g : tensor<8x4xf32>
}

// [T, H, 1]: the unit dimension comes back behind the fused op.
// CHECK-LABEL: func.func @unsqueezed(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<?x8x1xf32>
// CHECK:         %[[Q2:.+]] = tensor.collapse_shape %[[Q]] {{\[}}[0], [1, 2]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %[[Q2]] :
// CHECK:         %[[GATE:.+]] = tensor.expand_shape %[[FUSED]]#1 {{\[}}[0], [1, 2]]
// CHECK:         return %[[GATE]] : tensor<?x8x1xf32>
func.func @unsqueezed(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                      %q: tensor<?x8x1xf32>, %init: tensor<?x8xf32>)
    -> tensor<?x8x1xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xbf16>
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s3 = tensor.expand_shape %s [[0], [1, 2]] output_shape [%t, 8, 1]
      : tensor<?x8xf32> into tensor<?x8x1xf32>
  %g = arith.mulf %s3, %q : tensor<?x8x1xf32>
  return %g : tensor<?x8x1xf32>
}

// TensorRT-LLM squeezes q_scale, vLLM the result: by collapse_shape or by a
// slice of everything.
// CHECK-LABEL: func.func @squeezed(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<?x8x1xf32>
// CHECK:         %[[Q2:.+]] = tensor.collapse_shape %[[Q]] {{\[}}[0], [1, 2]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %[[Q2]] :
// CHECK:         return %[[FUSED]]#1 : tensor<?x8xf32>
func.func @squeezed(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                    %q: tensor<?x8x1xf32>, %init: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %q, %c0 : tensor<?x8x1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = tensor.extract_slice %q[0, 0, 0] [%t, 8, 1] [1, 1, 1]
      : tensor<?x8x1xf32> to tensor<?x8xf32>
  %g = arith.mulf %s, %q2 : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// DeepSeek's own form: [B, S, H, 1].
// CHECK-LABEL: func.func @batched_and_unsqueezed(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<2x4x8x1xf32>
// CHECK:         %[[Q2:.+]] = tensor.collapse_shape %[[Q]] {{\[}}[0, 1], [2, 3]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %[[Q2]] :
// CHECK:         tensor.expand_shape %[[FUSED]]#1 {{\[}}[0, 1], [2, 3]]
func.func @batched_and_unsqueezed(%x: tensor<8x16xbf16>, %w: tensor<16x8xbf16>,
                                  %q: tensor<2x4x8x1xf32>)
    -> tensor<2x4x8x1xf32> {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<8x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  %s4 = tensor.expand_shape %s [[0, 1], [2, 3]] output_shape [2, 4, 8, 1]
      : tensor<8x8xf32> into tensor<2x4x8x1xf32>
  %g = arith.mulf %s4, %q : tensor<2x4x8x1xf32>
  return %g : tensor<2x4x8x1xf32>
}

// One scale that is used twice is one operand.
// CHECK-LABEL: func.func @same_operand_twice(
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<4x8xf32>
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{[^,]+}}, %{{[^,]+}}, %[[Q]] :
func.func @same_operand_twice(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                              %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s, %q : tensor<4x8xf32>
  %g1 = arith.addf %g0, %q : tensor<4x8xf32>
  return %g1 : tensor<4x8xf32>
}
