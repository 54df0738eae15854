// Engine: llama.cpp forks with GLM
// Expression: mul_mat(W, x) with precision f32, then * (a * b)
// Written by hand from the expression, in the form that torch-mlir gives.

#id2 = affine_map<(t, h) -> (t, h)>

func.func @head_gate(
    %x: tensor<?x6144xbf16>,
    %weight: tensor<32x6144xbf16>) -> tensor<?x32xf32> {
  %ab = arith.constant 0.015625000000000003 : f64
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x6144xbf16>
  %wt_init = tensor.empty() : tensor<6144x32xbf16>
  %wt = linalg.transpose ins(%weight : tensor<32x6144xbf16>)
      outs(%wt_init : tensor<6144x32xbf16>) permutation = [1, 0]
  %acc_init = tensor.empty(%t) : tensor<?x32xf32>
  %acc_zero = linalg.fill ins(%zero : f32) outs(%acc_init : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %acc = linalg.matmul ins(%x, %wt : tensor<?x6144xbf16>, tensor<6144x32xbf16>)
      outs(%acc_zero : tensor<?x32xf32>) -> tensor<?x32xf32>
  %gate_init = tensor.empty(%t) : tensor<?x32xf32>
  %gate = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<?x32xf32>)
      outs(%gate_init : tensor<?x32xf32>) {
  ^bb0(%a0: f32, %init: f32):
    %s = arith.truncf %ab : f64 to f32
    %r = arith.mulf %a0, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x32xf32>
  return %gate : tensor<?x32xf32>
}
