// Engine: JAX through IREE, MaxText
// Expression: einsum('bse,eh->bsh', x, kernel) * 64**-0.5 * 128**-0.5 in f32
// Written by test/Inputs/frontends/make.py jax-einsum

module @jit__lambda {
  func.func @head_gate(%arg0: tensor<2x16x7168xf32>, %arg1: tensor<7168x64xf32>) -> tensor<2x16x64xf32> {
    %cst = arith.constant 0.0883883461 : f32
    %cst_0 = arith.constant 1.250000e-01 : f32
    %cst_1 = arith.constant 0.000000e+00 : f32
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x16x7168xf32> into tensor<32x7168xf32>
    %0 = tensor.empty() : tensor<32x64xf32>
    %1 = linalg.fill ins(%cst_1 : f32) outs(%0 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %2 = linalg.matmul ins(%collapsed, %arg1 : tensor<32x7168xf32>, tensor<7168x64xf32>) outs(%1 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %expanded = tensor.expand_shape %2 [[0, 1], [2]] output_shape [2, 16, 64] : tensor<32x64xf32> into tensor<2x16x64xf32>
    %3 = tensor.empty() : tensor<2x16x64xf32>
    %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<2x16x64xf32>) outs(%3 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %7 = arith.mulf %in, %cst_0 : f32
      linalg.yield %7 : f32
    } -> tensor<2x16x64xf32>
    %5 = tensor.empty() : tensor<2x16x64xf32>
    %6 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%4 : tensor<2x16x64xf32>) outs(%5 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %7 = arith.mulf %in, %cst : f32
      linalg.yield %7 : f32
    } -> tensor<2x16x64xf32>
    return %6 : tensor<2x16x64xf32>
  }
}
