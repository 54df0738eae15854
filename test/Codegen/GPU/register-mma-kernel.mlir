// RUN: indexer-opt %s --split-input-file --indexer-generate-kernels | FileCheck %s

// The family register_mma. Its kernel comes first, with what it asks of the
// operands; the plain one behind it serves every T again.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// CHECK-LABEL: func.func private @gate(
// CHECK-SAME:    indexer.launch = [
// CHECK-SAME:    {alignment = 16 : i64, cluster = 8 : i64, family = "register_mma"
// CHECK-SAME:     kernel = "gate_register_mma", max_tokens = 16 : i64, min_tokens = 1 : i64
// CHECK-SAME:     split = 8 : i64, starts_early = false, static_operands = array<i64>, threads = 64 : i64, tile_h = 16 : i64, tile_t = 16 : i64}
// CHECK-SAME:    {alignment = 0 : i64, cluster = 1 : i64, family = "plain"
// CHECK-SAME:     kernel = "gate_plain", min_tokens = 1 : i64
// CHECK-SAME:     split = 1 : i64

// Two warps of 16 tokens of 16 heads and 4 of padding; 256 outputs come from the
// peers.
// CHECK-LABEL: gpu.module @gate_kernels
// CHECK-DAG:     llvm.mlir.global internal @gate_register_mma_partials() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<640 x f32>
// CHECK-DAG:     llvm.mlir.global internal @gate_register_mma_received() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<256 x f32>
// CHECK-DAG:     llvm.mlir.global internal @gate_register_mma_arrived() {addr_space = 3 : i32, alignment = 8 : i64} : i64
// CHECK:         gpu.func @gate_register_mma(
// CHECK-SAME:      %[[T:[^:]+]]: i64, %[[SCALE:[^:]+]]: f32) kernel
// CHECK-DAG:     %[[PARTIALS:.+]] = llvm.mlir.addressof @gate_register_mma_partials
// CHECK-DAG:     %[[RECEIVED:.+]] = llvm.mlir.addressof @gate_register_mma_received
// CHECK-DAG:     %[[ARRIVED:.+]] = llvm.mlir.addressof @gate_register_mma_arrived

// 1024 elements over 8 CTAs of 2 warps are two steps of 32: 2 blocks of 8 heads
// and 2 of 8 tokens in each. Nothing waits before the last load.
// CHECK-COUNT-4: nvvm.inline_ptx "ld.global.nc.L1::no_allocate.v4.b32
// CHECK:         scf.if
// CHECK:           nvvm.mbarrier.init %[[ARRIVED]]
// CHECK:           nvvm.fence.mbarrier.init
// CHECK:         arith.minsi
// CHECK-COUNT-4: nvvm.inline_ptx "ld.global.nc.L1::no_allocate.v4.b32
// CHECK-NOT:     nvvm.inline_ptx
// CHECK:         nvvm.cluster.arrive.relaxed {aligned}
// CHECK:         %[[Q:.+]] = scf.if
// CHECK:           llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK:         nvvm.mapa %{{.+}} : !llvm.ptr<3> -> !llvm.ptr<7>
// CHECK:         nvvm.cluster.wait {aligned}
// CHECK:         scf.if
// CHECK:           nvvm.mbarrier.arrive.expect_tx %[[ARRIVED]]

// Two instructions a step for each block of 16 heads and 8 tokens.
// CHECK-COUNT-8: nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<bf16>
// CHECK-NOT:     nvvm.mma.sync
// CHECK:         llvm.store %{{.+}} : f32, !llvm.ptr<3>
// CHECK:         gpu.barrier

// 256 outputs are 4 for each of 64 threads.
// CHECK-COUNT-4: nvvm.inline_ptx "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.f32
// CHECK-NOT:     nvvm.inline_ptx
// CHECK-NOT:     nvvm.cluster.

