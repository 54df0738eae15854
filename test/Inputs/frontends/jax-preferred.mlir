// Engine: JAX through IREE
// Expression: dot_general(x, w, preferred_element_type=f32) * 64**-0.5, [...,
//            None] * q_scale * 128**-0.5; T known
// Written by test/Inputs/frontends/make.py jax-preferred

module @jit_function {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<16x64x1xf32>) -> tensor<16x64x1xf32> {
    %cst = arith.constant 0.0883883461 : f32
    %cst_0 = arith.constant 1.250000e-01 : f32
    %cst_1 = arith.constant 0.000000e+00 : f32
    %0 = tensor.empty() : tensor<7168x64xbf16>
    %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%0 : tensor<7168x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      linalg.yield %in : bf16
    } -> tensor<7168x64xbf16>
    %2 = tensor.empty() : tensor<16x64xf32>
    %3 = linalg.fill ins(%cst_1 : f32) outs(%2 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %4 = linalg.matmul ins(%arg0, %1 : tensor<16x7168xbf16>, tensor<7168x64xbf16>) outs(%3 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %5 = tensor.empty() : tensor<16x64xf32>
    %6 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%4 : tensor<16x64xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.mulf %in, %cst_0 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64xf32>
    %expanded = tensor.expand_shape %6 [[0], [1, 2]] output_shape [16, 64, 1] : tensor<16x64xf32> into tensor<16x64x1xf32>
    %7 = tensor.empty() : tensor<16x64x1xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %arg2 : tensor<16x64x1xf32>, tensor<16x64x1xf32>) outs(%7 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %in_2: f32, %out: f32):
      %11 = arith.mulf %in, %in_2 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64x1xf32>
    %9 = tensor.empty() : tensor<16x64x1xf32>
    %10 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%8 : tensor<16x64x1xf32>) outs(%9 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.mulf %in, %cst : f32
      linalg.yield %11 : f32
    } -> tensor<16x64x1xf32>
    return %10 : tensor<16x64x1xf32>
  }
}
