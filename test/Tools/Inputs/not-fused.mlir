// A chain that is declined: the GEMM accumulates in bf16.
func.func @rounded(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                   %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xbf16>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %f = arith.extf %s : tensor<4x8xbf16> to tensor<4x8xf32>
  %g = arith.mulf %f, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}
