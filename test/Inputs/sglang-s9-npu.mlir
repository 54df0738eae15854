// Engine: sglang S9, NPU
// Expression: weights_proj(x.float()).to(bfloat16) and no scale
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xf32>) -> tensor<?x64xbf16> {
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
  %r_init = tensor.empty(%out_d0) : tensor<?x64xbf16>
  %r = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%out : tensor<?x64xf32>)
      outs(%r_init : tensor<?x64xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  return %r : tensor<?x64xbf16>
}
