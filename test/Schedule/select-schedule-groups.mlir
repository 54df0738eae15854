// RUN: indexer-opt %s --split-input-file --indexer-fuse \
// RUN:   --indexer-group-shared-operand --indexer-select-schedule \
// RUN:   --indexer-verify-schedule | FileCheck %s

// A group has the measured schedules of all of its heads.

// CHECK-LABEL: func.func @tuned_group
// CHECK:         indexer.group = 0 : i64, indexer.schedules = [
// CHECK-SAME:      family = dot, tile_t = 1, tile_h = 1, threads = 448, max_tokens = 1>
// CHECK-SAME:      family = tma_wgmma, tile_t = 192, tile_h = 64, threads = 416
#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
#all = affine_map<(t, h) -> (t, h)>
func.func @tuned_group(%x: tensor<?x7168xbf16>, %weight: tensor<192x7168xbf16>,
    %q_scale: tensor<?x64x1xf32>, %head_scale: f32, %softmax_scale: f32)
    -> (tensor<?x128xbf16>, tensor<?x64x1xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %x_tokens = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %x_empty = tensor.empty(%x_tokens) : tensor<?x192xf32>
  %x_zeros = linalg.fill ins(%zero : f32) outs(%x_empty : tensor<?x192xf32>)
      -> tensor<?x192xf32>
  %x_sums = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %weight : tensor<?x7168xbf16>, tensor<192x7168xbf16>)
      outs(%x_zeros : tensor<?x192xf32>) -> tensor<?x192xf32>
  %sliced = tensor.extract_slice %x_sums[0, 0] [%x_tokens, 128] [1, 1]
      : tensor<?x192xf32> to tensor<?x128xf32>
  %keys = arith.truncf %sliced : tensor<?x128xf32> to tensor<?x128xbf16>
  %logits = tensor.extract_slice %x_sums[0, 128] [%x_tokens, 64] [1, 1]
      : tensor<?x192xf32> to tensor<?x64xf32>
  %scales = tensor.collapse_shape %q_scale [[0], [1, 2]] : tensor<?x64x1xf32> into tensor<?x64xf32>
  %room = tensor.empty(%x_tokens) : tensor<?x64xf32>
  %flat = linalg.generic {
      indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%logits, %scales : tensor<?x64xf32>, tensor<?x64xf32>) outs(%room : tensor<?x64xf32>) {
  ^bb0(%logit: f32, %scale: f32, %out: f32):
    %by_heads = arith.mulf %logit, %head_scale : f32
    %by_scale = arith.mulf %by_heads, %scale : f32
    %by_softmax = arith.mulf %by_scale, %softmax_scale : f32
    linalg.yield %by_softmax : f32
  } -> tensor<?x64xf32>
  %gate = tensor.expand_shape %flat [[0], [1, 2]] output_shape [%x_tokens, 64, 1]
      : tensor<?x64xf32> into tensor<?x64x1xf32>
  return %keys, %gate : tensor<?x128xbf16>, tensor<?x64x1xf32>
}

// -----

// A tile of wgmma's rows is finished by one op: where an op does not begin at a
// multiple of 16 heads the measured schedules do not hold.

// CHECK-LABEL: func.func @odd_group
// CHECK:         indexer.group = 0 : i64, indexer.schedules = [
// CHECK-SAME:      family = register_mma
// CHECK-NOT:       wgmma
// CHECK:         return
#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
#all = affine_map<(t, h) -> (t, h)>
func.func @odd_group(%x: tensor<?x7168xbf16>, %weight: tensor<192x7168xbf16>,
    %q_scale: tensor<?x72x1xf32>, %head_scale: f32, %softmax_scale: f32)
    -> (tensor<?x120xbf16>, tensor<?x72x1xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %x_tokens = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %x_empty = tensor.empty(%x_tokens) : tensor<?x192xf32>
  %x_zeros = linalg.fill ins(%zero : f32) outs(%x_empty : tensor<?x192xf32>)
      -> tensor<?x192xf32>
  %x_sums = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %weight : tensor<?x7168xbf16>, tensor<192x7168xbf16>)
      outs(%x_zeros : tensor<?x192xf32>) -> tensor<?x192xf32>
  %sliced = tensor.extract_slice %x_sums[0, 0] [%x_tokens, 120] [1, 1]
      : tensor<?x192xf32> to tensor<?x120xf32>
  %keys = arith.truncf %sliced : tensor<?x120xf32> to tensor<?x120xbf16>
  %logits = tensor.extract_slice %x_sums[0, 120] [%x_tokens, 72] [1, 1]
      : tensor<?x192xf32> to tensor<?x72xf32>
  %scales = tensor.collapse_shape %q_scale [[0], [1, 2]] : tensor<?x72x1xf32> into tensor<?x72xf32>
  %room = tensor.empty(%x_tokens) : tensor<?x72xf32>
  %flat = linalg.generic {
      indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%logits, %scales : tensor<?x72xf32>, tensor<?x72xf32>) outs(%room : tensor<?x72xf32>) {
  ^bb0(%logit: f32, %scale: f32, %out: f32):
    %by_heads = arith.mulf %logit, %head_scale : f32
    %by_scale = arith.mulf %by_heads, %scale : f32
    %by_softmax = arith.mulf %by_scale, %softmax_scale : f32
    linalg.yield %by_softmax : f32
  } -> tensor<?x72xf32>
  %gate = tensor.expand_shape %flat [[0], [1, 2]] output_shape [%x_tokens, 72, 1]
      : tensor<?x72xf32> into tensor<?x72x1xf32>
  return %keys, %gate : tensor<?x120xbf16>, tensor<?x72x1xf32>
}
