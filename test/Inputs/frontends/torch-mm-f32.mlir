// Engine: torch-mlir, sglang S1 and S2
// Expression: (x.float() @ w.float().t() * 64**-0.5).unsqueeze(-1) * q_scale *
//            128**-0.5; T known
// Written by test/Inputs/frontends/make.py torch-mm-f32

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
module {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<16x64x1xf32>) -> tensor<16x64x1xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : f32
    %0 = tensor.empty() : tensor<16x7168xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<16x7168xbf16>) outs(%0 : tensor<16x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %12 = arith.extf %in : bf16 to f32
      linalg.yield %12 : f32
    } -> tensor<16x7168xf32>
    %2 = tensor.empty() : tensor<64x7168xf32>
    %3 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%2 : tensor<64x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %12 = arith.extf %in : bf16 to f32
      linalg.yield %12 : f32
    } -> tensor<64x7168xf32>
    %4 = tensor.empty() : tensor<7168x64xf32>
    %transposed = linalg.transpose ins(%3 : tensor<64x7168xf32>) outs(%4 : tensor<7168x64xf32>) permutation = [1, 0]
    %5 = tensor.empty() : tensor<16x64xf32>
    %6 = linalg.fill ins(%cst : f32) outs(%5 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %7 = linalg.matmul ins(%1, %transposed : tensor<16x7168xf32>, tensor<7168x64xf32>) outs(%6 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %8 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<16x64xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %12 = arith.mulf %in, %cst_1 : f32
      linalg.yield %12 : f32
    } -> tensor<16x64xf32>
    %expanded = tensor.expand_shape %8 [[0], [1, 2]] output_shape [16, 64, 1] : tensor<16x64xf32> into tensor<16x64x1xf32>
    %9 = tensor.empty() : tensor<16x64x1xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %arg2 : tensor<16x64x1xf32>, tensor<16x64x1xf32>) outs(%9 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %in_2: f32, %out: f32):
      %12 = arith.mulf %in, %in_2 : f32
      linalg.yield %12 : f32
    } -> tensor<16x64x1xf32>
    %11 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%10 : tensor<16x64x1xf32>) outs(%9 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %12 = arith.truncf %cst_0 : f64 to f32
      %13 = arith.mulf %in, %12 : f32
      linalg.yield %13 : f32
    } -> tensor<16x64x1xf32>
    return %11 : tensor<16x64x1xf32>
  }
}
