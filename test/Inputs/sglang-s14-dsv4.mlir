// Engine: sglang S14, DeepSeek-V4 C4 indexer
// Expression: weights_proj(x) * weight_scale in the Q kernel
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @head_gate(
    %x: tensor<?x4096xbf16>,
    %weight: tensor<64x4096xbf16>,
    %weight_scale: f32) -> tensor<?x64xf32> {
  %zero_f32 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %raw_wt_init = tensor.empty() : tensor<4096x64xbf16>
  %raw_wt = linalg.transpose ins(%weight : tensor<64x4096xbf16>)
      outs(%raw_wt_init : tensor<4096x64xbf16>) permutation = [1, 0]
  %x_d0 = tensor.dim %x, %c0 : tensor<?x4096xbf16>
  %raw_acc_init = tensor.empty(%x_d0) : tensor<?x64xf32>
  %raw_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%raw_acc_init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %raw_acc = linalg.matmul
      ins(%x, %raw_wt : tensor<?x4096xbf16>, tensor<4096x64xbf16>)
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
  %gate_init = tensor.empty(%rawf_d0) : tensor<?x64xf32>
  %gate = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%rawf : tensor<?x64xf32>)
      outs(%gate_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %weight_scale : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %gate : tensor<?x64xf32>
}
