// Engine: sglang S12, K-pool indexer
// Expression: weights_proj(x.float()) with f32 weight * 64**-0.5, then
//             .unsqueeze(-1) * q_scale * 128**-0.5
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xf32>,
    %q_scale: tensor<?x64x1xf32>) -> tensor<?x64x1xf32> {
  %a = arith.constant 0.125 : f32
  %b = arith.constant 0.088388347648318447 : f64
  %c0 = arith.constant 0 : index
  %zero_f32 = arith.constant 0.0 : f32
  %x_d0 = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %xf_init = tensor.empty(%x_d0) : tensor<?x7168xf32>
  %xf = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x7168xbf16>)
      outs(%xf_init : tensor<?x7168xf32>) {
  ^bb0(%a0: bf16, %init: f32):
    %r = arith.extf %a0 : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<?x7168xf32>
  %weight_t_init = tensor.empty() : tensor<7168x64xf32>
  %weight_t = linalg.transpose ins(%weight : tensor<64x7168xf32>)
      outs(%weight_t_init : tensor<7168x64xf32>) permutation = [1, 0]
  %xf_d0 = tensor.dim %xf, %c0 : tensor<?x7168xf32>
  %out_init = tensor.empty(%xf_d0) : tensor<?x64xf32>
  %out_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%out_init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %out = linalg.matmul
      ins(%xf, %weight_t : tensor<?x7168xf32>, tensor<7168x64xf32>)
      outs(%out_zero : tensor<?x64xf32>) -> tensor<?x64xf32>
  %out_d0 = tensor.dim %out, %c0 : tensor<?x64xf32>
  %weights_init = tensor.empty(%out_d0) : tensor<?x64xf32>
  %weights = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%out : tensor<?x64xf32>)
      outs(%weights_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %weights_d0 = tensor.dim %weights, %c0 : tensor<?x64xf32>
  %w3 = tensor.expand_shape %weights [[0], [1, 2]]
      output_shape [%weights_d0, 64, 1]
      : tensor<?x64xf32> into tensor<?x64x1xf32>
  %w3_d0 = tensor.dim %w3, %c0 : tensor<?x64x1xf32>
  %g0_init = tensor.empty(%w3_d0) : tensor<?x64x1xf32>
  %g0 = linalg.generic {indexing_maps = [#id3, #id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w3, %q_scale : tensor<?x64x1xf32>, tensor<?x64x1xf32>)
      outs(%g0_init : tensor<?x64x1xf32>) {
  ^bb0(%a0: f32, %a1: f32, %init: f32):
    %r = arith.mulf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x64x1xf32>
  %g0_d0 = tensor.dim %g0, %c0 : tensor<?x64x1xf32>
  %gate_init = tensor.empty(%g0_d0) : tensor<?x64x1xf32>
  %gate = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%g0 : tensor<?x64x1xf32>)
      outs(%gate_init : tensor<?x64x1xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %sc = arith.truncf %b : f64 to f32
    %r = arith.mulf %a0, %sc : f32
    linalg.yield %r : f32
  } -> tensor<?x64x1xf32>
  return %gate : tensor<?x64x1xf32>
}
