// Kernels for one number of tokens: their names and the tokens that they serve
// are what they are among all kernels, where a kernel without conditions comes
// behind all that have some.

// RUN: indexer-opt %s --indexer-outline-kernels --indexer-generate-kernels \
// RUN:   | FileCheck %s --check-prefix=ALL
// RUN: indexer-opt %s --indexer-outline-kernels \
// RUN:   --indexer-generate-kernels=tokens=17 | FileCheck %s --check-prefix=ONE
// RUN: indexer-opt %s --indexer-outline-kernels \
// RUN:   --indexer-generate-kernels="tokens=17 any-layout" \
// RUN:   | FileCheck %s --check-prefix=BOTH
// RUN: indexer-opt %s --indexer-outline-kernels \
// RUN:   --indexer-generate-kernels=tokens=65 | FileCheck %s --check-prefix=PLAIN
// RUN: indexer-opt %s --indexer-outline-kernels \
// RUN:   --indexer-generate-kernels="tokens=7 any-layout" \
// RUN:   | FileCheck %s --check-prefix=BELOW
// RUN: not indexer-opt %s --indexer-outline-kernels \
// RUN:   --indexer-generate-kernels=tokens=-1 2>&1 \
// RUN:   | FileCheck %s --check-prefix=NEGATIVE

// ALL-COUNT-4: min_tokens =
// ALL-COUNT-4: gpu.func @

// ONE:       kernel = "gate_gate0_register_mma1"
// ONE-SAME:  max_tokens = 64 : i64, min_tokens = 9 : i64
// ONE-NOT:   min_tokens
// ONE:       gpu.func @gate_gate0_register_mma1(
// ONE-NOT:   gpu.func

// BOTH:      kernel = "gate_gate0_register_mma1"
// BOTH-SAME: max_tokens = 64 : i64, min_tokens = 9 : i64
// BOTH-SAME: kernel = "gate_gate0_plain1"
// BOTH-SAME: min_tokens = 9 : i64
// BOTH-NOT:  min_tokens
// BOTH:      gpu.func @gate_gate0_register_mma1(
// BOTH:      gpu.func @gate_gate0_plain1(
// BOTH-NOT:  gpu.func

// No kernel with conditions serves so many: the one without them does.
// PLAIN:      kernel = "gate_gate0_plain1"
// PLAIN-SAME: min_tokens = 65 : i64
// PLAIN-NOT: gate_gate0_register_mma

// A call with other tokens and the right layout has a kernel with conditions.
// BELOW:      kernel = "gate_gate0_register_mma"
// BELOW-SAME: max_tokens = 8 : i64, min_tokens = 1 : i64
// BELOW-SAME: kernel = "gate_gate0_plain1"
// BELOW-SAME: max_tokens = 8 : i64, min_tokens = 5 : i64

// NEGATIVE: error: option 'tokens' of 'indexer-generate-kernels' got -1; accepted are 0 (all) and numbers of tokens

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @gate(%x: tensor<?x512xbf16>, %weight: tensor<16x512xbf16>, %scale: f32,
                %sums: tensor<?x16xf32>, %gates: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %zero = arith.constant 0.0 : f32
  %zeros = linalg.fill ins(%zero : f32) outs(%sums : tensor<?x16xf32>) -> tensor<?x16xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %weight : tensor<?x512xbf16>, tensor<16x512xbf16>)
      outs(%zeros, %gates : tensor<?x16xf32>, tensor<?x16xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8, threads = 128, max_tokens = 8>,
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 16, threads = 128, max_tokens = 64>,
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 1, threads = 128, max_tokens = 4>,
        #indexer.schedule<family = plain, tile_t = 2, tile_h = 2, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %sum: f32, %old: f32):
    %left = arith.extf %a : bf16 to f32
    %right = arith.extf %b : bf16 to f32
    %product = arith.mulf %left, %right : f32
    %next = arith.addf %sum, %product : f32
    %gate = arith.mulf %next, %scale : f32
    linalg.yield %next, %gate : f32, f32
  } -> (tensor<?x16xf32>, tensor<?x16xf32>)
  return %r#1 : tensor<?x16xf32>
}
