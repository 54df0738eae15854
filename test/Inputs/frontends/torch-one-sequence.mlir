// Engine: torch-mlir, LMDeploy
// Expression: q_s * 128**-0.5 * (F.linear(x, w) * 64**-0.5); x [1, T, E], the
//            gate last
// Written by test/Inputs/frontends/make.py torch-one-sequence

#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map1 = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @head_gate(%arg0: tensor<1x16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<1x16x64x1xf32>) -> tensor<1x16x64xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : bf16
    %collapsed = tensor.collapse_shape %arg2 [[0], [1], [2, 3]] : tensor<1x16x64x1xf32> into tensor<1x16x64xf32>
    %0 = tensor.empty() : tensor<1x16x64xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x16x64xf32>) outs(%0 : tensor<1x16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.truncf %cst_0 : f64 to f32
      %12 = arith.mulf %in, %11 : f32
      linalg.yield %12 : f32
    } -> tensor<1x16x64xf32>
    %2 = tensor.empty() : tensor<7168x64xbf16>
    %transposed = linalg.transpose ins(%arg1 : tensor<64x7168xbf16>) outs(%2 : tensor<7168x64xbf16>) permutation = [1, 0]
    %collapsed_2 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<1x16x7168xbf16> into tensor<16x7168xbf16>
    %3 = tensor.empty() : tensor<16x64xf32>
    %4 = linalg.fill ins(%cst : f32) outs(%3 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %5 = linalg.matmul ins(%collapsed_2, %transposed : tensor<16x7168xbf16>, tensor<7168x64xbf16>) outs(%4 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %6 = tensor.empty() : tensor<16x64xbf16>
    %7 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel"]} ins(%5 : tensor<16x64xf32>) outs(%6 : tensor<16x64xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %11 = arith.truncf %in : f32 to bf16
      linalg.yield %11 : bf16
    } -> tensor<16x64xbf16>
    %expanded = tensor.expand_shape %7 [[0, 1], [2]] output_shape [1, 16, 64] : tensor<16x64xbf16> into tensor<1x16x64xbf16>
    %8 = tensor.empty() : tensor<1x16x64xbf16>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<1x16x64xbf16>) outs(%8 : tensor<1x16x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %11 = arith.mulf %in, %cst_1 : bf16
      linalg.yield %11 : bf16
    } -> tensor<1x16x64xbf16>
    %10 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%1, %9 : tensor<1x16x64xf32>, tensor<1x16x64xbf16>) outs(%0 : tensor<1x16x64xf32>) {
    ^bb0(%in: f32, %in_3: bf16, %out: f32):
      %11 = arith.extf %in_3 : bf16 to f32
      %12 = arith.mulf %in, %11 : f32
      linalg.yield %12 : f32
    } -> tensor<1x16x64xf32>
    return %10 : tensor<1x16x64xf32>
  }
}