// Of the 32 outputs that a CTA owns, the first warp finishes one each. The
// epilogue comes after the whole sum.
// CHECK:         scf.if
// CHECK:           scf.while
// CHECK:             nvvm.mbarrier.try_wait %[[ARRIVED]], %{{.+}} {scope = #nvvm.mem_scope<cluster>}
// CHECK:         scf.if
// CHECK:           llvm.getelementptr %[[RECEIVED]]
// CHECK-COUNT-6:   arith.addf
// CHECK:           %[[SUM:.+]] = arith.addf %{{.+}}, %{{.+}} : f32
// CHECK:           %[[G0:.+]] = arith.mulf %[[SUM]], %[[Q]] : f32
// CHECK-NEXT:      %[[G1:.+]] = arith.mulf %[[G0]], %[[SCALE]] : f32
// CHECK:           llvm.store %[[G1]], %{{.+}} : f32, !llvm.ptr<1>
// CHECK:         gpu.return
func.func private @gate(%x: tensor<?x1024xbf16>, %w: tensor<32x1024xbf16>,
    %q: tensor<?x32xf32>, %scale: f32) -> tensor<?x32xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x32xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x32xf32>)
      -> tensor<?x32xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x1024xbf16>, tensor<32x1024xbf16>,
          tensor<?x32xf32>)
      outs(%fill, %empty : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                          threads = 64, cluster = 8, max_tokens = 16>,
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

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// A cluster of 1 needs nothing of a cluster, so that it runs on every chip. With
// 8 heads the lower half of the rows is zero and has no sums; f16 operands are
// pairs.

// CHECK-LABEL: gpu.func @alone_register_mma(
// CHECK-NOT:     nvvm.mapa
// CHECK-NOT:     nvvm.cluster
// CHECK-NOT:     mbarrier
// CHECK:         %[[ZERO:.+]] = llvm.bitcast %c0_i32{{.*}} : i32 to vector<2xf16>
// CHECK:         nvvm.mma.sync A[%{{[^,]+}}, %[[ZERO]], %{{[^,]+}}, %{{.+}}] B[%{{.+}}, %{{.+}}] C[
// CHECK-NOT:     nvvm.mma.sync {{.*}} nvvm.mma.sync
// CHECK:         gpu.barrier
// CHECK:         scf.if
// CHECK:           llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK:         gpu.return
func.func private @alone(%x: tensor<?x128xf16>, %w: tensor<8x128xf16>,
    %q: tensor<?x8xf32>, %scale: f32) -> tensor<?x8xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf16>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x128xf16>, tensor<8x128xf16>,
          tensor<?x8xf32>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8,
                          threads = 128>,
        #indexer.schedule<family = plain, tile_t = 4, tile_h = 8,
                          threads = 128>]} {
  ^bb0(%a: f16, %b: f16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : f16 to f32
    %bw = arith.extf %b : f16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.mulf %n, %qs : f32
    %e1 = arith.mulf %e0, %scale : f32
    linalg.yield %n, %e1 : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// With a static weight the kernel starts early: only loads of the weight may
// come before the wait, and what comes after it may have been written meanwhile.
// A tile of 8 tokens has little to load before: it meets its peers first, and
// brings x into L2.

// CHECK-LABEL: func.func private @early(
// CHECK-SAME:    {alignment = 16 : i64, {{.*}} starts_early = true, static_operands = array<i64: 1>, threads = 64
// CHECK-SAME:    starts_early = false, static_operands = array<i64>, threads = 128
// CHECK-LABEL: gpu.func @early_register_mma(
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.griddepcontrol launch_dependents
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.cluster.arrive.relaxed
// CHECK:         nvvm.cluster.wait
// CHECK:         nvvm.inline_ptx "ld.global.L1::no_allocate.v4.b32
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.prefetch level = L2
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.griddepcontrol wait
// CHECK-NOT:     nvvm.cluster.wait
// CHECK-NOT:     ld.global.nc
// CHECK:         nvvm.inline_ptx "ld.global.L1::no_allocate.v4.b32
// CHECK-NOT:     ld.global.nc
// CHECK:         gpu.return
func.func private @early(%x: tensor<?x128xbf16>, %w: tensor<8x128xbf16>,
    %q: tensor<?x8xf32>, %scale: f32) -> tensor<?x8xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x128xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x128xbf16>, tensor<8x128xbf16>,
          tensor<?x8xf32>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8,
                          threads = 64, cluster = 2, weights = static>,
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
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}
