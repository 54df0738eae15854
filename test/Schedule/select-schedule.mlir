// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule))' | FileCheck %s
// RUN: indexer-opt %s --verify-diagnostics \
// RUN:   --remarks-filter=indexer-schedule --remark-format=emitRemark \
// RUN:   --pass-pipeline='builtin.module(func.func(indexer-select-schedule))'

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// With a dynamic T each kernel has a token range; the ranges grow and the last
// one is open. Kernels that ask for a layout come first, then plain ones for all
// T again, with one number of threads, so that the order of their sum does not
// depend on T.

// CHECK-LABEL: func.func @dynamic_tokens
// CHECK: indexer.schedules = [
// CHECK-SAME: #indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 448, max_tokens = 2>
// CHECK-SAME: #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8, threads = 448, cluster = 8, max_tokens = 8>
// CHECK-SAME: tile_t = 16, tile_h = 16, threads = 224, cluster = 16, max_tokens = 16>
// CHECK-SAME: #indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 896, stages = 1, max_tokens = 72>
// CHECK-SAME: tile_t = 40, tile_h = 64, threads = 128, cluster = 16, tile_d = 448, stages = 1, max_tokens = 280>
// CHECK-SAME: tile_t = 48, tile_h = 64, threads = 128, cluster = 4, tile_d = 128, stages = 7, max_tokens = 1200>
// CHECK-SAME: #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64, threads = 160, cluster = 2, tile_d = 64, stages = 5, multicast = 2, max_ctas = 264>
// CHECK-SAME: #indexer.schedule<family = plain, tile_t = 1, tile_h = 1, threads = 128, max_tokens = 1>
// CHECK-SAME: tile_t = 2, tile_h = 4, threads = 128, max_tokens = 16>
// CHECK-SAME: #indexer.schedule<family = plain, tile_t = 8, tile_h = 8, threads = 128>]
func.func @dynamic_tokens(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>,
                          %q: tensor<?x64xf32>, %sum: tensor<?x64xf32>,
                          %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-remark @below {{family=dot, order="fma in 448 threads, 2 chains each", smem-bytes=56, threads=448, tile=1x1, tokens=1..2}}
  // expected-remark @below {{cluster=8, family=register_mma, order="mma in 14 warps, 8 parts", smem-bytes=5640, threads=448, tile=8x8, tokens=3..8}}
  // expected-remark @below {{tile=16x16, tokens=9..16}}
  // expected-remark @below {{tile=16x16, tokens=17..32}}
  // expected-remark @below {{cluster=16, family=cp_async_wgmma, order="wgmma of 448 columns, 16 parts", smem-bytes=67592, threads=128, tile=8x64, tokens=33..56}}
  // expected-remark @below {{tile=8x64, tokens=57..72}}
  // expected-remark @below {{tile=16x64, tokens=73..112}}
  // expected-remark @below {{tile=8x64, tokens=113..120}}
  // expected-remark @below {{tile=16x64, tokens=121..240}}
  // expected-remark @below {{tile=40x64, tokens=241..280}}
  // expected-remark @below {{tile=24x64, tokens=281..360}}
  // expected-remark @below {{tile=32x64, tokens=361..480}}
  // expected-remark @below {{tile=40x64, tokens=481..600}}
  // expected-remark @below {{tile=48x64, tokens=601..720}}
  // expected-remark @below {{tile=32x64, tokens=721..960}}
  // expected-remark @below {{tile=48x64, tokens=961..1200}}
  // expected-remark @below {{tile=24x64, tokens=1201..1584}}
  // expected-remark @below {{tile=32x64, tokens=1585..2112}}
  // expected-remark @below {{tile=48x64, tokens=2113..3168}}
  // expected-remark @below {{tile=56x64, tokens=3169..3696}}
  // expected-remark @below {{tile=32x64, tokens=3697..4224}}
  // expected-remark @below {{tile=40x64, tokens=4225..5280}}
  // expected-remark @below {{tile=48x64, tokens=5281..6336}}
  // expected-remark @below {{tile=56x64, tokens=6337..7392}}
  // expected-remark @below {{tile=64x64, tokens=7393..8448}}
  // expected-remark @below {{tile=80x64, tokens=8449..10560}}
  // expected-remark @below {{tile=96x64, tokens=10561..12672}}
  // expected-remark @below {{tile=64x64, tokens=12673..16896}}
  // expected-remark @below {{tile=80x64, tokens=16897..21120}}
  // expected-remark @below {{tile=64x64, tokens=21121..inf}}
  // expected-remark @below {{tile=1x1, tokens=1..1}}
  // expected-remark @below {{tile=1x2, tokens=2..4}}
  // expected-remark @below {{tile=2x4, tokens=5..16}}
  // expected-remark @below {{tile=4x8, tokens=17..64}}
  // expected-remark @below {{[Analysis] SelectSchedule | Category:indexer-schedule | family=plain, order="fma in 128 threads", smem-bytes=1024, threads=128, tile=8x8, tokens=65..inf}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x7168xbf16>, tensor<64x7168xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%a: bf16, %b: bf16, %scale: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %scale : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// With a static T one kernel of each kind is enough.

// CHECK-LABEL: func.func @static_tokens
// CHECK: indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 896, stages = 1>,
// CHECK-SAME: #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]
func.func @static_tokens(%x: tensor<64x7168xbf16>, %w: tensor<64x7168xbf16>,
                         %q: tensor<64x64xf32>, %sum: tensor<64x64xf32>,
                         %gate: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<64x64xf32>)
      -> tensor<64x64xf32>
  // expected-remark @below {{cluster=8, ctas=64, family=cp_async_wgmma,}}
  // expected-remark @below {{ctas=128, family=plain, order="fma in 128 threads", smem-bytes=512, threads=128, tile=4x8, tokens=1..inf}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<64x7168xbf16>, tensor<64x7168xbf16>,
          tensor<64x64xf32>)
      outs(%fill, %gate : tensor<64x64xf32>, tensor<64x64xf32>) {
  ^bb0(%a: bf16, %b: bf16, %scale: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %scale : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<64x64xf32>, tensor<64x64xf32>)
  return %r#1 : tensor<64x64xf32>
}

// A hand-written schedule is kept, and what is no fused op gets none.

// CHECK-LABEL: func.func @keeps_handwritten
// CHECK-NOT: indexer.schedules
// CHECK: linalg.matmul
// CHECK-NOT: indexer.schedules
// CHECK: linalg.generic
// CHECK-SAME: indexer.schedules = [#indexer.schedule<family = plain, tile_t = 3, tile_h = 5, threads = 64>]
// CHECK-NOT: indexer.schedules
func.func @keeps_handwritten(%x: tensor<8x64xf32>, %w: tensor<8x64xf32>,
                             %wt: tensor<64x8xf32>, %sum: tensor<8x8xf32>,
                             %gate: tensor<8x8xf32>)
    -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<8x8xf32>)
      -> tensor<8x8xf32>
  %matmul = linalg.matmul
      ins(%x, %wt : tensor<8x64xf32>, tensor<64x8xf32>)
      outs(%fill : tensor<8x8xf32>) -> tensor<8x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<8x8xf32>, tensor<8x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 3, tile_h = 5, threads = 64>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<8x8xf32>, tensor<8x8xf32>)
  return %matmul, %r#1 : tensor<8x8xf32>, tensor<8x8xf32>
}
