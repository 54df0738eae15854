// Engine: torch.einsum in any of them
// Expression: torch.einsum("td,hd->th", x.float(), weight.float()) * a, then
//             .unsqueeze(-1) * q_scale
// Written by hand from the expression, in the form that torch-mlir gives: unit
// dimensions come, move and go on both sides of a batch_matmul of batch 1.

#id2 = affine_map<(t, h) -> (t, h)>
#id3 = affine_map<(t, h, g) -> (t, h, g)>

func.func @head_gate(%x: tensor<?x7168xf32>, %weight: tensor<64x7168xf32>,
                     %q_scale: tensor<?x64x1xf32>) -> tensor<?x64x1xf32> {
  %a = arith.constant 0.17677669529663687 : f64
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x7168xf32>

  %x3 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%t, 7168, 1]
      : tensor<?x7168xf32> into tensor<?x7168x1xf32>
  %xt_init = tensor.empty(%t) : tensor<1x?x7168xf32>
  %xt = linalg.transpose ins(%x3 : tensor<?x7168x1xf32>)
      outs(%xt_init : tensor<1x?x7168xf32>) permutation = [2, 0, 1]
  %w3 = tensor.expand_shape %weight [[0], [1, 2]] output_shape [64, 7168, 1]
      : tensor<64x7168xf32> into tensor<64x7168x1xf32>
  %wt_init = tensor.empty() : tensor<1x7168x64xf32>
  %wt = linalg.transpose ins(%w3 : tensor<64x7168x1xf32>)
      outs(%wt_init : tensor<1x7168x64xf32>) permutation = [2, 1, 0]

  %init = tensor.empty(%t) : tensor<1x?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<1x?x64xf32>)
      -> tensor<1x?x64xf32>
  %bmm = linalg.batch_matmul
      ins(%xt, %wt : tensor<1x?x7168xf32>, tensor<1x7168x64xf32>)
      outs(%fill : tensor<1x?x64xf32>) -> tensor<1x?x64xf32>

  %tb = tensor.dim %bmm, %c0 : tensor<1x?x64xf32>
  %b4 = tensor.expand_shape %bmm [[0], [1], [2, 3]] output_shape [1, %t, 64, 1]
      : tensor<1x?x64xf32> into tensor<1x?x64x1xf32>
  %bt_init = tensor.empty(%t) : tensor<?x64x1x1xf32>
  %bt = linalg.transpose ins(%b4 : tensor<1x?x64x1xf32>)
      outs(%bt_init : tensor<?x64x1x1xf32>) permutation = [1, 2, 0, 3]
  %out = tensor.collapse_shape %bt [[0], [1, 2, 3]]
      : tensor<?x64x1x1xf32> into tensor<?x64xf32>

  %scaled_init = tensor.empty(%t) : tensor<?x64xf32>
  %scaled = linalg.generic {indexing_maps = [#id2, #id2],
      iterator_types = ["parallel", "parallel"]}
      ins(%out : tensor<?x64xf32>) outs(%scaled_init : tensor<?x64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %s = arith.truncf %a : f64 to f32
    %p = arith.mulf %in, %s : f32
    linalg.yield %p : f32
  } -> tensor<?x64xf32>
  %tq = tensor.dim %q_scale, %c0 : tensor<?x64x1xf32>
  %same = arith.cmpi eq, %t, %tq : index
  cf.assert %same, "mismatched size for broadcast"
  %s3 = tensor.expand_shape %scaled [[0], [1, 2]] output_shape [%t, 64, 1]
      : tensor<?x64xf32> into tensor<?x64x1xf32>
  %gate_init = tensor.empty(%t) : tensor<?x64x1xf32>
  %gate = linalg.generic {indexing_maps = [#id3, #id3, #id3],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s3, %q_scale : tensor<?x64x1xf32>, tensor<?x64x1xf32>)
      outs(%gate_init : tensor<?x64x1xf32>) {
  ^bb0(%in: f32, %q: f32, %o: f32):
    %p = arith.mulf %in, %q : f32
    linalg.yield %p : f32
  } -> tensor<?x64x1xf32>
  return %gate : tensor<?x64x1xf32>
}
