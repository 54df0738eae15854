// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-verify-schedule))' | FileCheck %s

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// What SelectSchedule would write and what it would not are both accepted, and
// nothing is changed.

// CHECK-LABEL: func.func @accepted
// CHECK: indexer.schedules = [
// CHECK-SAME: max_tokens = 16>
// CHECK-SAME: threads = 128>]
func.func @accepted(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128, max_tokens = 16>,
        #indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// Kernels with conditions have token ranges of their own; those behind them
// start again.

// CHECK-LABEL: func.func @accepted_register_mma
// CHECK: indexer.schedules = [
// CHECK-SAME: family = register_mma
// CHECK-SAME: family = plain
func.func @accepted_register_mma(%x: tensor<?x7168xbf16>,
    %w: tensor<64x7168xbf16>, %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8,
                          threads = 448, cluster = 8, max_tokens = 8>,
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16, max_tokens = 48>,
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 1, threads = 128,
                          max_tokens = 1>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// Any number of heads is accepted: rows past the last one are clamped.

// CHECK-LABEL: func.func @accepted_cp_async_wgmma
// CHECK: indexer.schedules = [
// CHECK-SAME: family = cp_async_wgmma
// CHECK-SAME: family = plain
func.func @accepted_cp_async_wgmma(%x: tensor<?x7168xbf16>,
    %w: tensor<24x7168xbf16>, %sum: tensor<?x24xf32>, %gate: tensor<?x24xf32>)
    -> tensor<?x24xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x24xf32>)
      -> tensor<?x24xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<24x7168xbf16>)
      outs(%fill, %gate : tensor<?x24xf32>, tensor<?x24xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                          threads = 128, cluster = 2, tile_d = 128,
                          stages = 6>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x24xf32>, tensor<?x24xf32>)
  return %r#1 : tensor<?x24xf32>
}

// CTAs that share the weight do not divide d.

// CHECK-LABEL: func.func @accepted_tma_wgmma
// CHECK: indexer.schedules = [
// CHECK-SAME: family = tma_wgmma
// CHECK-SAME: family = plain
func.func @accepted_tma_wgmma(%x: tensor<?x7168xbf16>,
    %w: tensor<24x7168xbf16>, %sum: tensor<?x24xf32>, %gate: tensor<?x24xf32>)
    -> tensor<?x24xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x24xf32>)
      -> tensor<?x24xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<24x7168xbf16>)
      outs(%fill, %gate : tensor<?x24xf32>, tensor<?x24xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 64,
                          threads = 160, cluster = 2, tile_d = 128,
                          stages = 4, multicast = 2, max_ctas = 132>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x24xf32>, tensor<?x24xf32>)
  return %r#1 : tensor<?x24xf32>
}
