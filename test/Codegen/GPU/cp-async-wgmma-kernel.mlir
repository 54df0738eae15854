// RUN: indexer-opt %s --split-input-file --indexer-generate-kernels | FileCheck %s

// The family cp_async_wgmma with a ring that is used more than once. The launch
// has the tile, the dynamic shared memory and what is asked of the operands.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// 3 stages of 64 + 16 rows of 128 bytes, and what aligns them.
// CHECK-LABEL: func.func private @ring(
// CHECK-SAME:    indexer.launch = [
// CHECK-SAME:    {alignment = 16 : i64, cluster = 1 : i64, family = "cp_async_wgmma"
// CHECK-SAME:     kernel = "ring_cp_async_wgmma", max_tokens = 512 : i64, min_tokens = 1 : i64
// CHECK-SAME:     shared_bytes = 31744 : i64, split = 1 : i64, starts_early = false, static_operands = array<i64>, threads = 128 : i64, tile_h = 64 : i64, tile_t = 16 : i64}

// The stages start at a multiple of 1024.
// CHECK:         llvm.mlir.global external @ring_cp_async_wgmma_stages() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
// CHECK:         gpu.func @ring_cp_async_wgmma(
// CHECK:         %[[GLOBAL:.+]] = llvm.mlir.addressof @ring_cp_async_wgmma_stages
// CHECK:         llvm.ptrtoint %[[GLOBAL]]
// CHECK:         arith.andi

// Two stages are in flight before the first multiplication: 4 rows of weight and
// 1 of x a thread.
// CHECK-COUNT-5: nvvm.cp.async.shared.global %{{.+}}, %{{.+}}, 16, cache = cg
// CHECK-NEXT:    nvvm.cp.async.commit.group
// CHECK-COUNT-5: nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group

// The operands of the epilogue are loaded while the copies are under way.
// CHECK-NOT:     nvvm
// CHECK:         %[[Q:.+]] = llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK:         %[[FIRST:.+]] = llvm.getelementptr %arg10[

// 6 of 8 steps start copies. Each multiplies from zero, 4 instructions of 16
// columns; its sums are added in f32 after the wait.
// CHECK:         scf.for %{{.+}} = %c0_i32{{.*}} to %c6_i32
// CHECK:           nvvm.cp.async.wait.group 1
// CHECK-NEXT:      nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK-NEXT:      gpu.barrier
// CHECK:           nvvm.wgmma.fence.aligned
// CHECK:           nvvm.wgmma.mma_async %{{.+}}, %{{.+}}, %{{.+}}, <m = 64, n = 16, k = 16>, D[<f32>, <zero>], A[<bf16>, <one>, <row>], B[<bf16>, <one>, <col>]
// CHECK-COUNT-3:   nvvm.wgmma.mma_async {{.*}} D[<f32>, <one>]
// CHECK-NOT:       nvvm.wgmma.mma_async
// CHECK:           nvvm.wgmma.commit.group.sync.aligned
// CHECK-COUNT-5:   nvvm.cp.async.shared.global
// CHECK-NEXT:      nvvm.cp.async.commit.group
// CHECK:           nvvm.wgmma.wait.group.sync.aligned 0
// CHECK-COUNT-8:   arith.addf
// CHECK-NOT:       arith.addf
// CHECK:           scf.yield

// The last two only count their groups.
// CHECK:         %[[SUMS:.+]]:11 = scf.for %{{.+}} = %c0_i32{{.*}} to %c2_i32
// CHECK:           nvvm.cp.async.wait.group 1
// CHECK-NOT:       nvvm.cp.async.shared.global
// CHECK:           nvvm.cp.async.commit.group
// CHECK:           nvvm.wgmma.wait.group.sync.aligned 0
// CHECK:           scf.yield

// The sums are whole: 8 outputs of a thread, stored where their token exists.
// Those of the next 8 tokens lie 8 strides behind.
// CHECK:         %[[G0:.+]] = arith.mulf %[[SUMS]]#0, %[[Q]] : f32
// CHECK-NEXT:    %[[G1:.+]] = arith.mulf %[[G0]], %{{.+}} : f32
// CHECK:         scf.if
// CHECK:           llvm.store %[[G1]], %[[FIRST]] : f32, !llvm.ptr<1>
// CHECK-COUNT-3: llvm.store
// CHECK:         llvm.getelementptr %[[FIRST]][
// CHECK-COUNT-4: llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
// CHECK:         gpu.return
func.func private @ring(%x: tensor<?x512xbf16>, %w: tensor<64x512xbf16>,
    %q: tensor<?x64xf32>, %scale: f32) -> tensor<?x64xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<64x512xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %empty : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, tile_d = 64, stages = 3,
                          max_tokens = 512>,
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// All of d fits into the ring: each wait is for its own number of groups, and
// nothing is copied after the first multiplication. Sums go to their owners
// straight from the accumulators, 4 at a time.

