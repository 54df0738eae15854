// RUN: indexer-opt %s --split-input-file --indexer-generate-kernels | FileCheck %s

// The family tma_wgmma with a ring that is used more than once. The launch has
// the boxes of both tensor maps, and the dynamic shared memory: 3 stages of
// 64 + 16 rows of 128 bytes, and what aligns them.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// CHECK-LABEL: func.func private @ring(
// CHECK-SAME:    {alignment = 16 : i64, cluster = 1 : i64, family = "tma_wgmma"
// CHECK-SAME:     parameters = [#indexer.parameter<tensor_map 0, box = [16, 64]>, #indexer.parameter<tensor_map 1, box = [64, 64]>, #indexer.parameter<extent 0>, #indexer.parameter<pointer 0>
// CHECK-SAME:     shared_bytes = 31744 : i64, split = 1 : i64, starts_early = false, static_operands = array<i64>, threads = 160 : i64, tile_h = 64 : i64, tile_t = 16 : i64}

// CHECK:         gpu.func @ring_tma_wgmma(%[[X:.+]]: !llvm.ptr, %[[W:[a-z0-9]+]]: !llvm.ptr, %{{.+}}: i64, %{{.+}}: !llvm.ptr<1>
// CHECK-SAME:      kernel attributes {indexer.tensor_maps = array<i32: 0, 1>
// CHECK-DAG:     %[[FULL:.+]] = llvm.mlir.addressof @ring_tma_wgmma_full : !llvm.ptr<3>
// CHECK-DAG:     %[[EMPTY:.+]] = llvm.mlir.addressof @ring_tma_wgmma_empty : !llvm.ptr<3>

// One thread of the fifth warp fetches the maps; it makes a full barrier, says
// how many bytes will come, and starts their copies, before it turns to the next
// stage. The weight stays in L2.
// CHECK:         nvvm.elect.sync
// CHECK:         nvvm.prefetch tensormap, %[[X]]
// CHECK:         nvvm.prefetch tensormap, %[[W]]
// CHECK:         %[[FULL0:.+]] = llvm.getelementptr %[[FULL]][%c0_i32
// CHECK:         nvvm.mbarrier.init %[[FULL0]], %c1_i32
// CHECK:         nvvm.mbarrier.arrive.expect_tx %[[FULL0]], %c10240_i32
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[X]], %[[FULL0]], box[%{{.+}}, %{{.+}}] : !llvm.ptr<7>
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[W]], %[[FULL0]], box[%{{.+}}, %{{.+}}] l2_cache_hint = %c1508705875169116160_i64
// CHECK-COUNT-2: nvvm.mbarrier.arrive.expect_tx

// Another one makes the empty barriers: the four warps of the warpgroup arrive.
// CHECK:         %[[EMPTY0:.+]] = llvm.getelementptr %[[EMPTY]][%c0_i32
// CHECK:         nvvm.mbarrier.init %[[EMPTY0]], %c4_i32
// CHECK-NOT:     nvvm.cluster
// CHECK:         gpu.barrier
// CHECK-NOT:     gpu.barrier

// The warpgroup loads the operands of the epilogue, and multiplies 8 stages.
// CHECK:         %[[Q:.+]] = llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK:         %[[SUMS:.+]]:10 = scf.for %{{.+}} = %c0_i32{{.*}} to %c8_i32{{.*}} iter_args({{.*}}, %[[STAGE:.+]] = %c0_i32, %[[PARITY:.+]] = %c0_i32)
// CHECK:           %[[FULLS:.+]] = llvm.getelementptr %[[FULL]][%[[STAGE]]]
// CHECK:           nvvm.mbarrier.try_wait %[[FULLS]], %[[PARITY]]
// CHECK-COUNT-4:   nvvm.wgmma.mma_async
// CHECK:           nvvm.wgmma.wait.group.sync.aligned 0
// CHECK:           %[[EMPTYS:.+]] = llvm.getelementptr %[[EMPTY]][%[[STAGE]]]
// CHECK:           scf.if
// CHECK-NEXT:        nvvm.mbarrier.arrive %[[EMPTYS]]
// CHECK-COUNT-8:   arith.addf
// CHECK-NOT:       arith.addf
// CHECK:           %[[NEXT:.+]] = arith.addi %[[STAGE]], %c1_i32
// CHECK:           arith.cmpi eq, %[[NEXT]], %c3_i32
// CHECK:           scf.yield
// CHECK:         arith.mulf %[[SUMS]]#0, %[[Q]] : f32
// CHECK-COUNT-8: llvm.store %{{.+}} : f32, !llvm.ptr<1>

