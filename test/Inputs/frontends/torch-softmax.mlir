// Engine: torch-mlir, a router that is no head gate
// Expression: softmax(F.linear(x.float(), w.float()), -1)
// Written by test/Inputs/frontends/make.py torch-softmax

#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1) -> (d0)>
#map2 = affine_map<(d0, d1) -> (d0, 0)>
module {
  func.func @head_gate(%arg0: tensor<16x7168xbf16>, %arg1: tensor<64x7168xbf16>) -> tensor<16x64xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %c0_i64 = arith.constant 0 : i64
    %cst_0 = arith.constant 0xFF800000 : f32
    %0 = tensor.empty() : tensor<16x7168xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<16x7168xbf16>) outs(%0 : tensor<16x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %19 = arith.extf %in : bf16 to f32
      linalg.yield %19 : f32
    } -> tensor<16x7168xf32>
    %2 = tensor.empty() : tensor<64x7168xf32>
    %3 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%2 : tensor<64x7168xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %19 = arith.extf %in : bf16 to f32
      linalg.yield %19 : f32
    } -> tensor<64x7168xf32>
    %4 = tensor.empty() : tensor<7168x64xf32>
    %transposed = linalg.transpose ins(%3 : tensor<64x7168xf32>) outs(%4 : tensor<7168x64xf32>) permutation = [1, 0]
    %5 = tensor.empty() : tensor<16x64xf32>
    %6 = linalg.fill ins(%cst : f32) outs(%5 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %7 = linalg.matmul ins(%1, %transposed : tensor<16x7168xf32>, tensor<7168x64xf32>) outs(%6 : tensor<16x64xf32>) -> tensor<16x64xf32>
    %8 = tensor.empty() : tensor<16xi64>
    %9 = linalg.fill ins(%c0_i64 : i64) outs(%8 : tensor<16xi64>) -> tensor<16xi64>
    %10 = tensor.empty() : tensor<16xf32>
    %11 = linalg.fill ins(%cst_0 : f32) outs(%10 : tensor<16xf32>) -> tensor<16xf32>
    %12:2 = linalg.generic {indexing_maps = [#map, #map1, #map1], iterator_types = ["parallel", "reduction"]} ins(%7 : tensor<16x64xf32>) outs(%11, %9 : tensor<16xf32>, tensor<16xi64>) {
    ^bb0(%in: f32, %out: f32, %out_1: i64):
      %19 = linalg.index 1 : index
      %20 = arith.index_cast %19 : index to i64
      %21 = arith.maximumf %in, %out : f32
      %22 = arith.cmpf ogt, %in, %out : f32
      %23 = arith.select %22, %20, %out_1 : i64
      linalg.yield %21, %23 : f32, i64
    } -> (tensor<16xf32>, tensor<16xi64>)
    %expanded = tensor.expand_shape %12#0 [[0, 1]] output_shape [16, 1] : tensor<16xf32> into tensor<16x1xf32>
    %13 = linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel"]} ins(%7, %expanded : tensor<16x64xf32>, tensor<16x1xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %in_1: f32, %out: f32):
      %19 = arith.subf %in, %in_1 : f32
      linalg.yield %19 : f32
    } -> tensor<16x64xf32>
    %14 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%13 : tensor<16x64xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %19 = math.exp %in : f32
      linalg.yield %19 : f32
    } -> tensor<16x64xf32>
    %15 = tensor.empty() : tensor<16x1xf32>
    %16 = linalg.fill ins(%cst : f32) outs(%15 : tensor<16x1xf32>) -> tensor<16x1xf32>
    %17 = linalg.generic {indexing_maps = [#map, #map2], iterator_types = ["parallel", "reduction"]} ins(%14 : tensor<16x64xf32>) outs(%16 : tensor<16x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %19 = arith.addf %in, %out : f32
      linalg.yield %19 : f32
    } -> tensor<16x1xf32>
    %18 = linalg.generic {indexing_maps = [#map, #map2, #map], iterator_types = ["parallel", "parallel"]} ins(%14, %17 : tensor<16x64xf32>, tensor<16x1xf32>) outs(%5 : tensor<16x64xf32>) {
    ^bb0(%in: f32, %in_1: f32, %out: f32):
      %19 = arith.divf %in, %in_1 : f32
      linalg.yield %19 : f32
    } -> tensor<16x64xf32>
    return %18 : tensor<16x64xf32>
  }
}
