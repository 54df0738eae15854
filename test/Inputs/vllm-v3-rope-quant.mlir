// Engine: vLLM V3 and V4, fused Q kernel: its arithmetic
// Expression: weight.float() * q_scale * softmax_scale * head_scale
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @merged_head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<192x7168xbf16>,
    %q_scale: tensor<?x64xf32>,
    %softmax_scale: f32,
    %head_scale: f32) -> (tensor<?x128xbf16>, tensor<?x64xf32>) {
  %zero_f32 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index

  // wk_weights_proj(x): keys and gates in one bf16 GEMM
  %kw_wt_init = tensor.empty() : tensor<7168x192xbf16>
  %kw_wt = linalg.transpose ins(%weight : tensor<192x7168xbf16>)
      outs(%kw_wt_init : tensor<7168x192xbf16>) permutation = [1, 0]
  %x_d0 = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %kw_acc_init = tensor.empty(%x_d0) : tensor<?x192xf32>
  %kw_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%kw_acc_init : tensor<?x192xf32>) -> tensor<?x192xf32>
  %kw_acc = linalg.matmul
      ins(%x, %kw_wt : tensor<?x7168xbf16>, tensor<7168x192xbf16>)
      outs(%kw_acc_zero : tensor<?x192xf32>) -> tensor<?x192xf32>
  %kw_acc_d0 = tensor.dim %kw_acc, %c0 : tensor<?x192xf32>
  %kw_init = tensor.empty(%kw_acc_d0) : tensor<?x192xbf16>
  %kw = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%kw_acc : tensor<?x192xf32>)
      outs(%kw_init : tensor<?x192xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x192xbf16>
  %kw_d0 = tensor.dim %kw, %c0 : tensor<?x192xbf16>
  %keys = tensor.extract_slice %kw[0, 0]
      [%kw_d0, 128] [1, 1]
      : tensor<?x192xbf16> to tensor<?x128xbf16>
  %raw = tensor.extract_slice %kw[0, 128]
      [%kw_d0, 64] [1, 1]
      : tensor<?x192xbf16> to tensor<?x64xbf16>
  %raw_d0 = tensor.dim %raw, %c0 : tensor<?x64xbf16>
  %rawf_init = tensor.empty(%raw_d0) : tensor<?x64xf32>
  %rawf = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%raw : tensor<?x64xbf16>)
      outs(%rawf_init : tensor<?x64xf32>) {
  ^bb0(%a0: bf16, %init: f32):
    %r = arith.extf %a0 : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %rawf_d0 = tensor.dim %rawf, %c0 : tensor<?x64xf32>
  %g0_init = tensor.empty(%rawf_d0) : tensor<?x64xf32>
  %g0 = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%rawf, %q_scale : tensor<?x64xf32>, tensor<?x64xf32>)
      outs(%g0_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %a1: f32, %init: f32):
    %r = arith.mulf %a0, %a1 : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %g0_d0 = tensor.dim %g0, %c0 : tensor<?x64xf32>
  %g1_init = tensor.empty(%g0_d0) : tensor<?x64xf32>
  %g1 = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%g0 : tensor<?x64xf32>)
      outs(%g1_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %softmax_scale : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %g1_d0 = tensor.dim %g1, %c0 : tensor<?x64xf32>
  %gate_init = tensor.empty(%g1_d0) : tensor<?x64xf32>
  %gate = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%g1 : tensor<?x64xf32>)
      outs(%gate_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %head_scale : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %keys, %gate : tensor<?x128xbf16>, tensor<?x64xf32>
}
