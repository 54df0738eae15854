// Engine: TensorRT-LLM, sparse/dsa.py
// Expression: F.linear(hidden.float(), cat[wk, weights_proj]).split, then
//             weights * q_scale.squeeze(-1) * s; k back to bf16
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @merged_head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<192x7168xf32>,
    %q_scale: tensor<?x64x1xf32>) -> (tensor<?x128xbf16>, tensor<?x64xf32>) {
  %scale = arith.constant 0.011048543456039806 : f64
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
  %weight_t_init = tensor.empty() : tensor<7168x192xf32>
  %weight_t = linalg.transpose ins(%weight : tensor<192x7168xf32>)
      outs(%weight_t_init : tensor<7168x192xf32>) permutation = [1, 0]
  %xf_d0 = tensor.dim %xf, %c0 : tensor<?x7168xf32>
  %kw_init = tensor.empty(%xf_d0) : tensor<?x192xf32>
  %kw_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%kw_init : tensor<?x192xf32>) -> tensor<?x192xf32>
  %kw = linalg.matmul
      ins(%xf, %weight_t : tensor<?x7168xf32>, tensor<7168x192xf32>)
      outs(%kw_zero : tensor<?x192xf32>) -> tensor<?x192xf32>
  %kw_d0 = tensor.dim %kw, %c0 : tensor<?x192xf32>
  %keys = tensor.extract_slice %kw[0, 0]
      [%kw_d0, 128] [1, 1]
      : tensor<?x192xf32> to tensor<?x128xf32>
  %weights = tensor.extract_slice %kw[0, 128]
      [%kw_d0, 64] [1, 1]
      : tensor<?x192xf32> to tensor<?x64xf32>
  %q2 = tensor.collapse_shape %q_scale [[0], [1, 2]]
      : tensor<?x64x1xf32> into tensor<?x64xf32>
  %weights_d0 = tensor.dim %weights, %c0 : tensor<?x64xf32>
  %g0_init = tensor.empty(%weights_d0) : tensor<?x64xf32>
  %g0 = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%weights, %q2 : tensor<?x64xf32>, tensor<?x64xf32>)
      outs(%g0_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %a1: f32, %init: f32):
    %r = arith.mulf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %g0_d0 = tensor.dim %g0, %c0 : tensor<?x64xf32>
  %gate_init = tensor.empty(%g0_d0) : tensor<?x64xf32>
  %gate = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%g0 : tensor<?x64xf32>)
      outs(%gate_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %sc = arith.truncf %scale : f64 to f32
    %r = arith.mulf %a0, %sc : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %keys_d0 = tensor.dim %keys, %c0 : tensor<?x128xf32>
  %k_init = tensor.empty(%keys_d0) : tensor<?x128xbf16>
  %k = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%keys : tensor<?x128xf32>)
      outs(%k_init : tensor<?x128xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x128xbf16>
  return %k, %gate : tensor<?x128xbf16>, tensor<?x64xf32>
}
