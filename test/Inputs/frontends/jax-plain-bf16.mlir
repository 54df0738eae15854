// Engine: JAX through IREE, MaxText V4
// Expression: (x @ w.T).astype(f32) * 64**-0.5 without preferred_element_type
// Written by test/Inputs/frontends/make.py jax-plain-bf16

module @jit__lambda {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>) -> tensor<16x64xf32> {
    %cst = arith.constant 1.250000e-01 : f32
    %cst_0 = arith.constant 0.000000e+00 : bf16
    %0 = tensor.empty() : tensor<7168x64xbf16>
    %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%0 : tensor<7168x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      linalg.yield %in : bf16
    } -> tensor<7168x64xbf16>
    %2 = tensor.empty() : tensor<16x64xbf16>
    %3 = linalg.fill ins(%cst_0 : bf16) outs(%2 : tensor<16x64xbf16>) -> tensor<16x64xbf16>
    %4 = linalg.matmul ins(%arg0, %1 : tensor<16x7168xbf16>, tensor<7168x64xbf16>) outs(%3 : tensor<16x64xbf16>) -> tensor<16x64xbf16>
    %5 = tensor.empty() : tensor<16x64xf32>
    %6 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%4 : tensor<16x64xbf16>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %9 = arith.extf %in : bf16 to f32
      linalg.yield %9 : f32
    } -> tensor<16x64xf32>
    %7 = tensor.empty() : tensor<16x64xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<16x64xf32>) outs(%7 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %9 = arith.mulf %in, %cst : f32
      linalg.yield %9 : f32
    } -> tensor<16x64xf32>
    return %8 : tensor<16x64xf32>
  }
}
