// Engine: torch-mlir, a gate with an activation
// Expression: silu(F.linear(x.float(), w.float())) * q_scale
// Written by test/Inputs/frontends/make.py torch-silu

#map = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<16x64x1xf32>) -> tensor<16x64xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 1.000000e+00 : f32
    %0 = tensor.empty() : tensor<16x7168xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<16x7168xbf16>) outs(%0 : tensor<16x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %11 = arith.extf %in : bf16 to f32
      linalg.yield %11 : f32
    } -> tensor<16x7168xf32>
    %2 = tensor.empty() : tensor<64x7168xf32>
    %3 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%2 : tensor<64x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %11 = arith.extf %in : bf16 to f32
      linalg.yield %11 : f32
    } -> tensor<64x7168xf32>
    %4 = tensor.empty() : tensor<7168x64xf32>
    %transposed = linalg.transpose ins(%3 : tensor<64x7168xf32>) outs(%4 : tensor<7168x64xf32>) permutation = [1, 0]
    %5 = tensor.empty() : tensor<16x64xf32>
    %6 = linalg.fill ins(%cst : f32) outs(%5 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %7 = linalg.matmul ins(%1, %transposed : tensor<16x7168xf32>, tensor<7168x64xf32>) outs(%6 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %8 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<16x64xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.negf %in : f32
      %12 = math.exp %11 : f32
      %13 = arith.addf %12, %cst_0 : f32
      %14 = arith.divf %cst_0, %13 : f32
      linalg.yield %14 : f32
    } -> tensor<16x64xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%7, %8 : tensor<16x64xf32>, tensor<16x64xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %in_1: f32, %out: f32):
      %11 = arith.mulf %in, %in_1 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64xf32>
    %collapsed = tensor.collapse_shape %arg2 [[0], [1, 2]] : tensor<16x64x1xf32> into tensor<16x64xf32>
    %10 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%9, %collapsed : tensor<16x64xf32>, tensor<16x64xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %in_1: f32, %out: f32):
      %11 = arith.mulf %in, %in_1 : f32
      linalg.yield %11 : f32
    } -> tensor<16x64xf32>
    return %10 : tensor<16x64xf32>
  }
}
