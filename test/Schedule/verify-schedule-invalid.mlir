// RUN: indexer-opt %s --split-input-file --verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(func.func(indexer-verify-schedule))'

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @not_an_array(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  // expected-error @below {{'linalg.generic' op attribute 'indexer.schedules' is "fast", expected an array of one '#indexer.schedule' or more}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = "fast"} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @empty_array(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  // expected-error @below {{attribute 'indexer.schedules' is [], expected an array of one '#indexer.schedule' or more}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = []} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @ranges_do_not_grow(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  // expected-error @below {{schedule 1 has 'max_tokens' = 16, expected more than 16, which the schedules before it serve}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128, max_tokens = 16>,
        #indexer.schedule<
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @never_runs(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  // expected-error @below {{schedule 1 never runs: the one before it has no 'max_tokens' and serves every T}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>,
        #indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128, max_tokens = 16>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @large_tokens_not_served(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  // expected-error @below {{last schedule serves 'max_tokens' = 16, expected a last schedule without 'max_tokens' for every larger T}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128, max_tokens = 16>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The grid has the tiles of heads along y.
func.func @too_many_head_tiles(%x: tensor<?x64xf32>, %w: tensor<65536x64xf32>,
    %sum: tensor<?x65536xf32>, %gate: tensor<?x65536xf32>) -> tensor<?x65536xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x65536xf32>)
      -> tensor<?x65536xf32>
  // expected-error @below {{schedule 0 cuts H = 65536 into 65536 tiles of 'tile_h' = 1, a grid has at most 65535}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<65536x64xf32>)
      outs(%fill, %gate : tensor<?x65536xf32>, tensor<?x65536xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 1, threads = 128>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x65536xf32>, tensor<?x65536xf32>)
  return %r#1 : tensor<?x65536xf32>
}

// -----

