// Engine: KsanaLLM, kernels/nvidia/weight_scale
// Expression: float(w) * a * s * b, without a GEMM
// Written by hand from the expression.

#id = affine_map<(t, h) -> (t, h)>

func.func @weight_scale(%w: tensor<?x32xbf16>, %s: tensor<?x32xf32>, %a: f32,
                        %b: f32) -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %w, %c0 : tensor<?x32xbf16>
  %init = tensor.empty(%t) : tensor<?x32xf32>
  %g0 = linalg.generic {indexing_maps = [#id, #id],
      iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<?x32xbf16>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %f = arith.extf %in : bf16 to f32
    %p = arith.mulf %f, %a : f32
    linalg.yield %p : f32
  } -> tensor<?x32xf32>
  %g1 = arith.mulf %g0, %s : tensor<?x32xf32>
  %g2 = linalg.generic {indexing_maps = [#id, #id],
      iterator_types = ["parallel", "parallel"]}
      ins(%g1 : tensor<?x32xf32>) outs(%init : tensor<?x32xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = arith.mulf %in, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x32xf32>
  return %g2 : tensor<?x32xf32>
}
