// RUN: indexer-opt %s --split-input-file --verify-diagnostics \
// RUN:   --indexer-outline-kernels

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @sum_is_used(%x: tensor<4x64xf32>, %w: tensor<8x64xf32>,
    %empty: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>)
      -> tensor<4x8xf32>
  // expected-error @below {{'linalg.generic' op result 0, the running sum, has uses; a kernel stores only the gate (result 1)}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x64xf32>, tensor<8x64xf32>)
      outs(%fill, %empty : tensor<4x8xf32>, tensor<4x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %r#0, %r#1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @sum_starts_anywhere(%x: tensor<4x64xf32>, %w: tensor<8x64xf32>,
    %start: tensor<4x8xf32>, %empty: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @below {{'linalg.generic' op has 'indexer.schedules' but is not a fused op: expected the sum to start from linalg.fill with 0.0}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x64xf32>, tensor<8x64xf32>)
      outs(%start, %empty : tensor<4x8xf32>, tensor<4x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %r#1 : tensor<4x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @vector_from_outside(%x: tensor<4x64xf32>, %w: tensor<8x64xf32>,
    %v: vector<4xf32>, %empty: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>)
      -> tensor<4x8xf32>
  // expected-error @below {{'linalg.generic' op body takes a value of type 'vector<4xf32>' from outside, accepted are floats, integers and indices}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x64xf32>, tensor<8x64xf32>)
      outs(%fill, %empty : tensor<4x8xf32>, tensor<4x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %q = arith.bitcast %v : vector<4xf32> to vector<4xi32>
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %r#1 : tensor<4x8xf32>
}