func.func @not_a_generic(%x: tensor<8x64xf32>, %w: tensor<64x8xf32>,
    %sum: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // expected-error @below {{'linalg.matmul' op has 'indexer.schedules', accepted only on a fused 'linalg.generic'}}
  %r = linalg.matmul {indexer.schedules = [#indexer.schedule<
      family = plain, tile_t = 4, tile_h = 8, threads = 128>]}
      ins(%x, %w : tensor<8x64xf32>, tensor<64x8xf32>)
      outs(%sum : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %r : tensor<8x8xf32>
}

// -----

#id = affine_map<(t, h) -> (t, h)>

func.func @not_a_fused_op(%x: tensor<8x64xf32>, %out: tensor<8x64xf32>)
    -> tensor<8x64xf32> {
  // expected-error @below {{'linalg.generic' op has 'indexer.schedules' but is not a fused op: expected two inputs or more and two tensor results}}
  %r = linalg.generic {
      indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%out : tensor<8x64xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @conditional_last(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{last schedule is of the family 'register_mma', expected a last schedule of the family 'plain' for operands of any layout}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>]} {
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

func.func @conditional_behind_plain(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 1 of the family 'register_mma' stands behind one of the family 'plain', expected before it: a kernel that takes any layout serves what the others cannot}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>,
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>]} {
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

func.func @conditional_never_runs(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 1 never runs: the one before it has no 'max_tokens' and serves every T}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>,
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8,
                          threads = 448, cluster = 8>,
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

func.func @mixed_types(%x: tensor<?x7168xbf16>, %w: tensor<64x7168xf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'register_mma' multiplies 'bf16' by 'f16', accepted are two operands of bf16 or two of f16}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @heads_not_a_multiple(%x: tensor<?x7168xbf16>, %w: tensor<24x7168xbf16>,
    %sum: tensor<?x24xf32>, %gate: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x24xf32>)
      -> tensor<?x24xf32>
  // expected-error @below {{schedule 0 of the family 'register_mma' has 'tile_h' = 16, accepted is a static H that is a multiple of it, got 24}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<24x7168xbf16>)
      outs(%fill, %gate : tensor<?x24xf32>, tensor<?x24xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>,
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @dynamic_heads(%x: tensor<?x7168xbf16>, %w: tensor<?x7168xbf16>,
    %sum: tensor<?x?xf32>, %gate: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x?xf32>)
      -> tensor<?x?xf32>
  // expected-error @below {{has 'tile_h' = 16, accepted is a static H that is a multiple of it, got a dynamic H}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<?x7168xbf16>)
      outs(%fill, %gate : tensor<?x?xf32>, tensor<?x?xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @elements_not_a_multiple(%x: tensor<?x7000xbf16>, %w: tensor<64x7000xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'register_mma' takes 3584 elements of d at a time, accepted is a static E that is a multiple of it, got 7000}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7000xbf16>, tensor<64x7000xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>,
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

func.func @dynamic_elements(%x: tensor<?x?xbf16>, %w: tensor<64x?xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{accepted is a static E that is a multiple of it, got a dynamic E}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x?xbf16>, tensor<64x?xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 224, cluster = 16>,
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

func.func @too_many_steps(%x: tensor<?x7168xf16>, %w: tensor<64x7168xf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'register_mma' loads 8 steps of d at once and needs 176 registers for it, with 'threads' = 896 a thread has 73: use more threads, a larger cluster or a smaller tile}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xf16>, tensor<64x7168xf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 896, cluster = 1>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: f16, %b: f16, %s: f32, %g: f32):
    %aw = arith.extf %a : f16 to f32
    %bw = arith.extf %b : f16 to f32
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

func.func @dot_elements_not_a_multiple(%x: tensor<?x7000xbf16>, %w: tensor<64x7000xbf16>,
    %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'dot' takes 3584 elements of d at a time, accepted is a static E that is a multiple of it, got 7000}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7000xbf16>, tensor<64x7000xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = dot, tile_t = 1, tile_h = 1,
                          threads = 448>,
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

func.func @elements_not_a_multiple_of_the_stages(%x: tensor<?x7040xbf16>,
    %w: tensor<64x7040xbf16>, %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'cp_async_wgmma' takes 256 elements of d at a time, accepted is a static E that is a multiple of it, got 7040}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7040xbf16>, tensor<64x7040xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
func.func @one_stage_for_a_part_of_the_share(%x: tensor<?x7168xbf16>,
    %w: tensor<64x7168xbf16>, %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'cp_async_wgmma' has 'stages' = 1, accepted only when a stage holds the share of a CTA, got E = 7168 for 'cluster' x 'parts' x 'tile_d' = 3584}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7168xbf16>, tensor<64x7168xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64,
                          threads = 128, cluster = 4, tile_d = 896,
                          stages = 1>,
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

func.func @elements_not_a_multiple_of_the_tma_stages(%x: tensor<?x7104xbf16>,
    %w: tensor<64x7104xbf16>, %sum: tensor<?x64xf32>, %gate: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  // expected-error @below {{schedule 0 of the family 'tma_wgmma' takes 128 elements of d at a time, accepted is a static E that is a multiple of it, got 7104}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x7104xbf16>, tensor<64x7104xbf16>)
      outs(%fill, %gate : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                          threads = 160, cluster = 2, tile_d = 128,
                          stages = 6, multicast = 2>,
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

func.func @group_of_other_rows(%x: tensor<?x1024xbf16>, %w: tensor<16x1024xbf16>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 1024] [1, 1] : tensor<16x1024xbf16> to tensor<8x1024xbf16>
  %w1 = tensor.extract_slice %w[4, 0] [8, 1024] [1, 1] : tensor<16x1024xbf16> to tensor<8x1024xbf16>
  // expected-error @below {{'linalg.generic' op has 'indexer.group' but shares no kernel: expected the rows of the weights one behind the other}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w0 : tensor<?x1024xbf16>, tensor<8x1024xbf16>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [#indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  %q:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w1 : tensor<?x1024xbf16>, tensor<8x1024xbf16>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [#indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1, %q#1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @group_of_two_schedules(%x: tensor<?x1024xbf16>, %w: tensor<16x1024xbf16>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 1024] [1, 1] : tensor<16x1024xbf16> to tensor<8x1024xbf16>
  %w1 = tensor.extract_slice %w[8, 0] [8, 1024] [1, 1] : tensor<16x1024xbf16> to tensor<8x1024xbf16>
  // expected-note @below {{which is here}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w0 : tensor<?x1024xbf16>, tensor<8x1024xbf16>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [#indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  // expected-error @below {{'linalg.generic' op has other 'indexer.schedules' than an op of its 'indexer.group'}}
  %q:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w1 : tensor<?x1024xbf16>, tensor<8x1024xbf16>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [#indexer.schedule<family = plain, tile_t = 4, tile_h = 4, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1, %q#1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @group_with_a_split_warp(%x: tensor<?x1024xbf16>, %w: tensor<16x1024xbf16>,
    %sum: tensor<?x8xf32>, %gate: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%sum : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 1024] [1, 1] : tensor<16x1024xbf16> to tensor<8x1024xbf16>
  %w1 = tensor.extract_slice %w[8, 0] [8, 1024] [1, 1] : tensor<16x1024xbf16> to tensor<8x1024xbf16>
  // expected-error @below {{'linalg.generic' op schedule 0 of the family 'cp_async_wgmma' computes a fused op from head 8 of its group on, accepted are multiples of 16}}
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w0 : tensor<?x1024xbf16>, tensor<8x1024xbf16>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 16, tile_h = 64, threads = 128, tile_d = 64, stages = 4>, #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  %q:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w1 : tensor<?x1024xbf16>, tensor<8x1024xbf16>)
      outs(%fill, %gate : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [#indexer.schedule<family = cp_async_wgmma, tile_t = 16, tile_h = 64, threads = 128, tile_d = 64, stages = 4>, #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1, %q#1 : tensor<?x8xf32>, tensor<?x8xf32>
}
