// Engine: JAX through IREE
// Expression: einsum('bse,he->bsh', x, w, preferred_element_type=f32) * q_scale
//            * 128**-0.5
// Written by test/Inputs/frontends/make.py jax-einsum-preferred

module @jit__lambda {
  func.func @head_gate(%arg0: tensor<2x16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<2x16x64x1xf32>) -> tensor<2x16x64xf32> {
    %cst = arith.constant 0.0883883461 : f32
    %cst_0 = arith.constant 0.000000e+00 : f32
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x16x7168xbf16> into tensor<32x7168xbf16>
    %0 = tensor.empty() : tensor<7168x64xbf16>
    %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%0 : tensor<7168x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      linalg.yield %in : bf16
    } -> tensor<7168x64xbf16>
    %2 = tensor.empty() : tensor<32x64xf32>
    %3 = linalg.fill ins(%cst_0 : f32) outs(%2 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %4 = linalg.matmul ins(%collapsed, %1 : tensor<32x7168xbf16>, tensor<7168x64xbf16>) outs(%3 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %expanded = tensor.expand_shape %4 [[0, 1], [2]] output_shape [2, 16, 64] : tensor<32x64xf32> into tensor<2x16x64xf32>
    %collapsed_1 = tensor.collapse_shape %arg2 [[0], [1], [2, 3]] : tensor<2x16x64x1xf32> into tensor<2x16x64xf32>
    %5 = tensor.empty() : tensor<2x16x64xf32>
    %6 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %collapsed_1 : tensor<2x16x64xf32>, tensor<2x16x64xf32>) outs(%5 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %in_2: f32, %out: f32):
      %9 = arith.mulf %in, %in_2 : f32
      linalg.yield %9 : f32
    } -> tensor<2x16x64xf32>
    %7 = tensor.empty() : tensor<2x16x64xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%6 : tensor<2x16x64xf32>) outs(%7 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %9 = arith.mulf %in, %cst : f32
      linalg.yield %9 : f32
    } -> tensor<2x16x64xf32>
    return %8 : tensor<2x16x64xf32>
  }
}
