// Engine: torch-mlir, sglang S7, DeepSeek reference
// Expression: (F.linear(x, w) * 64**-0.5).unsqueeze(-1) * q_scale * 128**-0.5
//            with a bf16 GEMM and scale; T known
// Written by test/Inputs/frontends/make.py torch-linear-bf16

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
module {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<16x64x1xf32>) -> tensor<16x64x1xf32> {
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
      %10 = arith.truncf %in : f32 to bf16
      linalg.yield %10 : bf16
    } -> tensor<16x64xbf16>
    %6 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%5 : tensor<16x64xbf16>) outs(%4 : tensor<16x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %10 = arith.mulf %in, %cst_1 : bf16
      linalg.yield %10 : bf16
    } -> tensor<16x64xbf16>
    %expanded = tensor.expand_shape %6 [[0], [1, 2]] output_shape [16, 64, 1] : tensor<16x64xbf16> into tensor<16x64x1xbf16>
    %7 = tensor.empty() : tensor<16x64x1xf32>
    %8 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %arg2 : tensor<16x64x1xbf16>, tensor<16x64x1xf32>) outs(%7 : tensor<16x64x1xf32>) {
    ^bb0(%in: bf16, %in_2: f32, %out: f32):
      %10 = arith.extf %in : bf16 to f32
      %11 = arith.mulf %10, %in_2 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64x1xf32>
    %9 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%8 : tensor<16x64x1xf32>) outs(%7 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %10 = arith.truncf %cst_0 : f64 to f32
      %11 = arith.mulf %in, %10 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64x1xf32>
    return %9 : tensor<16x64x1xf32>
  }
}
