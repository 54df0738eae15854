// Engine: torch-mlir, sglang S7 with GLM's shapes
// Expression: (F.linear(x, w) * 32**-0.5).unsqueeze(-1) * q_scale * 128**-0.5
//            with a bf16 GEMM and scale; T unknown
// Written by test/Inputs/frontends/make.py torch-linear-bf16-dynamic

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
module {
  func.func @head_gate(%arg0: tensor<?x6144xbf16>, %arg1: tensor<32x6144xbf16>, %arg2: tensor<?x32x1xf32>) -> tensor<?x32x1xf32> {
    %c0 = arith.constant 0 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 0.17677669529663689 : f64
    %0 = tensor.empty() : tensor<6144x32xbf16>
    %transposed = linalg.transpose ins(%arg1 : tensor<32x6144xbf16>) outs(%0 : tensor<6144x32xbf16>) permutation = [1, 0]
    %dim = tensor.dim %arg0, %c0 : tensor<?x6144xbf16>
    %1 = tensor.empty(%dim) : tensor<?x32xf32>
    %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %3 = linalg.matmul ins(%arg0, %transposed : tensor<?x6144xbf16>, tensor<6144x32xbf16>) outs(%2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %4 = tensor.empty(%dim) : tensor<?x32xbf16>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<?x32xf32>) outs(%4 : tensor<?x32xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %11 = arith.truncf %in : f32 to bf16
      linalg.yield %11 : bf16
    } -> tensor<?x32xbf16>
    %6 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%5 : tensor<?x32xbf16>) outs(%4 : tensor<?x32xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %11 = arith.truncf %cst_1 : f64 to bf16
      %12 = arith.mulf %in, %11 : bf16
      linalg.yield %12 : bf16
    } -> tensor<?x32xbf16>
    %expanded = tensor.expand_shape %6 [[0], [1, 2]] output_shape [%dim, 32, 1] : tensor<?x32xbf16> into tensor<?x32x1xbf16>
    %dim_2 = tensor.dim %arg2, %c0 : tensor<?x32x1xf32>
    %7 = arith.cmpi eq, %dim, %dim_2 : index
    cf.assert %7, "mismatched size for broadcast"
    %8 = tensor.empty(%dim) : tensor<?x32x1xf32>
    %9 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %arg2 : tensor<?x32x1xbf16>, tensor<?x32x1xf32>) outs(%8 : tensor<?x32x1xf32>) {
    ^bb0(%in: bf16, %in_3: f32, %out: f32):
      %11 = arith.extf %in : bf16 to f32
      %12 = arith.mulf %11, %in_3 : f32
      linalg.yield %12 : f32
    } -> tensor<?x32x1xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%9 : tensor<?x32x1xf32>) outs(%8 : tensor<?x32x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.truncf %cst_0 : f64 to f32
      %12 = arith.mulf %in, %11 : f32
      linalg.yield %12 : f32
    } -> tensor<?x32x1xf32>
    return %10 : tensor<?x32x1xf32>
  }
}
