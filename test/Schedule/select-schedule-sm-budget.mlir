// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{sm-budget=66},indexer-verify-schedule))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{sm-budget=132}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: not indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{sm-budget=133}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MORE
// RUN: not indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{chip=sm_80 sm-budget=-1}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NEGATIVE

// Kernels for a part of the chip: tables of what was measured on all of it do not
// hold for few tokens, and clusters fill half of it with half of the tokens.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// CHECK-LABEL: func.func @gate
// ALL: indexer.schedules = [#indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 448, max_tokens = 2>
// ALL-SAME: tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 896, stages = 1, max_tokens = 120>
// HALF: indexer.schedules = [#indexer.schedule<family =
// HALF-SAME: max_tokens = 72>, #indexer.schedule<family = cp_async_wgmma, tile_t = 16, tile_h = 64, threads = 128, cluster = 8, tile_d = 896, stages = 1, max_tokens = 120>
// HALF-SAME: tile_t = 32, tile_h = 64, threads = 128, cluster = 8, tile_d = 896, stages = 1, max_tokens = 240>
// MORE: error: option 'sm-budget' of 'indexer-select-schedule' got 133; accepted are 0 (all) to 132, the multiprocessors of sm_90a
// NEGATIVE: error: option 'sm-budget' of 'indexer-select-schedule' got -1; accepted are 0 (all) to 108, the multiprocessors of sm_80
func.func @gate(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>) {
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
