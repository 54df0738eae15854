// Engine: torch-mlir, any engine
// Expression: (F.linear(x.float(), w) / 8).unsqueeze(-1) * q_scale with an f32
//            weight
// Written by test/Inputs/frontends/make.py torch-division

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
module {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xf32>, %arg2: tensor<16x64x1xf32>) -> tensor<16x64x1xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 8.000000e+00 : f32
    %0 = tensor.empty() : tensor<16x7168xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<16x7168xbf16>) outs(%0 : tensor<16x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %9 = arith.extf %in : bf16 to f32
      linalg.yield %9 : f32
    } -> tensor<16x7168xf32>
    %2 = tensor.empty() : tensor<7168x64xf32>
    %transposed = linalg.transpose ins(%arg1 : tensor<64x7168xf32>) outs(%2 : tensor<7168x64xf32>) permutation = [1, 0]
    %3 = tensor.empty() : tensor<16x64xf32>
    %4 = linalg.fill ins(%cst : f32) outs(%3 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %5 = linalg.matmul ins(%1, %transposed : tensor<16x7168xf32>, tensor<7168x64xf32>) outs(%4 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %6 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%5 : tensor<16x64xf32>) outs(%3 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %9 = arith.divf %in, %cst_0 : f32
      linalg.yield %9 : f32
    } -> tensor<16x64xf32>
    %expanded = tensor.expand_shape %6 [[0], [1, 2]] output_shape [16, 64, 1] : tensor<16x64xf32> into tensor<16x64x1xf32>
    %7 = tensor.empty() : tensor<16x64x1xf32>
    %8 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %arg2 : tensor<16x64x1xf32>, tensor<16x64x1xf32>) outs(%7 : tensor<16x64x1xf32>) {
    ^bb0(%in: f32, %in_1: f32, %out: f32):
      %9 = arith.mulf %in, %in_1 : f32
      linalg.yield %9 : f32
    } -> tensor<16x64x1xf32>
    return %8 : tensor<16x64x1xf32>
  }
}