// CHECK-LABEL: func.func private @resident(
// CHECK-SAME:    {alignment = 16 : i64, cluster = 4 : i64, family = "cp_async_wgmma"
// CHECK-SAME:     shared_bytes = 31744 : i64, split = 4 : i64
// CHECK-DAG:     llvm.mlir.global internal @resident_cp_async_wgmma_received() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1024 x f32>
// CHECK-DAG:     llvm.mlir.global internal @resident_cp_async_wgmma_arrived() {addr_space = 3 : i32, alignment = 8 : i64} : i64
// CHECK:         gpu.func @resident_cp_async_wgmma(
// CHECK-COUNT-3: nvvm.cp.async.commit.group
// CHECK:         nvvm.mbarrier.init
// CHECK:         nvvm.cluster.arrive.relaxed {aligned}
// CHECK:         llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK:         nvvm.mapa %{{.+}} : !llvm.ptr<3> -> !llvm.ptr<7>
// CHECK:         nvvm.cluster.wait {aligned}
// CHECK:         nvvm.mbarrier.arrive.expect_tx
// CHECK-NOT:     scf.for
// CHECK-NOT:     nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.wait.group 2
// CHECK-COUNT-4: nvvm.wgmma.mma_async
// CHECK:         nvvm.cp.async.wait.group 1
// CHECK-COUNT-4: nvvm.wgmma.mma_async
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK-COUNT-4: nvvm.wgmma.mma_async
// CHECK:         nvvm.wgmma.wait.group.sync.aligned 0
// CHECK-COUNT-2: nvvm.inline_ptx "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32
// CHECK-NOT:     st.async
// CHECK-NOT:     nvvm.cluster.
// CHECK:         nvvm.mbarrier.try_wait

// 64 of the threads own 4 outputs each.
// CHECK:         scf.if
// CHECK-COUNT-4:   llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
// CHECK:         gpu.return
func.func private @resident(%x: tensor<?x768xbf16>, %w: tensor<64x768xbf16>,
    %q: tensor<?x64xf32>, %scale: f32) -> tensor<?x64xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x768xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x768xbf16>, tensor<64x768xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %empty : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, cluster = 4, tile_d = 64,
                          stages = 8>,
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// A CTA's share of d is one stage: it is waited for and multiplied in pieces of
// 128 columns, each added to the products of those before, which nothing waits
// for.

// CHECK-LABEL: func.func private @chain(
// CHECK-SAME:    {alignment = 16 : i64, cluster = 2 : i64, family = "cp_async_wgmma"
// CHECK:         gpu.func @chain_cp_async_wgmma(
// CHECK-COUNT-3: nvvm.cp.async.commit.group
// CHECK-NOT:     nvvm.cp.async.commit.group
// CHECK:         nvvm.cp.async.wait.group 2
// CHECK:         nvvm.wgmma.mma_async {{.*}} D[<f32>, <zero>]
// CHECK-COUNT-7: nvvm.wgmma.mma_async {{.*}} D[<f32>, <one>]
// CHECK-NOT:     nvvm.wgmma.wait
// CHECK:         nvvm.cp.async.wait.group 1
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}} D[<f32>, <one>]
// CHECK-NOT:     nvvm.wgmma.wait
// CHECK:         nvvm.cp.async.wait.group 0
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}} D[<f32>, <one>]
// CHECK:         nvvm.wgmma.wait.group.sync.aligned 0
// CHECK-NOT:     nvvm.wgmma.mma_async
// CHECK:         nvvm.inline_ptx "st.async
func.func private @chain(%x: tensor<?x768xbf16>, %w: tensor<64x768xbf16>,
    %q: tensor<?x64xf32>, %scale: f32) -> tensor<?x64xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x768xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x768xbf16>, tensor<64x768xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %empty : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, cluster = 2, tile_d = 384,
                          stages = 1>,
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// 24 heads are less than a tile: rows of weight past the last one are read from
// it, and not stored. The threads copy 16 rows at a time, so that half of them
// copy x. f16 operands are as good.

