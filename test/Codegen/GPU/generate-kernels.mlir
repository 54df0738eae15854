// RUN: indexer-opt %s --indexer-generate-kernels | FileCheck %s
// RUN: indexer-opt %s --indexer-generate-kernels --indexer-generate-kernels \
// RUN:   | FileCheck %s

#td = affine_map<(t, h, d) -> (t, d)>
#dt = affine_map<(t, h, d) -> (d, t)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
#ht = affine_map<(t, h, d) -> (h, t)>
#h = affine_map<(t, h, d) -> (h)>
#none = affine_map<(t, h, d) -> ()>

// CHECK: module attributes {gpu.container_module}

// The function is left as a declaration that says how to launch its kernels.

// CHECK-LABEL: func.func private @gate(
// CHECK-SAME:    tensor<?x64xbf16> {bufferization.access = "read"}
// CHECK-SAME:    f32) -> tensor<?x8xf32> attributes {
// CHECK-SAME:    indexer.extents = [array<i64: 0, 0>, 8, 64]
// CHECK-SAME:    indexer.kernels = @gate_kernels
// CHECK-SAME:    indexer.launch = [
// CHECK-SAME:    {alignment = 0 : i64, cluster = 1 : i64, family = "plain", heads_first = false,
// CHECK-SAME:     kernel = "gate_plain", max_tokens = 4 : i64, min_tokens = 1 : i64,
// CHECK-SAME:     parameters = [#indexer.parameter<extent 0>, #indexer.parameter<pointer 0>, #indexer.parameter<stride 0[0]>, #indexer.parameter<stride 0[1]>,
// CHECK-SAME:       #indexer.parameter<pointer 1>, #indexer.parameter<stride 1[0]>, #indexer.parameter<stride 1[1]>,
// CHECK-SAME:       #indexer.parameter<pointer 2>, #indexer.parameter<stride 2[0]>, #indexer.parameter<stride 2[1]>,
// CHECK-SAME:       #indexer.parameter<pointer 3>, #indexer.parameter<stride 3[0]>, #indexer.parameter<stride 3[1]>,
// CHECK-SAME:       #indexer.parameter<scalar 0>]
// CHECK-SAME:     shared_bytes = 0 : i64, split = 1 : i64, starts_early = false, static_operands = array<i64>, threads = 64 : i64, tile_h = 2 : i64, tile_t = 1 : i64}
// CHECK-SAME:    kernel = "gate_plain1", min_tokens = 5 : i64
// CHECK-SAME:    tile_h = 2 : i64, tile_t = 2 : i64}]
// CHECK-SAME:    indexer.scalars = array<i64: 3>, llvm.emit_c_interface}
// CHECK-NOT:     linalg

// CHECK-LABEL: gpu.module @gate_kernels
// CHECK:         gpu.func @gate_plain(
// CHECK-SAME:      %[[T:[^:]+]]: i64, %[[X:[^:]+]]: !llvm.ptr<1>, %[[X_T:[^:]+]]: i64, %[[X_D:[^:]+]]: i64,
// CHECK-SAME:      %[[W:[^:]+]]: !llvm.ptr<1>, %[[W_H:[^:]+]]: i64, %[[W_D:[^:]+]]: i64,
// CHECK-SAME:      %[[Q:[^:]+]]: !llvm.ptr<1>, %[[Q_T:[^:]+]]: i64, %[[Q_H:[^:]+]]: i64,
// CHECK-SAME:      %[[R:[^:]+]]: !llvm.ptr<1>, %[[R_T:[^:]+]]: i64, %[[R_H:[^:]+]]: i64,
// CHECK-SAME:      %[[SCALE:[^:]+]]: f32)
// CHECK-SAME:      workgroup(%[[PARTS:.+]] : memref<2x2xf32, #gpu.address_space<workgroup>>)
// CHECK-SAME:      kernel attributes {known_block_size = array<i32: 64, 1, 1>}
// CHECK-DAG:     %[[HEAD_SCALE:.+]] = arith.constant 1.250000e-01 : f32

