// RUN: indexer-opt %s --indexer-generate-kernels | FileCheck %s

// The family dot: a warp takes one head and two tokens, 256 elements at a time.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// CHECK-LABEL: func.func private @gate(
// CHECK-SAME:    {alignment = 16 : i64, cluster = 1 : i64, family = "dot"
// CHECK-SAME:     kernel = "gate_dot", max_tokens = 2 : i64, min_tokens = 1 : i64
// CHECK-SAME:     split = 1 : i64, starts_early = false, static_operands = array<i64>, threads = 32 : i64, tile_h = 1 : i64, tile_t = 2 : i64}

// CHECK-LABEL: gpu.func @gate_dot(
// CHECK-SAME:      %[[T:[^:]+]]: i64, %[[SCALE:[^:]+]]: f32)

// Two steps of one row of weight, then of two rows of x, of which the second may
// be clamped; nothing waits before the last load.
// CHECK-COUNT-2: nvvm.inline_ptx "ld.global.nc.L1::no_allocate.v4.b32
// CHECK:         arith.minsi
// CHECK-COUNT-4: nvvm.inline_ptx "ld.global.nc.L1::no_allocate.v4.b32
// CHECK-NOT:     nvvm.inline_ptx
// CHECK:         %[[Q:.+]] = scf.if
// CHECK:           llvm.load %{{.+}} : !llvm.ptr<1> -> f32

// 16 elements for each of two outputs, in two chains each.
// CHECK-COUNT-32: arith.addf {{.*}} fastmath<contract>
// CHECK-COUNT-10: gpu.shuffle xor
// CHECK:         gpu.barrier
// CHECK:         scf.if
// CHECK:           %[[SUM:.+]] = memref.load
// CHECK:           %[[G0:.+]] = arith.mulf %[[SUM]], %[[Q]] : f32
// CHECK:           %[[G1:.+]] = arith.mulf %[[G0]], %[[SCALE]] : f32
// CHECK:           llvm.store %[[G1]], %{{.+}} : f32, !llvm.ptr<1>
// CHECK:         gpu.return
func.func private @gate(%x: tensor<?x512xbf16>, %w: tensor<32x512xbf16>,
    %q: tensor<?x32xf32>, %scale: f32) -> tensor<?x32xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x32xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<32x512xbf16>,
          tensor<?x32xf32>)
      outs(%fill, %empty : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = dot, tile_t = 2, tile_h = 1, threads = 32,
                          max_tokens = 2>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.mulf %n, %qs : f32
    %e1 = arith.mulf %e0, %scale : f32
    linalg.yield %n, %e1 : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return %r#1 : tensor<?x32xf32>
}

// With a static weight the kernel starts early, and reads nothing else before
// the one in front of it has ended.

// CHECK-LABEL: gpu.func @early_dot(
// CHECK:         nvvm.griddepcontrol launch_dependents
// CHECK-NOT:     llvm.load
// CHECK-COUNT-2: nvvm.inline_ptx "ld.global.L1::no_allocate.v4.b32
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.prefetch level = L2
// CHECK:         nvvm.griddepcontrol wait
// CHECK-NOT:     ld.global.nc
// CHECK-COUNT-4: nvvm.inline_ptx "ld.global.L1::no_allocate.v4.b32
// CHECK:         gpu.return
func.func private @early(%x: tensor<?x512xbf16>, %w: tensor<32x512xbf16>,
    %q: tensor<?x32xf32>, %scale: f32) -> tensor<?x32xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x32xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<32x512xbf16>,
          tensor<?x32xf32>)
      outs(%fill, %empty : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = dot, tile_t = 2, tile_h = 1, threads = 32,
                          weights = static, max_tokens = 2>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.mulf %n, %qs : f32
    %e1 = arith.mulf %e0, %scale : f32
    linalg.yield %n, %e1 : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  return %r#1 : tensor<?x32xf32>
}
