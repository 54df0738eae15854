// Engine: JAX through IREE, Transformers' form
// Expression: (x.astype(f32) @ w.astype(f32).T * 64**-0.5)[..., None] * q_scale
// Written by test/Inputs/frontends/make.py jax-f32

module @jit__lambda {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<16x64x1xf32>) -> tensor<16x64x1xf32> {
    %cst = arith.constant 1.250000e-01 : f32
    %cst_0 = arith.constant 0.000000e+00 : f32
    %0 = tensor.empty() : tensor<64x7168xf32>
    %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%0 : tensor<64x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %11 = arith.extf %in : bf16 to f32
      linalg.yield %11 : f32
    } -> tensor<64x7168xf32>
    %2 = tensor.empty() : tensor<7168x64xf32>
    %3 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<64x7168xf32>) outs(%2 : tensor<7168x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<7168x64xf32>
    %4 = tensor.empty() : tensor<16x64xf32>
    %5 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %6 = linalg.matmul ins(%arg0, %3 : tensor<16x7168xbf16>, tensor<7168x64xf32>) outs(%5 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %7 = tensor.empty() : tensor<16x64xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<16x64xf32>) outs(%7 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.mulf %in, %cst : f32
      linalg.yield %11 : f32
    } -> tensor<16x64xf32>
    %expanded = tensor.expand_shape %8 [[0], [1, 2]] output_shape [16, 64, 1] : tensor<16x64xf32> into tensor<16x64x1xf32>
    %9 = tensor.empty() : tensor<16x64x1xf32>
    %10 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %arg2 : tensor<16x64x1xf32>, tensor<16x64x1xf32>) outs(%9 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %in_1: f32, %out: f32):
      %11 = arith.mulf %in, %in_1 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64x1xf32>
    return %10 : tensor<16x64x1xf32>
  }
}
