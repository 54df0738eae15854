// Engine: LMDeploy, deepseek_v32.py
// Expression: q_s * softmax_scale * (weights_proj(x) * n_heads**-0.5): the gate
//             is the last operand; x [1, T, E]
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(
    %x: tensor<1x?x7168xbf16>,
    %weight: tensor<64x7168xbf16>,
    %q_scale: tensor<1x?x64xf32>) -> tensor<1x?x64xf32> {
  %a = arith.constant 0.125 : bf16
  %b = arith.constant 0.088388347648318447 : f64
  %c1 = arith.constant 1 : index
  %zero_f32 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %x_d1 = tensor.dim %x, %c1 : tensor<1x?x7168xbf16>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]]
      : tensor<1x?x7168xbf16> into tensor<?x7168xbf16>
  %raw_wt_init = tensor.empty() : tensor<7168x64xbf16>
  %raw_wt = linalg.transpose ins(%weight : tensor<64x7168xbf16>)
      outs(%raw_wt_init : tensor<7168x64xbf16>) permutation = [1, 0]
  %x2_d0 = tensor.dim %x2, %c0 : tensor<?x7168xbf16>
  %raw_acc_init = tensor.empty(%x2_d0) : tensor<?x64xf32>
  %raw_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%raw_acc_init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %raw_acc = linalg.matmul
      ins(%x2, %raw_wt : tensor<?x7168xbf16>, tensor<7168x64xbf16>)
      outs(%raw_acc_zero : tensor<?x64xf32>) -> tensor<?x64xf32>
  %raw_acc_d0 = tensor.dim %raw_acc, %c0 : tensor<?x64xf32>
  %raw_init = tensor.empty(%raw_acc_d0) : tensor<?x64xbf16>
  %raw = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%raw_acc : tensor<?x64xf32>)
      outs(%raw_init : tensor<?x64xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %raw3 = tensor.expand_shape %raw [[0, 1], [2]]
      output_shape [1, %x_d1, 64]
      : tensor<?x64xbf16> into tensor<1x?x64xbf16>
  %raw3_d1 = tensor.dim %raw3, %c1 : tensor<1x?x64xbf16>
  %weights_init = tensor.empty(%raw3_d1) : tensor<1x?x64xbf16>
  %weights = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%raw3 : tensor<1x?x64xbf16>)
      outs(%weights_init : tensor<1x?x64xbf16>) {
  ^bb0(%a0: bf16, %init: bf16):
    %r = arith.mulf %a0, %a : bf16
    linalg.yield %r : bf16
  } -> tensor<1x?x64xbf16>
  %q_scale_d1 = tensor.dim %q_scale, %c1 : tensor<1x?x64xf32>
  %qb_init = tensor.empty(%q_scale_d1) : tensor<1x?x64xf32>
  %qb = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q_scale : tensor<1x?x64xf32>)
      outs(%qb_init : tensor<1x?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %sc = arith.truncf %b : f64 to f32
    %r = arith.mulf %a0, %sc : f32
    linalg.yield %r : f32
  } -> tensor<1x?x64xf32>
  %qb_d1 = tensor.dim %qb, %c1 : tensor<1x?x64xf32>
  %gate_init = tensor.empty(%qb_d1) : tensor<1x?x64xf32>
  %gate = linalg.generic {indexing_maps = [#id3, #id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%qb, %weights : tensor<1x?x64xf32>, tensor<1x?x64xbf16>)
      outs(%gate_init : tensor<1x?x64xf32>) {
  ^bb0(%a0: f32, %a1: bf16, %init: f32):
    %w = arith.extf %a1 : bf16 to f32
    %r = arith.mulf %a0, %w : f32
    linalg.yield %r : f32
  } -> tensor<1x?x64xf32>
  return %gate : tensor<1x?x64xf32>
}
