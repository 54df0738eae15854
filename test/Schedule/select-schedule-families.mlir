// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule,indexer-verify-schedule))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM90
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{chip=sm_80},indexer-verify-schedule))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{weights=static},indexer-verify-schedule))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,EARLY
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:   indexer-select-schedule{chip=sm_80 weights=static}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM80

// Which families an op gets. VerifySchedule accepts all that is chosen.

#td = affine_map<(t, h, d) -> (t, d)>
#dt = affine_map<(t, h, d) -> (d, t)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// Shapes that no table covers go to the model, up to the tokens from which on
// wgmma is faster. Without clusters only dot is left, and no kernel starts early.

// CHECK-LABEL: func.func @other_shape
// CHECK: indexer.schedules = [
// SM90-SAME: family = dot
// SM90-SAME: family = register_mma
// SM90-SAME: cluster = 8
// SM90-SAME: max_tokens = 72>, #indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 512, stages = 1, max_tokens = 120>
// SM90-SAME: family = cp_async_wgmma, tile_t = 64, tile_h = 64, threads = 128, tile_d = 128, stages = 3>
// SM80-SAME: family = dot
// SM80-SAME: max_tokens = 4>, #indexer.schedule<family = plain
// SM80-NOT: cluster
// SM80-NOT: static
// SM90-SAME: family = plain
// SM90-NOT: static
// EARLY-SAME: family = dot{{[^>]*}} weights = static
// EARLY-SAME: family = register_mma{{[^>]*}} weights = static
// EARLY-SAME: max_tokens = 128>, #indexer.schedule<family = cp_async_wgmma, tile_t = 32, tile_h = 64, threads = 128, cluster = 8, tile_d = 512, stages = 1, weights = static, max_tokens = 480>
// EARLY-SAME: family = plain
func.func @other_shape(%x: tensor<?x4096xbf16>, %w: tensor<48x4096xbf16>,
    %sum: tensor<?x48xf32>, %gate: tensor<?x48xf32>) -> tensor<?x48xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x48xf32>)
      -> tensor<?x48xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4096xbf16>, tensor<48x4096xbf16>)
      outs(%fill, %gate : tensor<?x48xf32>, tensor<?x48xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x48xf32>, tensor<?x48xf32>)
  return %r#1 : tensor<?x48xf32>
}

// A table of dependent weights serves static ones as well.

// CHECK-LABEL: func.func @tuned_shape
// SM90: indexer.schedules = [#indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 256, max_tokens = 4>
// SM90-SAME: family = tma_wgmma
// EARLY: indexer.schedules = [#indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 256, weights = static, max_tokens = 4>
// EARLY-SAME: family = tma_wgmma{{[^>]*}} weights = static
// EARLY-SAME: family = plain
func.func @tuned_shape(%x: tensor<?x4096xbf16>, %w: tensor<32x4096xbf16>,
    %sum: tensor<?x32xf32>, %gate: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4096xbf16>, tensor<32x4096xbf16>)
      outs(%fill, %gate : tensor<?x32xf32>, tensor<?x32xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return %r#1 : tensor<?x32xf32>
}

// Rows of x that cannot be contiguous along d, mixed types, f32, and an E that
// no step divides are left to plain kernels.

// CHECK-LABEL: func.func @transposed
// CHECK: indexer.schedules = [#indexer.schedule<family = plain
// CHECK-NOT: family = {{dot|register_mma|cp_async_wgmma}}
func.func @transposed(%x: tensor<7168x?xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#dt, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<7168x?xbf16>, tensor<64x7168xbf16>)
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

// CHECK-LABEL: func.func @mixed_types
// CHECK: indexer.schedules = [#indexer.schedule<family = plain
// CHECK-NOT: family = {{dot|register_mma|cp_async_wgmma}}
func.func @mixed_types(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%a: bf16, %b: f16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : f16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @odd_elements
// CHECK: indexer.schedules = [#indexer.schedule<family = plain
// CHECK-NOT: family = {{dot|register_mma|cp_async_wgmma}}
func.func @odd_elements(%x: tensor<?x7167xbf16>, %w: tensor<64x7167xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7167xbf16>, tensor<64x7167xbf16>)
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

// CHECK-LABEL: func.func @dynamic_heads
// CHECK: indexer.schedules = [#indexer.schedule<family = plain
// CHECK-NOT: family = {{dot|register_mma|cp_async_wgmma}}
func.func @dynamic_heads(%x: tensor<?x7168xbf16>, %w: tensor<?x7168xbf16>,
    %sum: tensor<?x?xf32>, %gate: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x?xf32>)
      -> tensor<?x?xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<?x7168xbf16>)
      outs(%fill, %gate : tensor<?x?xf32>, tensor<?x?xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x?xf32>, tensor<?x?xf32>)
  return %r#1 : tensor<?x?xf32>
}