// Rows past the end are clamped to the last one.
// CHECK:         %[[LAST:.+]] = arith.subi %[[T]], %{{.+}} : i64
// CHECK:         %[[ROW:.+]] = arith.minsi %{{.+}}, %[[LAST]]
// CHECK:         %[[ROW_OFFSET:.+]] = arith.muli %[[ROW]], %[[X_T]]
// CHECK:         %[[X_ROW:.+]] = llvm.getelementptr %[[X]][%[[ROW_OFFSET]]]

// Aligned, contiguous rows are read 16 bytes at a time, everything else by
// element with the stride of d.
// CHECK:         %[[SUMS:.+]]:2 = scf.for
// CHECK:           llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-COUNT-16:  arith.addf {{.*}} fastmath<contract>
// CHECK:         scf.for {{.*}} iter_args({{.*}} = %[[SUMS]]#0, {{.*}} = %[[SUMS]]#1)
// CHECK:           %[[OFFSET:.+]] = arith.muli %{{.+}}, %[[X_D]]
// CHECK:           %[[X_AT:.+]] = llvm.getelementptr %[[X_ROW]][%[[OFFSET]]]
// CHECK:           llvm.load %[[X_AT]] : !llvm.ptr<1> -> bf16
// CHECK-COUNT-2:   arith.mulf {{.*}} fastmath<contract>

// Two outputs, five distances.
// CHECK-COUNT-10: gpu.shuffle xor
// CHECK-NOT:     gpu.shuffle
// CHECK:         memref.store %{{.+}}, %[[PARTS]]
// CHECK:         gpu.barrier

// The epilogue is the source's, in its order and without fast-math.
// CHECK:         scf.if
// CHECK:           memref.load %[[PARTS]]
// CHECK:           %[[SUM:.+]] = arith.addf %{{.+}}, %{{.+}} : f32
// CHECK:           %[[Q_AT:.+]] = llvm.load
// CHECK:           %[[G0:.+]] = arith.mulf %[[SUM]], %[[HEAD_SCALE]] : f32
// CHECK:           %[[G1:.+]] = arith.mulf %[[G0]], %[[Q_AT]] : f32
// CHECK:           %[[G2:.+]] = arith.mulf %[[G1]], %[[SCALE]] : f32
// CHECK:           llvm.store %[[G2]]
// CHECK:         gpu.return
// CHECK:         gpu.func @gate_plain1(
func.func private @gate(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                        %q: tensor<?x8xf32>, %scale: f32) -> tensor<?x8xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %head_scale = arith.constant 0.125 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x64xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<?x8xf32>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 2, threads = 64,
                          max_tokens = 4>,
        #indexer.schedule<family = plain, tile_t = 2, tile_h = 2,
                          threads = 64>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.mulf %n, %head_scale fastmath<fast> : f32
    %e1 = arith.mulf %e0, %qs : f32
    %e2 = arith.mulf %e1, %scale : f32
    linalg.yield %n, %e2 : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// Extents that are not static are parameters, found on the operand and dimension
// that have them; x is stored as [E, T] and the result as [H, T]. An input that
// is no tensor is a scalar, before those that the body takes.

// CHECK-LABEL: func.func private @dynamic(
// CHECK-SAME:    indexer.extents = [array<i64: 0, 1>, array<i64: 1, 0>, array<i64: 0, 0>]
// CHECK-SAME:    parameters = [#indexer.parameter<extent 0>, #indexer.parameter<extent 1>, #indexer.parameter<extent 2>, #indexer.parameter<pointer 0>
// CHECK-SAME:      #indexer.parameter<pointer 2>, #indexer.parameter<stride 2[0]>,
// CHECK-SAME:      #indexer.parameter<pointer 3>, #indexer.parameter<stride 3[0]>, #indexer.parameter<stride 3[1]>,
// CHECK-SAME:      #indexer.parameter<scalar 0>, #indexer.parameter<scalar 1>]
// CHECK-SAME:    indexer.scalars = array<i64: 3, 4>

