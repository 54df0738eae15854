// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{batch-invariant=true}, \
// RUN:   indexer-verify-schedule{batch-invariant=true}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM90
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{batch-invariant=true weights=static}, \
// RUN:   indexer-verify-schedule{batch-invariant=true}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,EARLY
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{batch-invariant=true chip=sm_100a}, \
// RUN:   indexer-verify-schedule{batch-invariant=true}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM100
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{batch-invariant=true chip=sm_80}, \
// RUN:   indexer-verify-schedule{batch-invariant=true}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM80

// One order of the sum for every T. VerifySchedule checks it for all that is
// chosen.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// A cluster of 8, or fewer CTAs that each have several of the 8 parts.

// CHECK-LABEL: func.func @every_t
// SM90: indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 128, stages = 7, max_tokens = 120>
// SM90-SAME: cluster = 4, tile_d = 128, stages = {{[0-9]+}}, parts = 2, max_tokens
// SM90-SAME: cluster = 2, tile_d = 128, stages = {{[0-9]+}}, parts = 4, max_tokens
// SM90-SAME: #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64, threads = 128, tile_d = 128, stages = 3, parts = 8>, #indexer.schedule<family = plain
// SM90-NOT: family = {{dot|register_mma|cp_async_wgmma}}
// EARLY: indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 128, stages = 7, weights = static, max_tokens = 120>
// EARLY-NOT: family = {{dot|register_mma}}
// SM100: indexer.schedules = [#indexer.schedule<family = register_mma
// SM100-SAME: threads = [[THREADS:[0-9]+]], cluster = [[CLUSTER:[0-9]+]], max_tokens
// SM100-SAME: threads = [[THREADS]], cluster = [[CLUSTER]]>, #indexer.schedule<family = plain
// SM100-NOT: family = {{dot|register_mma}}
// SM80: indexer.schedules = [#indexer.schedule<family = plain
// SM80-NOT: family = {{dot|register_mma}}
func.func @every_t(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>,
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

// A static T is summed in the order that every other T is.

// CHECK-LABEL: func.func @one_token
// SM90: indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 128, stages = 7>, #indexer.schedule<family = plain
// SM100: indexer.schedules = [#indexer.schedule<family = register_mma{{.*}}threads = {{[0-9]+}}, cluster = {{[0-9]+}}>, #indexer.schedule<family = plain
// SM80: indexer.schedules = [#indexer.schedule<family = plain
func.func @one_token(%x: tensor<1x7168xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<1x64xf32>, %gate: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<1x64xf32>)
      -> tensor<1x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<1x64xf32>, tensor<1x64xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<1x64xf32>, tensor<1x64xf32>)
  return %r#1 : tensor<1x64xf32>
}

// 8 parts of narrow stages, and 4 where 8 do not divide E.

// CHECK-LABEL: func.func @narrow_stages
// SM90: cluster = 8, tile_d = 64, stages = {{[0-9]+}}, max_tokens = 120>
// SM90: tile_d = 64, stages = {{[0-9]+}}, parts = 8>, #indexer.schedule<family = plain
func.func @narrow_stages(%x: tensor<?x1536xbf16>, %w: tensor<64x1536xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1536xbf16>, tensor<64x1536xbf16>)
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

// CHECK-LABEL: func.func @fewer_parts
// SM90: cluster = 4, tile_d = 64, stages = 5, max_tokens = 120>
// SM90: tile_d = 64, stages = {{[0-9]+}}, parts = 4>, #indexer.schedule<family = plain
func.func @fewer_parts(%x: tensor<?x1280xbf16>, %w: tensor<64x1280xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1280xbf16>, tensor<64x1280xbf16>)
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
