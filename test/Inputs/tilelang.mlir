// Engine: TileLang, examples/deepseek_v32/inference/model.py
// Expression: weights_proj(x) * n_heads**-0.5 in bf16, then .unsqueeze(-1) *
//            q_scale * softmax_scale
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xbf16>,
    %q_scale: tensor<?x64x1xf32>) -> tensor<?x64x1xf32> {
  %a = arith.constant 0.125 : f64
  %b = arith.constant 0.08838834764831845 : f64
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %wt_init = tensor.empty() : tensor<7168x64xbf16>
  %wt = linalg.transpose ins(%weight : tensor<64x7168xbf16>)
      outs(%wt_init : tensor<7168x64xbf16>) permutation = [1, 0]
  %acc_init = tensor.empty(%t) : tensor<?x64xf32>
  %acc_zero = linalg.fill ins(%zero : f32) outs(%acc_init : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %acc = linalg.matmul ins(%x, %wt : tensor<?x7168xbf16>, tensor<7168x64xbf16>)
      outs(%acc_zero : tensor<?x64xf32>) -> tensor<?x64xf32>
  %raw_init = tensor.empty(%t) : tensor<?x64xbf16>
  %raw = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<?x64xf32>)
      outs(%raw_init : tensor<?x64xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %g0_init = tensor.empty(%t) : tensor<?x64xbf16>
  %g0 = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%raw : tensor<?x64xbf16>)
      outs(%g0_init : tensor<?x64xbf16>) {
  ^bb0(%a0: bf16, %init: bf16):
    %s = arith.truncf %a : f64 to bf16
    %r = arith.mulf %a0, %s : bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %w3 = tensor.expand_shape %g0 [[0], [1, 2]] output_shape [%t, 64, 1]
      : tensor<?x64xbf16> into tensor<?x64x1xbf16>
  %scaled_init = tensor.empty(%t) : tensor<?x64x1xf32>
  %scaled = linalg.generic {indexing_maps = [#id3, #id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w3, %q_scale : tensor<?x64x1xbf16>, tensor<?x64x1xf32>)
      outs(%scaled_init : tensor<?x64x1xf32>) {
  ^bb0(%a0: bf16, %a1: f32, %init: f32):
    %w = arith.extf %a0 : bf16 to f32
    %r = arith.mulf %w, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x64x1xf32>
  %gate_init = tensor.empty(%t) : tensor<?x64x1xf32>
  %gate = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%scaled : tensor<?x64x1xf32>)
      outs(%gate_init : tensor<?x64x1xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %s = arith.truncf %b : f64 to f32
    %r = arith.mulf %a0, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x64x1xf32>
  return %gate : tensor<?x64x1xf32>
}
