// The head gate of the lightning indexer, as sglang's logits_head_gate_pcg spells
// it: T tokens, E = 7168 hidden elements, H = 64 heads.
//
//   gate[t, h, 0] = (sum_d x[t, d] * weight[h, d]) * head_scale
//                   * q_scale[t, h, 0] * softmax_scale
//
// x and weight are bf16, everything else f32; both scalars come at run time.
#scalar = affine_map<(t, h, g) -> (t, h, g)>
func.func @head_gate(%x: tensor<?x7168xbf16>, %weight: tensor<64x7168xbf16>,
                     %q_scale: tensor<?x64x1xf32>, %head_scale: f32,
                     %softmax_scale: f32) -> tensor<?x64x1xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x7168xbf16>

  // torch.mm(x, weight.t(), out_dtype=torch.float32)
  %weight_t_init = tensor.empty() : tensor<7168x64xbf16>
  %weight_t = linalg.transpose ins(%weight : tensor<64x7168xbf16>)
                               outs(%weight_t_init : tensor<7168x64xbf16>)
                               permutation = [1, 0]
  %logits_init = tensor.empty(%tokens) : tensor<?x64xf32>
  %logits_zero = linalg.fill ins(%zero : f32) outs(%logits_init : tensor<?x64xf32>)
                             -> tensor<?x64xf32>
  %logits = linalg.matmul
      ins(%x, %weight_t : tensor<?x7168xbf16>, tensor<7168x64xbf16>)
      outs(%logits_zero : tensor<?x64xf32>) -> tensor<?x64xf32>

  // out * n_heads_inv_sqrt
  %scaled_init = tensor.empty(%tokens) : tensor<?x64xf32>
  %scaled = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>, affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%logits : tensor<?x64xf32>) outs(%scaled_init : tensor<?x64xf32>) {
  ^bb0(%logit: f32, %out: f32):
    %product = arith.mulf %logit, %head_scale : f32
    linalg.yield %product : f32
  } -> tensor<?x64xf32>

  // weights.unsqueeze(-1) * q_scale * softmax_scale
  %weights = tensor.expand_shape %scaled [[0], [1, 2]] output_shape [%tokens, 64, 1]
      : tensor<?x64xf32> into tensor<?x64x1xf32>
  %quantized_init = tensor.empty(%tokens) : tensor<?x64x1xf32>
  %quantized = linalg.generic {
      indexing_maps = [#scalar, #scalar, #scalar],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%weights, %q_scale : tensor<?x64x1xf32>, tensor<?x64x1xf32>)
      outs(%quantized_init : tensor<?x64x1xf32>) {
  ^bb0(%weight_element: f32, %scale: f32, %out: f32):
    %product = arith.mulf %weight_element, %scale : f32
    linalg.yield %product : f32
  } -> tensor<?x64x1xf32>
  %gate_init = tensor.empty(%tokens) : tensor<?x64x1xf32>
  %gate = linalg.generic {
      indexing_maps = [#scalar, #scalar],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%quantized : tensor<?x64x1xf32>) outs(%gate_init : tensor<?x64x1xf32>) {
  ^bb0(%element: f32, %out: f32):
    %product = arith.mulf %element, %softmax_scale : f32
    linalg.yield %product : f32
  } -> tensor<?x64x1xf32>
  return %gate : tensor<?x64x1xf32>
}
