// Engine: torch-mlir, any engine
// Expression: with_scales(einsum('td,hd->th', x.float(), w.float())); T unknown
// Written by test/Inputs/frontends/make.py torch-einsum-f32-dynamic

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
module {
  func.func @head_gate(%arg0: tensor<?x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<?x64x1xf32>) -> tensor<?x64x1xf32> {
    %c0 = arith.constant 0 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : f32
    %dim = tensor.dim %arg0, %c0 : tensor<?x7168xbf16>
    %0 = tensor.empty(%dim) : tensor<?x7168xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<?x7168xbf16>) outs(%0 : tensor<?x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %14 = arith.extf %in : bf16 to f32
      linalg.yield %14 : f32
    } -> tensor<?x7168xf32>
    %2 = tensor.empty() : tensor<64x7168xf32>
    %3 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%2 : tensor<64x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %14 = arith.extf %in : bf16 to f32
      linalg.yield %14 : f32
    } -> tensor<64x7168xf32>
    %expanded = tensor.expand_shape %3 [[0], [1, 2]] output_shape [64, 7168, 1] : tensor<64x7168xf32> into tensor<64x7168x1xf32>
    %expanded_2 = tensor.expand_shape %1 [[0, 1], [2]] output_shape [1, %dim, 7168] : tensor<?x7168xf32> into tensor<1x?x7168xf32>
    %4 = tensor.empty() : tensor<7168x64x1xf32>
    %transposed = linalg.transpose ins(%expanded : tensor<64x7168x1xf32>) outs(%4 : tensor<7168x64x1xf32>) permutation = [1, 0, 2]
    %collapsed = tensor.collapse_shape %transposed [[0], [1, 2]] : tensor<7168x64x1xf32> into tensor<7168x64xf32>
    %expanded_3 = tensor.expand_shape %collapsed [[0, 1], [2]] output_shape [1, 7168, 64] : tensor<7168x64xf32> into tensor<1x7168x64xf32>
    %5 = tensor.empty(%dim) : tensor<1x?x64xf32>
    %6 = linalg.fill ins(%cst : f32) outs(%5 : tensor<1x?x64xf32>) -> tensor<1x?x64xf32>
    %7 = linalg.batch_matmul ins(%expanded_2, %expanded_3 : tensor<1x?x7168xf32>, tensor<1x7168x64xf32>) outs(%6 : tensor<1x?x64xf32>) -> tensor<1x?x64xf32>
    %collapsed_4 = tensor.collapse_shape %7 [[0, 1], [2]] : tensor<1x?x64xf32> into tensor<?x64xf32>
    %expanded_5 = tensor.expand_shape %collapsed_4 [[0], [1, 2]] output_shape [%dim, 1, 64] : tensor<?x64xf32> into tensor<?x1x64xf32>
    %8 = tensor.empty(%dim) : tensor<?x64x1xf32>
    %transposed_6 = linalg.transpose ins(%expanded_5 : tensor<?x1x64xf32>) outs(%8 : tensor<?x64x1xf32>) permutation = [0, 2, 1]
    %collapsed_7 = tensor.collapse_shape %transposed_6 [[0], [1, 2]] : tensor<?x64x1xf32> into tensor<?x64xf32>
    %9 = tensor.empty(%dim) : tensor<?x64xf32>
    %10 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%collapsed_7 : tensor<?x64xf32>) outs(%9 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %14 = arith.mulf %in, %cst_1 : f32
      linalg.yield %14 : f32
    } -> tensor<?x64xf32>
    %expanded_8 = tensor.expand_shape %10 [[0], [1, 2]] output_shape [%dim, 64, 1] : tensor<?x64xf32> into tensor<?x64x1xf32>
    %dim_9 = tensor.dim %arg2, %c0 : tensor<?x64x1xf32>
    %11 = arith.cmpi eq, %dim, %dim_9 : index
    cf.assert %11, "mismatched size for broadcast"
    %12 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8, %arg2 : tensor<?x64x1xf32>, tensor<?x64x1xf32>) outs(%8 : tensor<?x64x1xf32>) {
    ^bb0(%in: f32, %in_10: f32, %out: f32):
      %14 = arith.mulf %in, %in_10 : f32
      linalg.yield %14 : f32
    } -> tensor<?x64x1xf32>
    %13 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%12 : tensor<?x64x1xf32>) outs(%8 : tensor<?x64x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %14 = arith.truncf %cst_0 : f64 to f32
      %15 = arith.mulf %in, %14 : f32
      linalg.yield %15 : f32
    } -> tensor<?x64x1xf32>
    return %13 : tensor<?x64x1xf32>
  }
}
