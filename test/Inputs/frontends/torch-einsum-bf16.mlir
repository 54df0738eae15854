// Engine: torch-mlir, any engine
// Expression: with_scales(einsum('bsd,hd->bsh', x, w)) in bf16; x [B, S, E]
// Written by test/Inputs/frontends/make.py torch-einsum-bf16

#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map1 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
module {
  func.func @head_gate(%arg0: tensor<2x16x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<2x16x64x1xf32>) -> tensor<2x16x64x1xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : bf16
    %expanded = tensor.expand_shape %arg1 [[0], [1, 2, 3]] output_shape [64, 7168, 1, 1] : tensor<64x7168xbf16> into tensor<64x7168x1x1xbf16>
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x16x7168xbf16> into tensor<32x7168xbf16>
    %expanded_2 = tensor.expand_shape %collapsed [[0, 1], [2]] output_shape [1, 32, 7168] : tensor<32x7168xbf16> into tensor<1x32x7168xbf16>
    %0 = tensor.empty() : tensor<7168x64x1x1xbf16>
    %transposed = linalg.transpose ins(%expanded : tensor<64x7168x1x1xbf16>) outs(%0 : tensor<7168x64x1x1xbf16>) permutation = [1, 0, 2, 3]
    %collapsed_3 = tensor.collapse_shape %transposed [[0], [1, 2, 3]] : tensor<7168x64x1x1xbf16> into tensor<7168x64xbf16>
    %expanded_4 = tensor.expand_shape %collapsed_3 [[0, 1], [2]] output_shape [1, 7168, 64] : tensor<7168x64xbf16> into tensor<1x7168x64xbf16>
    %1 = tensor.empty() : tensor<1x32x64xf32>
    %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<1x32x64xf32>) -> tensor<1x32x64xf32>
    %3 = linalg.batch_matmul ins(%expanded_2, %expanded_4 : tensor<1x32x7168xbf16>, tensor<1x7168x64xbf16>) outs(%2 : tensor<1x32x64xf32>) -> tensor<1x32x64xf32>
    %4 = tensor.empty() : tensor<1x32x64xbf16>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%3 : tensor<1x32x64xf32>) outs(%4 : tensor<1x32x64xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %12 = arith.truncf %in : f32 to bf16
      linalg.yield %12 : bf16
    } -> tensor<1x32x64xbf16>
    %collapsed_5 = tensor.collapse_shape %5 [[0, 1], [2]] : tensor<1x32x64xbf16> into tensor<32x64xbf16>
    %expanded_6 = tensor.expand_shape %collapsed_5 [[0, 1], [2, 3]] output_shape [2, 16, 1, 64] : tensor<32x64xbf16> into tensor<2x16x1x64xbf16>
    %6 = tensor.empty() : tensor<2x16x64x1xbf16>
    %transposed_7 = linalg.transpose ins(%expanded_6 : tensor<2x16x1x64xbf16>) outs(%6 : tensor<2x16x64x1xbf16>) permutation = [0, 1, 3, 2]
    %collapsed_8 = tensor.collapse_shape %transposed_7 [[0], [1], [2, 3]] : tensor<2x16x64x1xbf16> into tensor<2x16x64xbf16>
    %7 = tensor.empty() : tensor<2x16x64xbf16>
    %8 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_8 : tensor<2x16x64xbf16>) outs(%7 : tensor<2x16x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %12 = arith.mulf %in, %cst_1 : bf16
      linalg.yield %12 : bf16
    } -> tensor<2x16x64xbf16>
    %expanded_9 = tensor.expand_shape %8 [[0], [1], [2, 3]] output_shape [2, 16, 64, 1] : tensor<2x16x64xbf16> into tensor<2x16x64x1xbf16>
    %9 = tensor.empty() : tensor<2x16x64x1xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_9, %arg2 : tensor<2x16x64x1xbf16>, tensor<2x16x64x1xf32>) outs(%9 : tensor<2x16x64x1xf32>) {
    ^bb0(%in: bf16, %in_10: f32, %out: f32):
      %12 = arith.extf %in : bf16 to f32
      %13 = arith.mulf %12, %in_10 : f32
      linalg.yield %13 : f32
    } -> tensor<2x16x64x1xf32>
    %11 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%10 : tensor<2x16x64x1xf32>) outs(%9 : tensor<2x16x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %12 = arith.truncf %cst_0 : f64 to f32
      %13 = arith.mulf %in, %12 : f32
      linalg.yield %13 : f32
    } -> tensor<2x16x64x1xf32>
    return %11 : tensor<2x16x64x1xf32>
  }
}
