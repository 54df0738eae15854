// Every spelling of the GEMM becomes the same fused op. Nothing is transposed,
// widened or copied before it: maps and the body say what the operands are.

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

// CHECK-DAG: #[[$X:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$WT:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[$XT:.+]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[$TH:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$HT:.+]] = affine_map<(d0, d1, d2) -> (d1, d0)>

#x = affine_map<(t, h, d) -> (t, d)>
#w = affine_map<(t, h, d) -> (h, d)>
#wt = affine_map<(t, h, d) -> (d, h)>
#xt = affine_map<(t, h, d) -> (d, t)>
#th = affine_map<(t, h, d) -> (t, h)>
#ht = affine_map<(t, h, d) -> (h, t)>
#id = affine_map<(t, h) -> (t, h)>
#swap = affine_map<(t, h) -> (h, t)>

// Weight stored [E, H], as JAX does.
// CHECK-LABEL: func.func @matmul(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x16xbf16>, %[[W:[^:]+]]: tensor<16x8xbf16>, %[[A:[^:]+]]: f32
// CHECK:         %[[ZERO:.+]] = linalg.fill
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$WT]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME:      ins(%[[X]], %[[W]] :
// CHECK-SAME:      outs(%[[ZERO]],
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK:           %[[GATE:.+]] = arith.mulf %[[SUM]], %[[A]] : f32
// CHECK:           linalg.yield %[[SUM]], %[[GATE]]
// CHECK:         return %[[FUSED]]#1
func.func @matmul(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>, %a: f32)
    -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = arith.mulf %in, %a : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @matmul_with_maps(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<8x16xbf16>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$W]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[X]], %[[W]] :
