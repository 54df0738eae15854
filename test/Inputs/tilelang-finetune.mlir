// Engine: TileLang, examples/dsa_sparse_finetune
// Expression: weights_proj(x) in bf16; the scale is applied after the sum over
//            heads
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xbf16>) -> tensor<?x64xbf16> {
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
  return %raw : tensor<?x64xbf16>
}
