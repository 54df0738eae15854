// Engine: JAX through IREE
// Expression: dot_general(x, w, preferred_element_type=f32) * 64**-0.5 *
//            q_scale * 128**-0.5 with q_scale [T, H]; T unknown
// Written by test/Inputs/frontends/make.py jax-preferred-dynamic

module @jit_function {
  func.func @head_gate(%arg0: tensor<?x7168xbf16>, %arg1: tensor<64x7168xbf16>, %arg2: tensor<?x64xf32>) -> tensor<?x64xf32> {
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant dense<1.250000e-01> : tensor<f32>
    %cst_1 = arith.constant dense<0.0883883461> : tensor<f32>
    %c0 = arith.constant 0 : index
    %dim = tensor.dim %arg0, %c0 : tensor<?x7168xbf16>
    %0 = arith.index_cast %dim : index to i32
    %1 = tensor.empty() : tensor<7168x64xbf16>
    %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<64x7168xbf16>) outs(%1 : tensor<7168x64xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      linalg.yield %in : bf16
    } -> tensor<7168x64xbf16>
    %dim_2 = tensor.dim %arg0, %c0 : tensor<?x7168xbf16>
    %3 = tensor.empty(%dim_2) : tensor<?x64xf32>
    %4 = linalg.fill ins(%cst : f32) outs(%3 : tensor<?x64xf32>) -> tensor<?x64xf32>
    %5 = linalg.matmul ins(%arg0, %2 : tensor<?x7168xbf16>, tensor<7168x64xbf16>) outs(%4 : tensor<?x64xf32>) -> tensor<?x64xf32>
    %6 = arith.index_cast %0 : i32 to index
    %7 = tensor.empty(%6) : tensor<?x64xf32>
    %8 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%cst_0 : tensor<f32>) outs(%7 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<?x64xf32>
    %9 = tensor.empty(%dim_2) : tensor<?x64xf32>
    %10 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%5, %8 : tensor<?x64xf32>, tensor<?x64xf32>) outs(%9 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %in_3: f32, %out: f32):
      %18 = arith.mulf %in, %in_3 : f32
      linalg.yield %18 : f32
    } -> tensor<?x64xf32>
    %11 = tensor.empty(%dim_2) : tensor<?x64xf32>
    %12 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%10, %arg2 : tensor<?x64xf32>, tensor<?x64xf32>) outs(%11 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %in_3: f32, %out: f32):
      %18 = arith.mulf %in, %in_3 : f32
      linalg.yield %18 : f32
    } -> tensor<?x64xf32>
    %13 = arith.index_cast %0 : i32 to index
    %14 = tensor.empty(%13) : tensor<?x64xf32>
    %15 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%cst_1 : tensor<f32>) outs(%14 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<?x64xf32>
    %16 = tensor.empty(%dim_2) : tensor<?x64xf32>
    %17 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%12, %15 : tensor<?x64xf32>, tensor<?x64xf32>) outs(%16 : tensor<?x64xf32>) {
    ^bb0(%in: f32, %in_3: f32, %out: f32):
      %18 = arith.mulf %in, %in_3 : f32
      linalg.yield %18 : f32
    } -> tensor<?x64xf32>
    return %17 : tensor<?x64xf32>
  }
}
