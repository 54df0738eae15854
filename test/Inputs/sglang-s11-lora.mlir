// Engine: sglang S11, LoRA on weights_proj
// Expression: (x @ W.t() + (x @ A.t()) @ B.t()).float() * 64**-0.5
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @head_gate(
    %x: tensor<?x7168xbf16>,
    %weight: tensor<64x7168xbf16>,
    %lora_a: tensor<16x7168xbf16>,
    %lora_b: tensor<64x16xbf16>) -> tensor<?x64xf32> {
  %a = arith.constant 0.125 : f32
  %zero_f32 = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %base_wt_init = tensor.empty() : tensor<7168x64xbf16>
  %base_wt = linalg.transpose ins(%weight : tensor<64x7168xbf16>)
      outs(%base_wt_init : tensor<7168x64xbf16>) permutation = [1, 0]
  %x_d0 = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %base_acc_init = tensor.empty(%x_d0) : tensor<?x64xf32>
  %base_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%base_acc_init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %base_acc = linalg.matmul
      ins(%x, %base_wt : tensor<?x7168xbf16>, tensor<7168x64xbf16>)
      outs(%base_acc_zero : tensor<?x64xf32>) -> tensor<?x64xf32>
  %base_acc_d0 = tensor.dim %base_acc, %c0 : tensor<?x64xf32>
  %base_init = tensor.empty(%base_acc_d0) : tensor<?x64xbf16>
  %base = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%base_acc : tensor<?x64xf32>)
      outs(%base_init : tensor<?x64xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %down_wt_init = tensor.empty() : tensor<7168x16xbf16>
  %down_wt = linalg.transpose ins(%lora_a : tensor<16x7168xbf16>)
      outs(%down_wt_init : tensor<7168x16xbf16>) permutation = [1, 0]
  %down_acc_init = tensor.empty(%x_d0) : tensor<?x16xf32>
  %down_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%down_acc_init : tensor<?x16xf32>) -> tensor<?x16xf32>
  %down_acc = linalg.matmul
      ins(%x, %down_wt : tensor<?x7168xbf16>, tensor<7168x16xbf16>)
      outs(%down_acc_zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %down_acc_d0 = tensor.dim %down_acc, %c0 : tensor<?x16xf32>
  %down_init = tensor.empty(%down_acc_d0) : tensor<?x16xbf16>
  %down = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%down_acc : tensor<?x16xf32>)
      outs(%down_init : tensor<?x16xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x16xbf16>
  %up_wt_init = tensor.empty() : tensor<16x64xbf16>
  %up_wt = linalg.transpose ins(%lora_b : tensor<64x16xbf16>)
      outs(%up_wt_init : tensor<16x64xbf16>) permutation = [1, 0]
  %down_d0 = tensor.dim %down, %c0 : tensor<?x16xbf16>
  %up_acc_init = tensor.empty(%down_d0) : tensor<?x64xf32>
  %up_acc_zero = linalg.fill ins(%zero_f32 : f32)
      outs(%up_acc_init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %up_acc = linalg.matmul
      ins(%down, %up_wt : tensor<?x16xbf16>, tensor<16x64xbf16>)
      outs(%up_acc_zero : tensor<?x64xf32>) -> tensor<?x64xf32>
  %up_acc_d0 = tensor.dim %up_acc, %c0 : tensor<?x64xf32>
  %up_init = tensor.empty(%up_acc_d0) : tensor<?x64xbf16>
  %up = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%up_acc : tensor<?x64xf32>)
      outs(%up_init : tensor<?x64xbf16>) {
  ^bb0(%a0: f32, %init: bf16):
    %r = arith.truncf %a0 : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %base_d0 = tensor.dim %base, %c0 : tensor<?x64xbf16>
  %sum_init = tensor.empty(%base_d0) : tensor<?x64xbf16>
  %sum = linalg.generic {indexing_maps = [#id2, #id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%base, %up : tensor<?x64xbf16>, tensor<?x64xbf16>)
      outs(%sum_init : tensor<?x64xbf16>) {
  ^bb0(%a0: bf16, %a1: bf16, %init: bf16):
    %r = arith.addf %a0, %a1 : bf16
    linalg.yield %r : bf16
  } -> tensor<?x64xbf16>
  %sum_d0 = tensor.dim %sum, %c0 : tensor<?x64xbf16>
  %sumf_init = tensor.empty(%sum_d0) : tensor<?x64xf32>
  %sumf = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<?x64xbf16>)
      outs(%sumf_init : tensor<?x64xf32>) {
  ^bb0(%a0: bf16, %init: f32):
    %r = arith.extf %a0 : bf16 to f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %sumf_d0 = tensor.dim %sumf, %c0 : tensor<?x64xf32>
  %weights_init = tensor.empty(%sumf_d0) : tensor<?x64xf32>
  %weights = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%sumf : tensor<?x64xf32>)
      outs(%weights_init : tensor<?x64xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %r = arith.mulf %a0, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %weights : tensor<?x64xf32>
}
