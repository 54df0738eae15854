// RUN: indexer-opt %s --split-input-file --verify-diagnostics \
// RUN:   --indexer-generate-kernels

// expected-error @below {{'func.func' op has 'indexer.outlined' but its body is not one fused op}}
func.func private @no_fused_op(%x: tensor<4xf32>) -> tensor<4xf32>
    attributes {indexer.outlined} {
  return %x : tensor<4xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The launcher counts operands by arguments.
func.func private @arguments_out_of_order(%w: tensor<8x64xf32>,
    %x: tensor<4x64xf32>) -> tensor<4x8xf32> attributes {indexer.outlined} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>)
      -> tensor<4x8xf32>
  // expected-error @below {{'linalg.generic' op in a function with 'indexer.outlined' must take its arguments in order, inputs before scalars, and only the gate is returned}}
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
  return %r#1 : tensor<4x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func private @no_schedules(%x: tensor<4x64xf32>, %w: tensor<8x64xf32>)
    -> tensor<4x8xf32> attributes {indexer.outlined} {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>)
      -> tensor<4x8xf32>
  // expected-error @below {{'linalg.generic' op has no 'indexer.schedules', expected an array of one '#indexer.schedule' or more}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x64xf32>, tensor<8x64xf32>)
      outs(%fill, %empty : tensor<4x8xf32>, tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return %r#1 : tensor<4x8xf32>
}

// -----

func.func private @not_fused(%x: tensor<4x64xf32>) -> tensor<4x64xf32>
    attributes {indexer.outlined} {
  %empty = tensor.empty() : tensor<4x64xf32>
  // expected-error @below {{'linalg.generic' op in a function with 'indexer.outlined' is not a fused op: expected two inputs or more and two tensor results}}
  %r = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x64xf32>) outs(%empty : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4x64xf32>
  return %r : tensor<4x64xf32>
}
