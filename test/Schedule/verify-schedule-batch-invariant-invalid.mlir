// RUN: indexer-opt %s --split-input-file --verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(func.func( \
// RUN:     indexer-verify-schedule{batch-invariant=true}))'
// RUN: indexer-opt %s --pass-pipeline='builtin.module(func.func( \
// RUN:     indexer-verify-schedule))' --split-input-file -o /dev/null

// What the option rejects, all of which is accepted without it.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// Parts that a cluster divides or one CTA has are one order, and so are stages,
// tiles and warpgroups.
func.func @accepted(%x: tensor<?x1024xbf16>, %w: tensor<64x1024xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1024xbf16>, tensor<64x1024xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, cluster = 8, tile_d = 128, stages = 2,
                          max_tokens = 8>,
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 32,
                          threads = 128, cluster = 2, parts = 4, tile_d = 128,
                          stages = 3>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128, max_tokens = 4>,
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 8,
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @parts(%x: tensor<?x1024xbf16>, %w: tensor<64x1024xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 1 sums over d by wgmma of 128 columns, 4 parts, expected wgmma of 128 columns, 8 parts as the one before it: 'batch-invariant' asks for one order}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1024xbf16>, tensor<64x1024xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, cluster = 8, tile_d = 128, stages = 2,
                          max_tokens = 8>,
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, parts = 4, tile_d = 128, stages = 2>,
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @columns(%x: tensor<?x1024xbf16>, %w: tensor<64x1024xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 1 sums over d by wgmma of 64 columns, 8 parts, expected wgmma of 128 columns, 8 parts as the one before it}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1024xbf16>, tensor<64x1024xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, cluster = 8, tile_d = 128, stages = 2,
                          max_tokens = 8>,
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, parts = 8, tile_d = 64, stages = 2>,
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @families(%x: tensor<?x1024xbf16>, %w: tensor<64x1024xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 1 sums over d by mma in 4 warps, 8 parts, expected fma in 128 threads, 2 chains each as the one before it}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1024xbf16>, tensor<64x1024xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = dot, tile_t = 1, tile_h = 1,
                          threads = 128, max_tokens = 8>,
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8,
                          threads = 128, cluster = 8>,
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @plain_threads(%x: tensor<?x1024xbf16>, %w: tensor<64x1024xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 1 sums over d by fma in 64 threads, expected fma in 128 threads as the one before it}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1024xbf16>, tensor<64x1024xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128, max_tokens = 4>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 64>]} {
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @more_tokens_are_plain(%x: tensor<?x1024xbf16>, %w: tensor<64x1024xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 serves 'max_tokens' = 8, and plain kernels sum for more tokens in another order: 'batch-invariant' asks for a last schedule with conditions that has no 'max_tokens'}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x1024xbf16>, tensor<64x1024xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, cluster = 8, tile_d = 128, stages = 2,
                          max_tokens = 8>,
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
