// Engine: rtp-llm, indexer.py
// Expression: weights_proj(x.float()).unsqueeze(-1) * q_scale * (b * a); GLM-5:
//             H = 32
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(
    %x: tensor<?x6144xbf16>,
    %weight: tensor<32x6144xf32>,
    %q_scale: tensor<?x32x1xf32>) -> tensor<?x32x1xf32> {
  %scale = arith.constant 0.015625 : f32
  %c0 = arith.constant 0 : index
  %zero_f32 = arith.constant 0.0 : f32
  %x_d0 = tensor.dim %x, %c0 : tensor<?x6144xbf16>
  %xf_init = tensor.empty(%x_d0) : tensor<?x6144xf32>
  %xf = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x6144xbf16>)
      outs(%xf_init : tensor<?x6144xf32>) {
  ^bb0(%a0: bf16, %init: f32):
    %r = arith.extf %a0 : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<?x6144xf32>
  %weight_t_init = tensor.empty() : tensor<6144x32xf32>
  %weight_t = linalg.transpose ins(%weight : tensor<32x6144xf32>)
      outs(%weight_t_init : tensor<6144x32xf32>) permutation = [1, 0]
  %xf_d0 = tensor.dim %xf, %c0 : tensor<?x6144xf32>
  %raw_init = tensor.empty(%xf_d0) : tensor<?x32xf32>
  %raw_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%raw_init : tensor<?x32xf32>) -> tensor<?x32xf32>
  %raw = linalg.matmul
      ins(%xf, %weight_t : tensor<?x6144xf32>, tensor<6144x32xf32>)
      outs(%raw_zero : tensor<?x32xf32>) -> tensor<?x32xf32>
  %raw_d0 = tensor.dim %raw, %c0 : tensor<?x32xf32>
  %w3 = tensor.expand_shape %raw [[0], [1, 2]]
      output_shape [%raw_d0, 32, 1]
      : tensor<?x32xf32> into tensor<?x32x1xf32>
  %w3_d0 = tensor.dim %w3, %c0 : tensor<?x32x1xf32>
  %g0_init = tensor.empty(%w3_d0) : tensor<?x32x1xf32>
  %g0 = linalg.generic {indexing_maps = [#id3, #id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w3, %q_scale : tensor<?x32x1xf32>, tensor<?x32x1xf32>)
      outs(%g0_init : tensor<?x32x1xf32>) {
  ^bb0(%a0: f32, %a1: f32, %init: f32):
    %r = arith.mulf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x32x1xf32>
  %g0_d0 = tensor.dim %g0, %c0 : tensor<?x32x1xf32>
  %gate_init = tensor.empty(%g0_d0) : tensor<?x32x1xf32>
  %gate = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%g0 : tensor<?x32x1xf32>)
      outs(%gate_init : tensor<?x32x1xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %scale : f32
    linalg.yield %r : f32
  } -> tensor<?x32x1xf32>
  return %gate : tensor<?x32x1xf32>
}