// CHECK-LABEL: gpu.func @heads_cp_async_wgmma(
// CHECK-DAG:     %[[LAST:.+]] = arith.constant 23 : i32
// CHECK:         arith.minsi %{{.+}}, %[[LAST]]
// CHECK:         %[[ISROW:.+]] = arith.cmpi slt, %{{.+}}, %c8_i32
// CHECK-NEXT:    scf.if %[[ISROW]] {
// CHECK:           nvvm.cp.async.shared.global
// CHECK:         nvvm.wgmma.mma_async %{{.+}}, <m = 64, n = 8, k = 16>, D[<f32>, <zero>], A[<f16>, <one>, <row>], B[<f16>, <one>, <col>]
// CHECK:         arith.cmpi sle, %{{.+}}, %[[LAST]]
// CHECK:         llvm.store
// CHECK:         gpu.return
func.func private @heads(%x: tensor<?x256xf16>, %w: tensor<24x256xf16>,
    %q: tensor<?x24xf32>, %scale: f32) -> tensor<?x24xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x256xf16>
  %empty = tensor.empty(%tokens) : tensor<?x24xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x24xf32>)
      -> tensor<?x24xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x256xf16>, tensor<24x256xf16>,
          tensor<?x24xf32>)
      outs(%fill, %empty : tensor<?x24xf32>, tensor<?x24xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 8,
                          threads = 128, tile_d = 64, stages = 2>,
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
  } -> (tensor<?x24xf32>, tensor<?x24xf32>)
  return %r#1 : tensor<?x24xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// With static weights, those of the first stages are copied before the wait for
// the kernel before this one; x comes after it.

// CHECK-LABEL: gpu.func @static_cp_async_wgmma(
// CHECK:         nvvm.griddepcontrol launch_dependents
// CHECK-COUNT-8: nvvm.cp.async.shared.global
// CHECK-NOT:     nvvm.cp.async
// CHECK:         nvvm.griddepcontrol wait
// CHECK:         nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK:         nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
func.func private @static(%x: tensor<?x256xbf16>, %w: tensor<64x256xbf16>,
    %q: tensor<?x64xf32>, %scale: f32) -> tensor<?x64xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x256xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x256xbf16>, tensor<64x256xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %empty : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, tile_d = 64, stages = 3,
                          weights = static>,
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// 4 parts of 2 steps. The sums of a part begin at -0, to which the first addition
// adds nothing, and so do those of each half; copies end when all columns are
// under way.

// CHECK-LABEL: gpu.func @parts_cp_async_wgmma(
// CHECK:         %[[NONE:.+]] = arith.constant -0.000000e+00 : f32
// CHECK:         scf.for %{{.+}} = %c0_i32{{.*}} to %c2_i32{{.*}} iter_args(%[[ALL:[^ ]+]] = %[[NONE]],
// CHECK:           %[[HALF:.+]]:11 = scf.for %{{.+}} = %c0_i32{{.*}} to %c2_i32{{.*}} iter_args(%[[PAIR:[^ ]+]] = %[[NONE]],
// CHECK:             %[[PART:.+]]:11 = scf.for %{{.+}} = %c0_i32{{.*}} to %c2_i32{{.*}} iter_args(%[[SUM:[^ ]+]] = %[[NONE]],
// CHECK:               nvvm.wgmma.mma_async
// CHECK:               %[[ISLEFT:.+]] = arith.cmpi slt, %{{.+}}, %c512_i64
// CHECK-NEXT:          scf.if %[[ISLEFT]]
// CHECK:                 nvvm.cp.async.shared.global
// CHECK:               nvvm.cp.async.commit.group
// CHECK:               arith.addf %[[SUM]], %{{.+}} : f32
// CHECK:             arith.addf %[[PAIR]], %[[PART]]#0 : f32
// CHECK:             scf.yield {{.*}} %[[PART]]#8, %[[PART]]#9, %[[PART]]#10
// CHECK:           arith.addf %[[ALL]], %[[HALF]]#0 : f32
// CHECK-NOT:     scf.for
// CHECK:         gpu.return
func.func private @parts(%x: tensor<?x512xbf16>, %w: tensor<64x512xbf16>,
    %q: tensor<?x64xf32>, %scale: f32) -> tensor<?x64xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<64x512xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %empty : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, tile_d = 64, stages = 3,
                          parts = 4>,
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// 2 parts of 6 steps in a ring that has room for all of them. The first step of a
// part begins its sums: 5 times 8 additions each, and 8 for the pair.

// CHECK-LABEL: gpu.func @resident_parts_cp_async_wgmma(
// CHECK-NOT:      scf.for
// CHECK-COUNT-88: arith.addf
// CHECK-NOT:      arith.addf
// CHECK:          gpu.return
func.func private @resident_parts(%x: tensor<?x768xbf16>, %w: tensor<64x768xbf16>,
    %q: tensor<?x64xf32>, %scale: f32) -> tensor<?x64xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x768xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x768xbf16>, tensor<64x768xbf16>,
          tensor<?x64xf32>)
      outs(%fill, %empty : tensor<?x64xf32>, tensor<?x64xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = cp_async_wgmma, tile_h = 64, tile_t = 16,
                          threads = 128, parts = 2, tile_d = 64,
                          stages = 12>,
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
  } -> (tensor<?x64xf32>, tensor<?x64xf32>)
  return %r#1 : tensor<?x64xf32>
}
