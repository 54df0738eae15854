// A gate of 16 heads for one token: few and small kernels.
func.func @gate(%x: tensor<1x64xbf16>, %weight: tensor<16x64xbf16>,
                %q_scale: tensor<1x16xf32>, %softmax_scale: f32)
    -> tensor<1x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x16xf32>)
      -> tensor<1x16xf32>
  %logits = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %weight : tensor<1x64xbf16>, tensor<16x64xbf16>)
      outs(%zeros : tensor<1x16xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %left = arith.extf %a : bf16 to f32
    %right = arith.extf %b : bf16 to f32
    %product = arith.mulf %left, %right : f32
    %next = arith.addf %sum, %product : f32
    linalg.yield %next : f32
  } -> tensor<1x16xf32>
  %gate = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%logits, %q_scale : tensor<1x16xf32>, tensor<1x16xf32>)
      outs(%empty : tensor<1x16xf32>) {
  ^bb0(%logit: f32, %scale: f32, %out: f32):
    %by_query = arith.mulf %logit, %scale : f32
    %by_softmax = arith.mulf %by_query, %softmax_scale : f32
    linalg.yield %by_softmax : f32
  } -> tensor<1x16xf32>
  return %gate : tensor<1x16xf32>
}
