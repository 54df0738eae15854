// Engine: vLLM V5, ROCm AITER kernel: its arithmetic
// Expression: weights.float() * q_scale * weights_scale, weights a bf16 slice
//            of kw
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @merged_head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<192x7168xbf16>,
    %q_scale: tensor<?x64xf32>,
    %weights_scale: f32) -> (tensor<?x128xbf16>, tensor<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %wt_init = tensor.empty() : tensor<7168x192xbf16>
  %wt = linalg.transpose ins(%weight : tensor<192x7168xbf16>)
      outs(%wt_init : tensor<7168x192xbf16>) permutation = [1, 0]
  %acc_init = tensor.empty(%t) : tensor<?x192xf32>
  %acc_zero = linalg.fill ins(%zero : f32) outs(%acc_init : tensor<?x192xf32>)
      -> tensor<?x192xf32>
  %acc = linalg.matmul ins(%x, %wt : tensor<?x7168xbf16>, tensor<7168x192xbf16>)
      outs(%acc_zero : tensor<?x192xf32>) -> tensor<?x192xf32>
  %kw_init = tensor.empty(%t) : tensor<?x192xbf16>
  %kw = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<?x192xf32>)
      outs(%kw_init : tensor<?x192xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x192xbf16>
  %key = tensor.extract_slice %kw[0, 0] [%t, 128] [1, 1]
      : tensor<?x192xbf16> to tensor<?x128xbf16>
  %gates = tensor.extract_slice %kw[0, 128] [%t, 64] [1, 1]
      : tensor<?x192xbf16> to tensor<?x64xbf16>
  %scaled_init = tensor.empty(%t) : tensor<?x64xf32>
  %scaled = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%gates, %q_scale : tensor<?x64xbf16>, tensor<?x64xf32>)
      outs(%scaled_init : tensor<?x64xf32>) {
  ^bb0(%a0: bf16, %a1: f32, %init: f32):
    %w = arith.extf %a0 : bf16 to f32
    %r = arith.mulf %w, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %gate_init = tensor.empty(%t) : tensor<?x64xf32>
  %gate = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%scaled : tensor<?x64xf32>)
      outs(%gate_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %weights_scale : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %key, %gate : tensor<?x128xbf16>, tensor<?x64xf32>
}