// The copying warp goes on with steps 3 to 7, in the second round of the ring:
// it waits for the consumers of the first, whose parity is 0.
// CHECK:         } else {
// CHECK:           nvvm.elect.sync
// CHECK:           scf.for %[[STEP:.+]] = %c3_i32{{.*}} to %c8_i32{{.*}} iter_args(%[[STAGE:.+]] = %c0_i32{{.*}}, %[[PARITY:.+]] = %c1_i32
// CHECK:             %[[BEFORE:.+]] = arith.xori %[[PARITY]], %c1_i32
// CHECK:             %[[EMPTYS:.+]] = llvm.getelementptr %[[EMPTY]][%[[STAGE]]]
// CHECK:             nvvm.mbarrier.try_wait %[[EMPTYS]], %[[BEFORE]]
// CHECK:             nvvm.mbarrier.arrive.expect_tx
// CHECK:             nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[X]]
// CHECK:             nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[W]]
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
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 16,
                          threads = 160, tile_d = 64, stages = 3>,
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

// A cluster of 4 divides d, 3 steps a CTA: the ring has no more stages, and
// nothing is copied after the start. The 8 units of 128 sums go to the CTAs in
// turn; a warp's owner is the same in each block of 8 tokens.

// CHECK-LABEL: func.func private @split(
// CHECK-SAME:    cluster = 4 : i64
// CHECK-SAME:    shared_bytes = 31744 : i64, split = 4 : i64
// CHECK:         llvm.mlir.global internal @split_tma_wgmma_received() {{.*}} : !llvm.array<1024 x f32>
// CHECK:         gpu.func @split_tma_wgmma(
// CHECK-COUNT-3: nvvm.mbarrier.arrive.expect_tx
// CHECK:         nvvm.cluster.arrive.relaxed {aligned}
// CHECK-NEXT:    gpu.barrier
// CHECK-NEXT:    nvvm.cluster.wait {aligned}
// CHECK:         nvvm.mbarrier.arrive.expect_tx %{{.+}}, %c4096_i32
// CHECK-COUNT-2: nvvm.mapa
// CHECK-NOT:     nvvm.mapa
// CHECK:         nvvm.wgmma.mma_async
// CHECK-COUNT-2: nvvm.inline_ptx "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32
// CHECK-NOT:     st.async
// CHECK-NOT:     nvvm.cluster.
// CHECK:         nvvm.mbarrier.try_wait
// CHECK-COUNT-4: llvm.load %{{.+}} : !llvm.ptr<3> -> vector<4xf32>
// CHECK-COUNT-4: llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:     nvvm.cp.async.bulk
// CHECK:         gpu.return
func.func private @split(%x: tensor<?x768xbf16>, %w: tensor<64x768xbf16>,
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
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 16,
                          threads = 160, cluster = 4, tile_d = 64,
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

// 24 tokens are 12 units: in a cluster of 8 the first four CTAs own two and the
// others one, and expect half of the bytes.

// CHECK-LABEL: gpu.func @uneven_tma_wgmma(
// CHECK:         %[[RANK:.+]] = arith.remui %{{.+}}, %c8_i32
// CHECK:         %[[ISFULL:.+]] = arith.cmpi slt, %[[RANK]], %c4_i32
// CHECK:         %[[BYTES:.+]] = arith.select %[[ISFULL]], %c8192_i32, %c4096_i32
// CHECK:         nvvm.mbarrier.arrive.expect_tx %{{.+}}, %[[BYTES]]
// CHECK-COUNT-3: st.async
// CHECK:         gpu.return
func.func private @uneven(%x: tensor<?x512xbf16>, %w: tensor<64x512xbf16>,
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
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 24,
                          threads = 160, cluster = 8, tile_d = 64,
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

// The two CTAs of a cluster have a tile each, and copy half of the weight's rows
// to both. That has to wait until the barriers of both are made; x has not. Only
// where a copy will follow, the peer is told that a stage is empty, one lane for
// each CTA. A persistent CTA walks over tiles.

// CHECK-LABEL: func.func private @multicast(
// CHECK-SAME:    cluster = 2 : i64
// CHECK-SAME:    max_ctas = 4 : i64
// CHECK-SAME:    #indexer.parameter<tensor_map 1, box = [32, 64]>
// CHECK-SAME:    split = 1 : i64
// CHECK:         gpu.func @multicast_tma_wgmma(%[[X:.+]]: !llvm.ptr, %[[W:[a-z0-9]+]]: !llvm.ptr, %{{.+}}: i64, %{{.+}}: !llvm.ptr<1>
// CHECK-NOT:     bulk.tensor{{.*}} %[[W]]
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[X]]
// CHECK-NOT:     bulk.tensor{{.*}} %[[W]]
// CHECK:         nvvm.mbarrier.init %{{.+}}, %c8_i32
// CHECK:         nvvm.cluster.arrive.relaxed {aligned}
// CHECK:         nvvm.cluster.wait {aligned}
// CHECK:         scf.for %[[TILE:.+]] = %{{.+}} to %[[END:.+]] step %[[CLUSTERS:.+]] iter_args
// CHECK:           %[[NEXT:.+]] = arith.addi %[[TILE]], %[[CLUSTERS]]
// CHECK:           %[[FOLLOWED:.+]] = arith.cmpi slt, %[[NEXT]], %[[END]]
// CHECK:           scf.for %[[STEP:.+]] = %c0_i32
// CHECK:             %[[AGAIN:.+]] = arith.cmpi slt, %[[STEP]], %c5_i32
// CHECK:             %[[AWAITED:.+]] = arith.ori %[[AGAIN]], %[[FOLLOWED]]
// CHECK:             scf.if %[[AWAITED]] {
// CHECK:               scf.if
// CHECK:                 %[[PEER:.+]] = nvvm.mapa
// CHECK:                 nvvm.mbarrier.arrive %[[PEER]] {relaxed = true, scope = #nvvm.mem_scope<cluster>}
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[W]], %{{.+}}, box[%{{.+}}, %{{.+}}] multicast_mask = %c3_i16
// CHECK:         gpu.return
func.func private @multicast(%x: tensor<?x512xbf16>, %w: tensor<64x512xbf16>,
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
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 16,
                          threads = 160, cluster = 2, tile_d = 64,
                          stages = 3, multicast = 2, max_ctas = 4>,
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

// With static weights, those of the first stages are copied before the wait for
// the kernel before this one, x after it: until then it is brought into L2. The
// warpgroup waits too, before it loads q.

// CHECK-LABEL: gpu.func @static_tma_wgmma(
// CHECK-SAME:    %[[X:.+]]: !llvm.ptr, %[[W:[a-z0-9]+]]: !llvm.ptr, %{{.+}}: i64, %{{.+}}: !llvm.ptr<1>
// CHECK:         nvvm.griddepcontrol launch_dependents
// CHECK-COUNT-3: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[W]]
// CHECK-NOT:     bulk.tensor
// CHECK:         gpu.barrier
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.griddepcontrol wait
// CHECK:         llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK:         } else {
// CHECK-COUNT-3: nvvm.cp.async.bulk.tensor.prefetch %[[X]]
// CHECK-NOT:     bulk.tensor
// CHECK:         nvvm.griddepcontrol wait
// CHECK-COUNT-3: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.+}}, %[[X]]
// CHECK:         scf.for
// CHECK:         gpu.return
func.func private @static(%x: tensor<?x512xbf16>, %w: tensor<64x512xbf16>,
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
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 16,
                          threads = 160, tile_d = 64, stages = 3,
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

// 24 heads are less than a tile: TMA gives zeros for the others, which are not
// stored.

// CHECK-LABEL: gpu.func @heads_tma_wgmma(
// CHECK-DAG:     %[[LAST:.+]] = arith.constant 23 : i32
// CHECK:         nvvm.wgmma.mma_async
// CHECK:         arith.cmpi sle, %{{.+}}, %[[LAST]]
// CHECK:         llvm.store
// CHECK:         gpu.return
func.func private @heads(%x: tensor<?x512xbf16>, %w: tensor<24x512xbf16>,
    %q: tensor<?x24xf32>, %scale: f32) -> tensor<?x24xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x24xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x24xf32>)
      -> tensor<?x24xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<24x512xbf16>,
          tensor<?x24xf32>)
      outs(%fill, %empty : tensor<?x24xf32>, tensor<?x24xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 16,
                          threads = 160, tile_d = 64, stages = 3>,
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
  } -> (tensor<?x24xf32>, tensor<?x24xf32>)
  return %r#1 : tensor<?x24xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// Three warpgroups multiply the same heads, each by 16 tokens of the tile's 48:
