// Engine: torch-mlir, DeepSeek reference
// Expression: with_scales(F.linear(x.float(), w.float())); x [B, S, E]
// Written by test/Inputs/frontends/make.py torch-bse

#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map1 = affine_map<(d0, d1) -> (d0, d1)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
module {
  func.func @head_gate(%arg0: tensor<2x16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<2x16x64x1xf32>) -> tensor<2x16x64x1xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : f32
    %0 = tensor.empty() : tensor<2x16x7168xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg0 : tensor<2x16x7168xbf16>) outs(%0 : tensor<2x16x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %13 = arith.extf %in : bf16 to f32
      linalg.yield %13 : f32
    } -> tensor<2x16x7168xf32>
    %2 = tensor.empty() : tensor<64x7168xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%2 : tensor<64x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %13 = arith.extf %in : bf16 to f32
      linalg.yield %13 : f32
    } -> tensor<64x7168xf32>
    %4 = tensor.empty() : tensor<7168x64xf32>
    %transposed = linalg.transpose ins(%3 : tensor<64x7168xf32>) outs(%4 : tensor<7168x64xf32>) permutation = [1, 0]
    %collapsed = tensor.collapse_shape %1 [[0, 1], [2]] : tensor<2x16x7168xf32> into tensor<32x7168xf32>
    %5 = tensor.empty() : tensor<32x64xf32>
    %6 = linalg.fill ins(%cst : f32) outs(%5 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %7 = linalg.matmul ins(%collapsed, %transposed : tensor<32x7168xf32>, tensor<7168x64xf32>) outs(%6 : tensor<32x64xf32>) -> tensor<32x64xf32>
    %expanded = tensor.expand_shape %7 [[0, 1], [2]] output_shape [2, 16, 64] : tensor<32x64xf32> into tensor<2x16x64xf32>
    %8 = tensor.empty() : tensor<2x16x64xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<2x16x64xf32>) outs(%8 : tensor<2x16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %13 = arith.mulf %in, %cst_1 : f32
      linalg.yield %13 : f32
    } -> tensor<2x16x64xf32>
    %expanded_2 = tensor.expand_shape %9 [[0], [1], [2, 3]] output_shape [2, 16, 64, 1] : tensor<2x16x64xf32> into tensor<2x16x64x1xf32>
    %10 = tensor.empty() : tensor<2x16x64x1xf32>
    %11 = linalg.generic {indexing_maps = [#map2, #map2, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_2, %arg2 : tensor<2x16x64x1xf32>, tensor<2x16x64x1xf32>) outs(%10 : tensor<2x16x64x1xf32>) {
    ^bb0(%in: f32, %in_3: f32, %out: f32):
      %13 = arith.mulf %in, %in_3 : f32
      linalg.yield %13 : f32
    } -> tensor<2x16x64x1xf32>
    %12 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%11 : tensor<2x16x64x1xf32>) outs(%10 : tensor<2x16x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %13 = arith.truncf %cst_0 : f64 to f32
      %14 = arith.mulf %in, %13 : f32
      linalg.yield %14 : f32
    } -> tensor<2x16x64x1xf32>
    return %12 : tensor<2x16x64x1xf32>
  }
}
