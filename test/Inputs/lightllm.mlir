// Engine: LightLLM, deepseek3_2
// Expression: weights_proj.mm(h) * (a * b) in bf16, then (weights.unsqueeze(-1)
//             * q_scale).squeeze(-1)
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xbf16>,
    %q_scale: tensor<?x64x1xf32>) -> tensor<?x64xf32> {
  %ab = arith.constant 0.011048543456039806 : f64
  %zero_f32 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %raw_wt_init = tensor.empty() : tensor<7168x64xbf16>
  %raw_wt = linalg.transpose ins(%weight : tensor<64x7168xbf16>)
      outs(%raw_wt_init : tensor<7168x64xbf16>) permutation = [1, 0]
  %x_d0 = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %raw_acc_init = tensor.empty(%x_d0) : tensor<?x64xf32>
  %raw_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%raw_acc_init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %raw_acc = linalg.matmul
      ins(%x, %raw_wt : tensor<?x7168xbf16>, tensor<7168x64xbf16>)
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
  %raw_d0 = tensor.dim %raw, %c0 : tensor<?x64xbf16>
  %weights_init = tensor.empty(%raw_d0) : tensor<?x64xbf16>
  %weights = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%raw : tensor<?x64xbf16>)
      outs(%weights_init : tensor<?x64xbf16>) {
  ^bb0(%a0: bf16, %init: bf16):
    %sc = arith.truncf %ab : f64 to bf16
    %r = arith.mulf %a0, %sc : bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %weights_d0 = tensor.dim %weights, %c0 : tensor<?x64xbf16>
  %w3 = tensor.expand_shape %weights [[0], [1, 2]]
      output_shape [%weights_d0, 64, 1]
      : tensor<?x64xbf16> into tensor<?x64x1xbf16>
  %w3_d0 = tensor.dim %w3, %c0 : tensor<?x64x1xbf16>
  %g0_init = tensor.empty(%w3_d0) : tensor<?x64x1xf32>
  %g0 = linalg.generic {indexing_maps = [#id3, #id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w3, %q_scale : tensor<?x64x1xbf16>, tensor<?x64x1xf32>)
      outs(%g0_init : tensor<?x64x1xf32>) {
  ^bb0(%a0: bf16, %a1: f32, %init: f32):
    %w = arith.extf %a0 : bf16 to f32
    %r = arith.mulf %w, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x64x1xf32>
  %gate = tensor.collapse_shape %g0 [[0], [1, 2]]
      : tensor<?x64x1xf32> into tensor<?x64xf32>
  return %gate : tensor<?x64xf32>
}