// CHECK:         gpu.func @dynamic_plain(
// CHECK-SAME:      %[[T:[^:]+]]: i64, %[[H:[^:]+]]: i64, %[[D:[^:]+]]: i64,
// CHECK-SAME:      %[[X:[^:]+]]: !llvm.ptr<1>, %[[X_D:[^:]+]]: i64, %[[X_T:[^:]+]]: i64,
// CHECK-SAME:      %[[INPUT:[^:]+]]: f32, %[[TAKEN:[^:]+]]: f32)

// Rows of x are t apart by its second stride; f32 limits a group to 4 elements.
// CHECK:         arith.muli %{{.+}}, %[[X_T]]
// CHECK:         scf.for
// CHECK:           llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK:           llvm.load %{{.+}} {alignment = 8 : i64} : !llvm.ptr<1> -> vector<4xf16>
// CHECK:         scf.for %{{.+}} to %[[D]]
// CHECK:         arith.truncf %{{.+}} : f32 to bf16
// CHECK:         arith.mulf %{{.+}} : bf16
// CHECK:         arith.mulf %{{.+}}, %[[INPUT]] : f32
// CHECK:         arith.addf %{{.+}}, %[[TAKEN]] : f32
func.func private @dynamic(%x: tensor<?x?xf32>, %w: tensor<?x?xf16>,
                           %hs: tensor<?xbf16>, %input: f32, %taken: f32)
    -> tensor<?x?xf32> attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c1 : tensor<?x?xf32>
  %heads = tensor.dim %w, %c0 : tensor<?x?xf16>
  %empty = tensor.empty(%heads, %tokens) : tensor<?x?xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?xf32>)
      -> tensor<?x?xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#dt, #hd, #h, #none, #ht, #ht],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %hs, %input : tensor<?x?xf32>, tensor<?x?xf16>,
          tensor<?xbf16>, f32)
      outs(%fill, %empty : tensor<?x?xf32>, tensor<?x?xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 1,
                          threads = 32>]} {
  ^bb0(%a: f32, %b: f16, %scale: bf16, %in: f32, %s: f32, %g: f32):
    %bw = arith.extf %b : f16 to f32
    %p = arith.mulf %a, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.truncf %n : f32 to bf16
    %e1 = arith.mulf %e0, %scale : bf16
    %e2 = arith.extf %e1 : bf16 to f32
    %e3 = arith.mulf %e2, %in : f32
    %e4 = arith.addf %e3, %taken : f32
    linalg.yield %n, %e4 : f32, f32
  } -> (tensor<?x?xf32>, tensor<?x?xf32>)
  return %r#1 : tensor<?x?xf32>
}

// Schedules that differ in their token range alone share a kernel; each has a
// launch of its own.

// CHECK-LABEL: func.func private @shared(
// CHECK-SAME:    kernel = "shared_plain", max_tokens = 4 : i64, min_tokens = 1 : i64
// CHECK-SAME:    kernel = "shared_plain1", max_tokens = 9 : i64, min_tokens = 5 : i64
// CHECK-SAME:    kernel = "shared_plain", min_tokens = 10 : i64
// CHECK-COUNT-2: gpu.func
// CHECK-NOT:     gpu.func
func.func private @shared(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>)
    -> tensor<?x8xf32> attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 2,
                          threads = 64, max_tokens = 4>,
        #indexer.schedule<family = plain, tile_t = 2, tile_h = 2,
                          threads = 64, max_tokens = 9>,
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 2,
                          threads = 64>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// A gate that the function rounds is stored as it is rounded.

// CHECK-LABEL: gpu.func @rounded_plain(
// CHECK:         %[[STORED:.+]] = arith.truncf %{{.+}} : f32 to bf16
// CHECK:         llvm.store %[[STORED]], %{{.+}} : bf16, !llvm.ptr<1>
func.func private @rounded(%x: tensor<?x64xf32>, %w: tensor<8x64xf32>)
    -> tensor<?x8xbf16> attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 2,
                          threads = 64>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %n : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  %rounded = arith.truncf %r#1 : tensor<?x8xf32> to tensor<?x8xbf16>
  return %rounded : tensor<?x8xbf16>
}