// their 12 warps say that a stage is empty, the 13th copies.

// CHECK-LABEL: gpu.func @three_warpgroups_tma_wgmma(
// CHECK:         %[[THREAD:.+]] = arith.index_cast %thread_id_x : index to i32
// CHECK:         %[[WARP:.+]] = arith.divui %[[THREAD]], %c32_i32
// CHECK:         arith.cmpi eq, %[[WARP]], %c12_i32
// CHECK:         nvvm.elect.sync
// CHECK:         nvvm.mbarrier.init %{{.+}}, %c12_i32
// CHECK:         arith.cmpi slt, %[[THREAD]], %c384_i32
// CHECK:         %[[GROUP:.+]] = arith.divui %[[THREAD]], %c128_i32
// CHECK:         arith.muli %[[GROUP]], %c2_i32
// CHECK:         scf.for
// CHECK:           arith.muli %{{.+}}, %c2048_i32
// CHECK:           nvvm.wgmma.mma_async {{.*}}n = 16
// CHECK-COUNT-8: llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
// CHECK:         gpu.return
func.func private @three_warpgroups(%x: tensor<?x512xbf16>, %w: tensor<64x512xbf16>,
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
        #indexer.schedule<family = tma_wgmma, tile_h = 64, tile_t = 48,
                          threads = 416, tile_d = 64, stages = 3>,
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