func.func @matmul_with_maps(%x: tensor<?x16xbf16>, %w: tensor<8x16xbf16>,
                            %init: tensor<?x8xf32>, %a: f32) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul indexing_maps = [#x, #w, #th]
      ins(%x, %w : tensor<?x16xbf16>, tensor<8x16xbf16>)
      outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = tensor.splat %a : tensor<4x8xf32>
  %c = tensor.cast %b : tensor<4x8xf32> to tensor<?x8xf32>
  %g = arith.mulf %s, %c : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// f16 operands; x stored [E, T].
// CHECK-LABEL: func.func @contract(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<16x4xf16>, %[[W:[^:]+]]: tensor<8x16xf16>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$XT]], #[[$W]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[X]], %[[W]], %{{.+}} :
func.func @contract(%x: tensor<16x4xf16>, %w: tensor<8x16xf16>,
                    %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.contract indexing_maps = [#xt, #w, #th]
      ins(%x, %w : tensor<16x4xf16>, tensor<8x16xf16>)
      outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// The weight comes first and the result is [H, T]: x is still the operand of
// unknown length.
// CHECK-LABEL: func.func @weight_first(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<8x16xbf16>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$W]], #[[$HT]], #[[$HT]], #[[$HT]]]
// CHECK-SAME:      ins(%[[X]], %[[W]], %{{.+}} :
// CHECK-NEXT:      ^bb0(%[[XE:.+]]: bf16, %[[WE:.+]]: bf16, %{{.+}}: f32, %{{.+}}: f32, %{{.+}}: f32)
// CHECK-DAG:         %[[XF:.+]] = arith.extf %[[XE]]
// CHECK-DAG:         %[[WF:.+]] = arith.extf %[[WE]]
// CHECK:             arith.mulf %[[WF]], %[[XF]]
func.func @weight_first(%x: tensor<?x16xbf16>, %w: tensor<8x16xbf16>,
                        %q: tensor<8x?xf32>, %init: tensor<8x?xf32>)
    -> tensor<8x?xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<8x?xf32>) -> tensor<8x?xf32>
  %s = linalg.matmul indexing_maps = [#x, #w, #th]
      ins(%w, %x : tensor<8x16xbf16>, tensor<?x16xbf16>)
      outs(%f : tensor<8x?xf32>) -> tensor<8x?xf32>
  %g = arith.mulf %s, %q : tensor<8x?xf32>
  return %g : tensor<8x?xf32>
}

// einsum in torch-mlir: unit dimensions in front of everything.
// CHECK-LABEL: func.func @batch_of_one(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<16x8xbf16>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$WT]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[X]], %[[W]], %{{.+}} :
func.func @batch_of_one(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                        %q: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xbf16>
  %x1 = tensor.expand_shape %x [[0, 1], [2]] output_shape [1, %t, 16]
      : tensor<?x16xbf16> into tensor<1x?x16xbf16>
  %w1 = tensor.expand_shape %w [[0, 1], [2]] output_shape [1, 16, 8]
      : tensor<16x8xbf16> into tensor<1x16x8xbf16>
  %e = tensor.empty(%t) : tensor<1x?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  %s = linalg.batch_matmul ins(%x1, %w1 : tensor<1x?x16xbf16>, tensor<1x16x8xbf16>)
                           outs(%f : tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  %s2 = tensor.collapse_shape %s [[0, 1], [2]] : tensor<1x?x8xf32> into tensor<?x8xf32>
  %g = arith.mulf %s2, %q : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// Only the weight is f32: x is widened in the body.
// CHECK-LABEL: func.func @generic(
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$WT]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-NEXT:      ^bb0(%[[XE:.+]]: bf16, %[[WE:.+]]: f32, %{{.+}}: f32, %[[OLD:.+]]: f32, %{{.+}}: f32)
// CHECK:             %[[XF:.+]] = arith.extf %[[XE]]
// CHECK:             %[[P:.+]] = arith.mulf %[[XF]], %[[WE]]
// CHECK:             arith.addf %[[OLD]], %[[P]]
func.func @generic(%x: tensor<4x16xbf16>, %w: tensor<16x8xf32>,
                   %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %z = tensor.splat %zero : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#x, #wt, #th],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xf32>)
      outs(%z : tensor<4x8xf32>) {
  ^bb0(%a: bf16, %b: f32, %sum: f32):
    %af = arith.extf %a : bf16 to f32
    %p = arith.mulf %af, %b : f32
    %n = arith.addf %sum, %p : f32
    linalg.yield %n : f32
  } -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// x.float() @ w.float().t(): the fused op reads the bf16 tensors.
// CHECK-LABEL: func.func @widened_and_transposed(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x16xbf16>, %[[W:[^:]+]]: tensor<8x16xbf16>
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$W]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[X]], %[[W]], %{{.+}} :
// CHECK-COUNT-2:     arith.extf %{{.+}} : bf16 to f32
func.func @widened_and_transposed(%x: tensor<4x16xbf16>, %w: tensor<8x16xbf16>,
                                  %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %xf = arith.extf %x : tensor<4x16xbf16> to tensor<4x16xf32>
  %we = tensor.empty() : tensor<8x16xf32>
  %wf = linalg.generic {indexing_maps = [#id, #id],
                        iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<8x16xbf16>) outs(%we : tensor<8x16xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %p = arith.extf %in : bf16 to f32
    linalg.yield %p : f32
  } -> tensor<8x16xf32>
  %wte = tensor.empty() : tensor<16x8xf32>
  %wt = linalg.transpose ins(%wf : tensor<8x16xf32>) outs(%wte : tensor<16x8xf32>)
                         permutation = [1, 0]
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = linalg.matmul ins(%xf, %wt : tensor<4x16xf32>, tensor<16x8xf32>)
                     outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// Both permutations as generics that only yield, as iree's importer writes them.
// CHECK-LABEL: func.func @transposed_by_generic(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<16x4xf32>, %[[W:[^:]+]]: tensor<8x16xf32>
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$XT]], #[[$W]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[X]], %[[W]], %{{.+}} :
// CHECK-NEXT:      ^bb0(%[[XE:.+]]: f32, %[[WE:.+]]: f32, %{{.+}}: f32, %{{.+}}: f32, %{{.+}}: f32)
// CHECK-NEXT:        arith.mulf %[[XE]], %[[WE]]
func.func @transposed_by_generic(%x: tensor<16x4xf32>, %w: tensor<8x16xf32>,
                                 %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %xe = tensor.empty() : tensor<4x16xf32>
  %xt = linalg.generic {indexing_maps = [#swap, #id],
                        iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<16x4xf32>) outs(%xe : tensor<4x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4x16xf32>
  %we = tensor.empty() : tensor<16x8xf32>
  %wt = linalg.generic {indexing_maps = [#id, #swap],
                        iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<8x16xf32>) outs(%we : tensor<16x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<16x8xf32>
  %s = linalg.matmul ins(%xt, %wt : tensor<4x16xf32>, tensor<16x8xf32>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// [B, S, E]: the leading dimensions are the tokens; the result gets them back.
// CHECK-LABEL: func.func @leading_dims(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x?x16xbf16>
// CHECK:         %[[XC:.+]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
// CHECK:         %[[QC:.+]] = tensor.collapse_shape %{{.+}} {{\[}}[0, 1], [2]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[XC]], %{{.+}}, %[[QC]] :
// CHECK:         %[[GATE:.+]] = tensor.expand_shape %[[FUSED]]#1 {{\[}}[0, 1], [2]]
// CHECK:         return %[[GATE]]
func.func @leading_dims(%x: tensor<?x?x16xbf16>, %w: tensor<16x8xbf16>,
                        %q: tensor<?x?x8xf32>, %init: tensor<?x8xf32>)
    -> tensor<?x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x16xbf16>
  %t = tensor.dim %x, %c1 : tensor<?x?x16xbf16>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]]
      : tensor<?x?x16xbf16> into tensor<?x16xbf16>
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x2, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s3 = tensor.expand_shape %s [[0, 1], [2]] output_shape [%b, %t, 8]
      : tensor<?x8xf32> into tensor<?x?x8xf32>
  %g = arith.mulf %s3, %q : tensor<?x?x8xf32>
  return %g : tensor<?x?x8xf32>
}

// torch.matmul of [B, S, E] by a 2-D weight: the weight is broadcast over B.
// CHECK-LABEL: func.func @broadcast_weight(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x4x16xbf16>, %[[W:[^:]+]]: tensor<16x8xbf16>
// CHECK:         %[[XC:.+]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$WT]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[XC]], %[[W]], %{{.+}} : tensor<8x16xbf16>, tensor<16x8xbf16>
func.func @broadcast_weight(%x: tensor<2x4x16xbf16>, %w: tensor<16x8xbf16>,
                            %q: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<2x4x8xf32>
  %we = tensor.empty() : tensor<2x16x8xbf16>
  %wb = linalg.broadcast ins(%w : tensor<16x8xbf16>) outs(%we : tensor<2x16x8xbf16>)
                         dimensions = [0]
  %s = linalg.batch_matmul ins(%x, %wb : tensor<2x4x16xbf16>, tensor<2x16x8xbf16>)
                           outs(%z : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %g = arith.mulf %s, %q : tensor<2x4x8xf32>
  return %g : tensor<2x4x8xf32>
}

// [1, T, E], as LMDeploy calls it.
// CHECK-LABEL: func.func @one_sequence(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x?x16xbf16>
// CHECK:         %[[XC:.+]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[XC]],
// CHECK:         tensor.expand_shape %[[FUSED]]#1 {{\[}}[0, 1], [2]]
func.func @one_sequence(%x: tensor<1x?x16xbf16>, %w: tensor<8x16xbf16>,
                        %q: tensor<1x?x8xf32>, %init: tensor<1x?x8xf32>)
    -> tensor<1x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  %s = linalg.contract
      indexing_maps = [affine_map<(b, t, h, d) -> (b, t, d)>,
                       affine_map<(b, t, h, d) -> (h, d)>,
                       affine_map<(b, t, h, d) -> (b, t, h)>]
      ins(%x, %w : tensor<1x?x16xbf16>, tensor<8x16xbf16>)
      outs(%f : tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  %g = arith.mulf %s, %q : tensor<1x?x8xf32>
  return %g : tensor<1x?x8xf32>
}

// One token: a vector times the weight.
// CHECK-LABEL: func.func @one_token(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<16xbf16>
// CHECK:         %[[X1:.+]] = tensor.expand_shape %[[X]] {{\[}}[0, 1]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X1]],
// CHECK:         tensor.collapse_shape %[[FUSED]]#1 {{\[}}[0, 1]]
func.func @one_token(%x: tensor<16xbf16>, %w: tensor<16x8xbf16>,
                     %q: tensor<8xf32>) -> tensor<8xf32> {
  %z = arith.constant dense<0.0> : tensor<8xf32>
  %s = linalg.vecmat ins(%x, %w : tensor<16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8xf32>) -> tensor<8xf32>
  %g = arith.mulf %s, %q : tensor<8xf32>
  return %g : tensor<8xf32>
}

// T = 1, H = 1: one element.
// CHECK-LABEL: func.func @one_output(
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %{{.+}} : tensor<1x16xbf16>, tensor<1x16xbf16>)
func.func @one_output(%x: tensor<16xbf16>, %w: tensor<16xbf16>, %a: f32)
    -> tensor<f32> {
  %z = arith.constant dense<0.0> : tensor<f32>
  %b = tensor.splat %a : tensor<f32>
  %s = linalg.dot ins(%x, %w : tensor<16xbf16>, tensor<16xbf16>)
                  outs(%z : tensor<f32>) -> tensor<f32>
  %g = arith.mulf %s, %b : tensor<f32>
  return %g : tensor<f32>
}

// No tokens: the result is empty, and stays so.
// CHECK-LABEL: func.func @no_tokens(
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %{{.+}} : tensor<0x16xbf16>,
func.func @no_tokens(%x: tensor<0x16xbf16>, %w: tensor<16x8xbf16>,
                     %q: tensor<0x8xf32>) -> tensor<0x8xf32> {
  %z = arith.constant dense<0.0> : tensor<0x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<0x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<0x8xf32>) -> tensor<0x8xf32>
  %g = arith.mulf %s, %q : tensor<0x8xf32>
  return %g : tensor<0x8xf32>
}

// Every extent is known at run time only.
// CHECK-LABEL: func.func @all_dynamic(
// CHECK:         linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$WT]], #[[$TH]], #[[$TH]], #[[$TH]]]
func.func @all_dynamic(%x: tensor<?x?xf16>, %w: tensor<?x?xf16>,
                       %q: tensor<?x?xf32>, %init: tensor<?x?xf32>)
    -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x?xf16>, tensor<?x?xf16>)
                     outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>
  %g = arith.mulf %s, %q : tensor<?x?xf32>
  return %g : tensor<?x?xf32>
}

// One hidden element: there is nothing to sum, and the loop stays.
// CHECK-LABEL: func.func @one_hidden_element(
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %{{.+}}, %{{.+}} : tensor<4x1xbf16>, tensor<8x1xbf16>,
func.func @one_hidden_element(%x: tensor<1x4xbf16>, %w: tensor<1x8xbf16>,
                              %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.contract indexing_maps = [#xt, #wt, #th]
      ins(%x, %w : tensor<1x4xbf16>, tensor<1x8xbf16>)
      outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// The weight has two head dimensions: they are one loop.
// CHECK-LABEL: func.func @head_groups(
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction"]
// CHECK:         tensor.expand_shape
func.func @head_groups(%x: tensor<4x16xbf16>, %w: tensor<2x8x16xbf16>,
                       %q: tensor<4x2x8xf32>) -> tensor<4x2x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x2x8xf32>
  %s = linalg.contract
      indexing_maps = [affine_map<(t, g, h, d) -> (t, d)>,
                       affine_map<(t, g, h, d) -> (g, h, d)>,
                       affine_map<(t, g, h, d) -> (t, g, h)>]
      ins(%x, %w : tensor<4x16xbf16>, tensor<2x8x16xbf16>)
      outs(%z : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  %g = arith.mulf %s, %q : tensor<4x2x8xf32>
  return %g : tensor<4x2x8xf32>
}
