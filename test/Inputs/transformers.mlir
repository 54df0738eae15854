// Engine: Transformers, deepseek_v32 and glm_moe_dsa
// Expression: weights_proj(h.to(W.dtype)).float() * n_heads**-0.5; h [B, S, E]
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(
    %x: tensor<?x?x7168xbf16>,
    %weight: tensor<64x7168xbf16>) -> tensor<?x?x64xf32> {
  %a = arith.constant 0.125 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero_f32 = arith.constant 0.0 : f32
  %x_d0 = tensor.dim %x, %c0 : tensor<?x?x7168xbf16>
  %x_d1 = tensor.dim %x, %c1 : tensor<?x?x7168xbf16>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]]
      : tensor<?x?x7168xbf16> into tensor<?x7168xbf16>
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
      output_shape [%x_d0, %x_d1, 64]
      : tensor<?x64xbf16> into tensor<?x?x64xbf16>
  %raw3_d0 = tensor.dim %raw3, %c0 : tensor<?x?x64xbf16>
  %raw3_d1 = tensor.dim %raw3, %c1 : tensor<?x?x64xbf16>
  %rawf_init = tensor.empty(%raw3_d0, %raw3_d1) : tensor<?x?x64xf32>
  %rawf = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%raw3 : tensor<?x?x64xbf16>)
      outs(%rawf_init : tensor<?x?x64xf32>) {
  ^bb0(%a0: bf16, %init: f32):
    %r = arith.extf %a0 : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<?x?x64xf32>
  %rawf_d0 = tensor.dim %rawf, %c0 : tensor<?x?x64xf32>
  %rawf_d1 = tensor.dim %rawf, %c1 : tensor<?x?x64xf32>
  %gate_init = tensor.empty(%rawf_d0, %rawf_d1) : tensor<?x?x64xf32>
  %gate = linalg.generic {indexing_maps = [#id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%rawf : tensor<?x?x64xf32>)
      outs(%gate_init : tensor<?x?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?x64xf32>
  return %gate : tensor<?x?x64xf32>
}
