// Engine: sglang-jax, glm5_moe.py
// Expression: weights_proj(hidden_states) in bf16 and no scale
// Written by hand from the expression, in the form that iree-compile gives.

func.func @head_gate(%x: tensor<128x6144xbf16>, %kernel: tensor<6144x32xbf16>)
    -> tensor<128x32xbf16> {
  %zero = arith.constant 0.0 : bf16
  %init = tensor.empty() : tensor<128x32xbf16>
  %fill = linalg.fill ins(%zero : bf16) outs(%init : tensor<128x32xbf16>)
      -> tensor<128x32xbf16>
  %dot = linalg.matmul
      ins(%x, %kernel : tensor<128x6144xbf16>, tensor<6144x32xbf16>)
      outs(%fill : tensor<128x32xbf16>) -> tensor<128x32xbf16>
  return %dot : tensor<128x32xbf16>
}
