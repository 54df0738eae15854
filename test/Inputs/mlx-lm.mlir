// Engine: mlx-lm, deepseek_v32.py
// Expression: (weights_proj(x) * (a * b)).swapaxes(-1, -2)[..., None] in bf16
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xbf16>) -> tensor<64x?x1xbf16> {
  %ab = arith.constant 0.011048543456039806 : f64
  %zero_f32 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
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
  %g0_init = tensor.empty(%raw_d0) : tensor<?x64xbf16>
  %g0 = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%raw : tensor<?x64xbf16>)
      outs(%g0_init : tensor<?x64xbf16>) {
  ^bb0(%a0: bf16, %init: bf16):
    %sc = arith.truncf %ab : f64 to bf16
    %r = arith.mulf %a0, %sc : bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %g0_d0 = tensor.dim %g0, %c0 : tensor<?x64xbf16>

  // swapaxes(-1, -2)[..., None]
  %gt_init = tensor.empty(%g0_d0) : tensor<64x?xbf16>
  %gt = linalg.transpose ins(%g0 : tensor<?x64xbf16>)
      outs(%gt_init : tensor<64x?xbf16>) permutation = [1, 0]
  %gt_d1 = tensor.dim %gt, %c1 : tensor<64x?xbf16>
  %gate = tensor.expand_shape %gt [[0], [1, 2]]
      output_shape [64, %gt_d1, 1]
      : tensor<64x?xbf16> into tensor<64x?x1xbf16>
  return %gate : tensor<64x?x1xbf16>
}
