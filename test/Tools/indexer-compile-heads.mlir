// REQUIRES: ptxas
// RUN: indexer-compile %s --chips sm_90a -o %t.idxb
// RUN: indexer-bundle show %t.idxb | FileCheck %s

// Tiles of all heads of a merged weight, the last of which do not exist, need
// nearly all registers of a multiprocessor. That ptxas moves them from the warps
// that do not multiply shows in what a launch gives to each thread, 65536 by
// their number, and in that nothing spills.

// CHECK:      kernel family chip T tile split threads cluster aligned shared registers spills
// CHECK-NEXT: {{.*}} 1..3168 88x192 2 512 2 16 {{[0-9]+}} 128 0
// CHECK-NEXT: {{.*}} 3169..8448 64x192 1 512 1 16 {{[0-9]+}} 128 0
// CHECK-NEXT: {{.*}} 8449..9000 128x128 1 384 1 16 {{[0-9]+}} 168 0
// CHECK-NEXT: {{.*}} 9001..16896 128x192 1 512 1 16 {{[0-9]+}} 128 0
// CHECK-NEXT: {{.*}} 128x192 1 512 2 16 {{[0-9]+}} 128 0

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
func.func @keys_and_gate(%x: tensor<?x7168xbf16>,
    %weight: tensor<160x7168xbf16>, %q: tensor<?x32xf32>,
    %head_scale: f32, %softmax_scale: f32)
    -> (tensor<?x128xbf16>, tensor<?x32xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x7168xbf16>
  %wk = tensor.extract_slice %weight[0, 0] [128, 7168] [1, 1]
      : tensor<160x7168xbf16> to tensor<128x7168xbf16>
  %wg = tensor.extract_slice %weight[128, 0] [32, 7168] [1, 1]
      : tensor<160x7168xbf16> to tensor<32x7168xbf16>
  %ek = tensor.empty(%tokens) : tensor<?x128xf32>
  %fk = linalg.fill ins(%zero : f32) outs(%ek : tensor<?x128xf32>)
      -> tensor<?x128xf32>
  %eg = tensor.empty(%tokens) : tensor<?x32xf32>
  %fg = linalg.fill ins(%zero : f32) outs(%eg : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %k:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wk : tensor<?x7168xbf16>, tensor<128x7168xbf16>)
      outs(%fk, %ek : tensor<?x128xf32>, tensor<?x128xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = tma_wgmma, tile_t = 88, tile_h = 192,
                        threads = 512, cluster = 2, tile_d = 64, stages = 4,
                        max_tokens = 3168>,
      #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 6,
                        weights = static, max_tokens = 8448>,
      #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 128,
                        threads = 384, tile_d = 128, stages = 3,
                        max_tokens = 9000>,
      #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 5,
                        max_tokens = 16896>,
      #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                        threads = 512, cluster = 2, tile_d = 64, stages = 5,
                        multicast = 2, max_ctas = 132>,
      #indexer.schedule<family = plain, tile_t = 1, tile_h = 1, threads = 32>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x128xf32>, tensor<?x128xf32>)
  %keys = arith.truncf %k#1 : tensor<?x128xf32> to tensor<?x128xbf16>
  %g:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wg, %q : tensor<?x7168xbf16>, tensor<32x7168xbf16>,
          tensor<?x32xf32>)
      outs(%fg, %eg : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = tma_wgmma, tile_t = 88, tile_h = 192,
                        threads = 512, cluster = 2, tile_d = 64, stages = 4,
                        max_tokens = 3168>,
      #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 6,
                        weights = static, max_tokens = 8448>,
      #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 128,
                        threads = 384, tile_d = 128, stages = 3,
                        max_tokens = 9000>,
      #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 5,
                        max_tokens = 16896>,
      #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                        threads = 512, cluster = 2, tile_d = 64, stages = 5,
                        multicast = 2, max_ctas = 132>,
      #indexer.schedule<family = plain, tile_t = 1, tile_h = 1, threads = 32>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.mulf %n, %head_scale : f32
    %e1 = arith.mulf %e0, %qs : f32
    %e2 = arith.mulf %e1, %softmax_scale : f32
    linalg.yield %n, %e2 : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return %keys, %g#1 : tensor<?x128xbf16>, tensor<?x32xf32>
}
