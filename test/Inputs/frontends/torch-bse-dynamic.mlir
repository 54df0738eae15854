// Engine: torch-mlir, DeepSeek reference
// Expression: with_scales(F.linear(x, w)) in bf16; x [B, S, E], B unknown
// Written by test/Inputs/frontends/make.py torch-bse-dynamic

#map = affine_map<()[s0] -> (s0 * 16)>
#map1 = affine_map<(d0, d1) -> (d0, d1)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
module {
  func.func @head_gate(%arg0: tensor<?x16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<?x16x64x1xf32>) -> tensor<?x16x64x1xf32> {
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : bf16
    %0 = tensor.empty() : tensor<7168x64xbf16>
    %transposed = linalg.transpose ins(%arg1 : tensor<64x7168xbf16>) outs(%0 : tensor<7168x64xbf16>) permutation = [1, 0]
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<?x16x7168xbf16> into tensor<?x7168xbf16>
    %dim = tensor.dim %arg0, %c0 : tensor<?x16x7168xbf16>
    %1 = affine.apply #map()[%dim]
    %2 = tensor.empty(%1) : tensor<?x64xf32>
    %3 = linalg.fill ins(%cst : f32) outs(%2 : tensor<?x64xf32>) -> tensor<?x64xf32>
    %4 = linalg.matmul ins(%collapsed, %transposed : tensor<?x7168xbf16>, tensor<7168x64xbf16>) outs(%3 : tensor<?x64xf32>) -> tensor<?x64xf32>
    %5 = tensor.empty(%1) : tensor<?x64xbf16>
    %6 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel"]} ins(%4 : tensor<?x64xf32>) outs(%5 : tensor<?x64xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %14 = arith.truncf %in : f32 to bf16
      linalg.yield %14 : bf16
    } -> tensor<?x64xbf16>
    %7 = arith.divsi %1, %c16 : index
    %expanded = tensor.expand_shape %6 [[0, 1], [2]] output_shape [%7, 16, 64] : tensor<?x64xbf16> into tensor<?x16x64xbf16>
    %8 = tensor.empty(%7) : tensor<?x16x64xbf16>
    %9 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<?x16x64xbf16>) outs(%8 : tensor<?x16x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %14 = arith.mulf %in, %cst_1 : bf16
      linalg.yield %14 : bf16
    } -> tensor<?x16x64xbf16>
    %expanded_2 = tensor.expand_shape %9 [[0], [1], [2, 3]] output_shape [%7, 16, 64, 1] : tensor<?x16x64xbf16> into tensor<?x16x64x1xbf16>
    %dim_3 = tensor.dim %arg2, %c0 : tensor<?x16x64x1xf32>
    %10 = arith.cmpi eq, %7, %dim_3 : index
    cf.assert %10, "mismatched size for broadcast"
    %11 = tensor.empty(%7) : tensor<?x16x64x1xf32>
    %12 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_2, %arg2 : tensor<?x16x64x1xbf16>, tensor<?x16x64x1xf32>) outs(%11 : tensor<?x16x64x1xf32>) {
    ^bb0(%in: bf16, %in_4: f32, %out: f32):
      %14 = arith.extf %in : bf16 to f32
      %15 = arith.mulf %14, %in_4 : f32
      linalg.yield %15 : f32
    } -> tensor<?x16x64x1xf32>
    %13 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%12 : tensor<?x16x64x1xf32>) outs(%11 : tensor<?x16x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %14 = arith.truncf %cst_0 : f64 to f32
      %15 = arith.mulf %in, %14 : f32
      linalg.yield %15 : f32
    } -> tensor<?x16x64x1xf32>
    return %13 : tensor<?x16x64x1xf32>
  }
}
