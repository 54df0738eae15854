// Engine: MaxText, attention_mla.py
// Expression: weights_proj(x) * n_heads**-0.5 * softmax_scale in f32; kernel
//             [E, H], x [B, T, E]
// Written by hand from the expression, in the form that iree-compile gives.

#x = affine_map<(b, t, h, d) -> (b, t, d)>
#w = affine_map<(b, t, h, d) -> (d, h)>
#o = affine_map<(b, t, h, d) -> (b, t, h)>
#id = affine_map<(b, t, h) -> (b, t, h)>

func.func @head_gate(%x: tensor<4x?x7168xf32>, %kernel: tensor<7168x64xf32>)
    -> tensor<4x?x64xf32> {
  %a = arith.constant 0.125 : f32
  %b = arith.constant 0.0883883461 : f32
  %zero = arith.constant 0.0 : f32
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c1 : tensor<4x?x7168xf32>
  %init = tensor.empty(%t) : tensor<4x?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<4x?x64xf32>)
      -> tensor<4x?x64xf32>
  %dot = linalg.generic {indexing_maps = [#x, #w, #o],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %kernel : tensor<4x?x7168xf32>, tensor<7168x64xf32>)
      outs(%fill : tensor<4x?x64xf32>) {
  ^bb0(%in: f32, %in_1: f32, %out: f32):
    %p = arith.mulf %in, %in_1 : f32
    %s = arith.addf %p, %out : f32
    linalg.yield %s : f32
  } -> tensor<4x?x64xf32>
  %g0 = linalg.generic {indexing_maps = [#id, #id],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dot : tensor<4x?x64xf32>) outs(%init : tensor<4x?x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = arith.mulf %in, %a : f32
    linalg.yield %p : f32
  } -> tensor<4x?x64xf32>
  %g1 = linalg.generic {indexing_maps = [#id, #id],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%g0 : tensor<4x?x64xf32>) outs(%init : tensor<4x?x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = arith.mulf %in, %b : f32
    linalg.yield %p : f32
  } -> tensor<4x?x64xf32>
  return %g1 : tensor<4x?x64xf32>
}
