// Engine: MaxText, attention_compressed.py
// Expression: weights_proj(h).astype(f32) * weights_scaling, a bf16 dot without
//             preferred_element_type
// Written by hand from the expression, in the form that iree-compile gives.

#id = affine_map<(t, h) -> (t, h)>

func.func @head_gate(%x: tensor<128x4096xbf16>, %kernel: tensor<4096x64xbf16>)
    -> tensor<128x64xf32> {
  %a = arith.constant 0.0110485433 : f32
  %zero = arith.constant 0.0 : bf16
  %init = tensor.empty() : tensor<128x64xbf16>
  %fill = linalg.fill ins(%zero : bf16) outs(%init : tensor<128x64xbf16>)
      -> tensor<128x64xbf16>
  %dot = linalg.matmul
      ins(%x, %kernel : tensor<128x4096xbf16>, tensor<4096x64xbf16>)
      outs(%fill : tensor<128x64xbf16>) -> tensor<128x64xbf16>
  %wide_init = tensor.empty() : tensor<128x64xf32>
  %gate = linalg.generic {indexing_maps = [#id, #id],
      iterator_types = ["parallel", "parallel"]}
      ins(%dot : tensor<128x64xbf16>) outs(%wide_init : tensor<128x64xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %f = arith.extf %in : bf16 to f32
    %p = arith.mulf %f, %a : f32
    linalg.yield %p : f32
  } -> tensor<128x64xf32>
  return %gate : tensor<128x64xf32>
}
