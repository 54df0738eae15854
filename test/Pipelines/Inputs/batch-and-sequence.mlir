// A gate on tokens that are cut into batch and sequence, both unknown.
func.func @batch_and_sequence(%x: tensor<?x?x64xbf16>, %w: tensor<8x64xbf16>,
                              %q: tensor<?x?x8x1xf32>) -> tensor<?x?x8x1xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?x64xbf16>
  %s = tensor.dim %x, %c1 : tensor<?x?x64xbf16>
  %xt = tensor.collapse_shape %x [[0, 1], [2]]
      : tensor<?x?x64xbf16> into tensor<?x64xbf16>
  %t = arith.muli %b, %s : index
  %init = tensor.empty(%t) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %mm = linalg.matmul
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%xt, %w : tensor<?x64xbf16>, tensor<8x64xbf16>)
      outs(%fill : tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = tensor.expand_shape %mm [[0, 1], [2, 3]] output_shape [%b, %s, 8, 1]
      : tensor<?x8xf32> into tensor<?x?x8x1xf32>
  %gate = arith.mulf %e, %q : tensor<?x?x8x1xf32>
  return %gate : tensor<?x?x8x1xf32>
}