// Three tiles of heads fill the chip with a third of the tokens.

// CHECK-LABEL: func.func @many_heads
// SM90: max_tokens = 23>, #indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, cluster = 8, tile_d = 640, stages = 1, max_tokens = 40>
// EARLY: max_tokens = 42>, #indexer.schedule<family = cp_async_wgmma, tile_t = 32, tile_h = 64, threads = 128, cluster = 8, tile_d = 640, stages = 1, weights = static, max_tokens = 160>
func.func @many_heads(%x: tensor<?x5120xbf16>, %w: tensor<160x5120xbf16>,
    %sum: tensor<?x160xf32>, %gate: tensor<?x160xf32>) -> tensor<?x160xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x160xf32>)
      -> tensor<?x160xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x5120xbf16>, tensor<160x5120xbf16>)
      outs(%fill, %gate : tensor<?x160xf32>, tensor<?x160xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x160xf32>, tensor<?x160xf32>)
  return %r#1 : tensor<?x160xf32>
}

// Static weights, but no row of its own for them: kernels of many heads start early
// as long as that was faster, those with a tile of all heads for longer.

// CHECK-LABEL: func.func @all_heads
// EARLY: tile_t = 64, tile_h = 64, threads = 128, cluster = 16, tile_d = 64, stages = 5, weights = static, max_tokens = 120>
// EARLY-SAME: tile_t = 48, tile_h = 64, threads = 160, cluster = 8, tile_d = 128, stages = 3, max_tokens = 240>
// EARLY-SAME: tile_t = 40, tile_h = 192, threads = 512, cluster = 4, tile_d = 128, stages = 3, weights = static, max_tokens = 1056>
// EARLY-SAME: tile_t = 64, tile_h = 192, threads = 512, cluster = 2, tile_d = 64, stages = 5, max_tokens = 4224>
func.func @all_heads(%x: tensor<?x7168xbf16>, %w: tensor<192x7168xbf16>,
    %sum: tensor<?x192xf32>, %gate: tensor<?x192xf32>) -> tensor<?x192xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x192xf32>)
      -> tensor<?x192xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<192x7168xbf16>)
      outs(%fill, %gate : tensor<?x192xf32>, tensor<?x192xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x192xf32>, tensor<?x192xf32>)
  return %r#1 : tensor<?x192xf32>
}

// An E that no cluster divides: the families that load all of d at once cannot
// run, and wgmma serves every T, with narrow stages.

// CHECK-LABEL: func.func @whole_elements
// SM90: indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64, threads = 128, tile_d = 64, stages = 25, max_tokens = 120>
// SM90-SAME: family = cp_async_wgmma, tile_t = 64, tile_h = 64, threads = 128, tile_d = 64, stages = 7>
// SM90-SAME: family = plain
func.func @whole_elements(%x: tensor<?x4288xbf16>, %w: tensor<64x4288xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4288xbf16>, tensor<64x4288xbf16>)
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

// One kernel of each kind for a static T, the one whose range it is in.

// CHECK-LABEL: func.func @static_tokens
// SM90: indexer.schedules = [#indexer.schedule<family = tma_wgmma, tile_t = 32, tile_h = 64, threads = 160, cluster = 2, tile_d = 128, stages = 4>, #indexer.schedule<family = plain
func.func @static_tokens(%x: tensor<4096x7168xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<4096x64xf32>, %gate: tensor<4096x64xf32>) -> tensor<4096x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<4096x64xf32>)
      -> tensor<4096x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4096x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<4096x64xf32>, tensor<4096x64xf32>) {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<4096x64xf32>, tensor<4096x64xf32>)
  return %r#1 : tensor<4096x64xf32>
}
