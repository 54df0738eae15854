// Engine: torch-mlir, Megatron and mlx-lm
// Expression: F.linear(x, w) * 64**-0.5 * 128**-0.5 in bf16 to the end
// Written by test/Inputs/frontends/make.py torch-bf16-result

#map = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>) -> tensor<16x64xbf16> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : bf16
    %0 = tensor.empty() : tensor<7168x64xbf16>
    %transposed = linalg.transpose ins(%arg1 : tensor<64x7168xbf16>) outs(%0 : tensor<7168x64xbf16>) permutation = [1, 0]
    %1 = tensor.empty() : tensor<16x64xf32>
    %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %3 = linalg.matmul ins(%arg0, %transposed : tensor<16x7168xbf16>, tensor<7168x64xbf16>) outs(%2 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %4 = tensor.empty() : tensor<16x64xbf16>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<16x64xf32>) outs(%4 : tensor<16x64xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %8 = arith.truncf %in : f32 to bf16
      linalg.yield %8 : bf16
    } -> tensor<16x64xbf16>
    %6 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%5 : tensor<16x64xbf16>) outs(%4 : tensor<16x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %8 = arith.mulf %in, %cst_1 : bf16
      linalg.yield %8 : bf16
    } -> tensor<16x64xbf16>
    %7 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<16x64xbf16>) outs(%4 : tensor<16x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %8 = arith.truncf %cst_0 : f64 to bf16
      %9 = arith.mulf %in, %8 : bf16
      linalg.yield %9 : bf16
    } -> tensor<16x64xbf16>
    return %7 : tensor<16x64xbf16>
  }
}
