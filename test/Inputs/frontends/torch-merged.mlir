// Engine: torch-mlir, vLLM V1
// Expression: F.linear(x, kw).split([128, 64], -1); weights * q_scale *
//            128**-0.5 * 64**-0.5; T unknown
// Written by test/Inputs/frontends/make.py torch-merged

#map = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @head_gate(%arg0: tensor<?x7168xbf16>, %arg1: tensor<192x7168xbf16>, %arg2: tensor<?x64xf32>) -> (tensor<?x128xbf16>, tensor<?x64xf32>) {
    %c0 = arith.constant 0 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0.088388347648318447 : f64
    %cst_1 = arith.constant 1.250000e-01 : f32
    %0 = tensor.empty() : tensor<7168x192xbf16>
    %transposed = linalg.transpose ins(%arg1 : tensor<192x7168xbf16>) outs(%0 : tensor<7168x192xbf16>) permutation = [1, 0]
    %dim = tensor.dim %arg0, %c0 : tensor<?x7168xbf16>
    %1 = tensor.empty(%dim) : tensor<?x192xf32>
    %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<?x192xf32>) -> tensor<?x192xf32>
    %3 = linalg.matmul ins(%arg0, %transposed : tensor<?x7168xbf16>, tensor<7168x192xbf16>) outs(%2 : tensor<?x192xf32>) -> tensor<?x192xf32>
    %4 = tensor.empty(%dim) : tensor<?x192xbf16>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<?x192xf32>) outs(%4 : tensor<?x192xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %11 = arith.truncf %in : f32 to bf16
      linalg.yield %11 : bf16
    } -> tensor<?x192xbf16>
    %extracted_slice = tensor.extract_slice %5[0, 0] [%dim, 128] [1, 1] : tensor<?x192xbf16> to tensor<?x128xbf16>
    %extracted_slice_2 = tensor.extract_slice %5[0, 128] [%dim, 64] [1, 1] : tensor<?x192xbf16> to tensor<?x64xbf16>
    %dim_3 = tensor.dim %arg2, %c0 : tensor<?x64xf32>
    %6 = arith.cmpi eq, %dim, %dim_3 : index
    cf.assert %6, "mismatched size for broadcast"
    %7 = tensor.empty(%dim) : tensor<?x64xf32>
    %8 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%extracted_slice_2, %arg2 : tensor<?x64xbf16>, tensor<?x64xf32>) outs(%7 : tensor<?x64xf32>) {
    ^bb0(%in: bf16, %in_4: f32, %out: f32):
      %11 = arith.extf %in : bf16 to f32
      %12 = arith.mulf %11, %in_4 : f32
      linalg.yield %12 : f32
    } -> tensor<?x64xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%8 : tensor<?x64xf32>) outs(%7 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.truncf %cst_0 : f64 to f32
      %12 = arith.mulf %in, %11 : f32
      linalg.yield %12 : f32
    } -> tensor<?x64xf32>
    %10 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%9 : tensor<?x64xf32>) outs(%7 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %11 = arith.mulf %in, %cst_1 : f32
      linalg.yield %11 : f32
    } -> tensor<?x64xf32>
    return %extracted_slice, %10 : tensor<?x128xbf16>, tensor<?x64xf32>
  }
}
