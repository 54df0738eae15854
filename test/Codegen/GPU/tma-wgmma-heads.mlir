// RUN: indexer-opt %s --split-input-file --indexer-generate-kernels | FileCheck %s

// The family tma_wgmma with tiles of more than 64 heads: each warpgroup has 64 of
// them, all have the same tokens. What does not depend on that is in
// tma-wgmma-kernel.mlir.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// One CTA has all heads, and x is copied once for them: a stage is 16 + 192 rows of
// 128 bytes. The grid has one tile along the heads.

// CHECK-LABEL: func.func private @all(
// CHECK-SAME:    heads_first = false
// CHECK-SAME:    parameters = [#indexer.parameter<tensor_map 0, box = [16, 64]>, #indexer.parameter<tensor_map 1, box = [192, 64]>
// CHECK-SAME:    shared_bytes = 80896 : i64
// CHECK-SAME:    threads = 512 : i64, tile_h = 192 : i64, tile_t = 16 : i64

// ptxas obeys the moves of registers where it knows how many a launch gives.
// CHECK:         gpu.func @all_tma_wgmma(
// CHECK-SAME:      kernel attributes {{{.*}}known_block_size = array<i32: 512, 1, 1>, nvvm.minctasm = 1 : i32}
// CHECK-DAG:     %[[EMPTY:.+]] = llvm.mlir.addressof @all_tma_wgmma_empty

// The thirteenth warp copies, and the twelve before it read each stage.
// CHECK:         %[[WARP:.+]] = arith.divui %[[THREAD:.+]], %c32_i32
// CHECK:         %[[COPIES:.+]] = arith.cmpi eq, %[[WARP]], %c12_i32
// CHECK:         scf.if %[[COPIES]] {
// CHECK:         nvvm.mbarrier.arrive.expect_tx %{{.+}}, %c26624_i32
// CHECK:         nvvm.mbarrier.init %{{.+}}, %c12_i32
// CHECK:         gpu.barrier

// The warpgroups take registers. Each multiplies rows of its own of the weight,
// 8192 bytes or 64 rows apart, by the same rows of x.
// CHECK:         %[[MULTIPLIES:.+]] = arith.cmpi slt, %[[THREAD]], %c384_i32
// CHECK:         scf.if %[[MULTIPLIES]] {
// CHECK-NEXT:      nvvm.setmaxregister increase 160
// CHECK:           %[[WARPGROUP:.+]] = arith.divui %[[THREAD]], %c128_i32
// CHECK:           scf.for
// CHECK:             %[[ROWS:.+]] = arith.muli %[[WARPGROUP]], %c8192_i32
// CHECK:             llvm.getelementptr %{{.+}}[%[[ROWS]]]
// CHECK-NOT:         llvm.getelementptr
// CHECK-COUNT-4:     nvvm.wgmma.mma_async {{.*}} <m = 64, n = 16, k = 16>
// CHECK-COUNT-8:   llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:       llvm.store

// All four warps of the copying warpgroup give registers; one of them copies.
// CHECK:         } else {
// CHECK-NEXT:      nvvm.setmaxregister decrease 32
// CHECK-NEXT:      scf.if %[[COPIES]] {
// CHECK:             nvvm.elect.sync
// CHECK:             nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK:         gpu.return
func.func private @all(%x: tensor<?x512xbf16>, %w: tensor<192x512xbf16>,
    %q: tensor<?x192xf32>, %scale: f32) -> tensor<?x192xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x192xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x192xf32>)
      -> tensor<?x192xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<192x512xbf16>,
          tensor<?x192xf32>)
      outs(%fill, %empty : tensor<?x192xf32>, tensor<?x192xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_h = 192, tile_t = 16,
                          threads = 512, tile_d = 64, stages = 3>,
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
  } -> (tensor<?x192xf32>, tensor<?x192xf32>)
  return %r#1 : tensor<?x192xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// Two warpgroups have more registers each. 72 tokens leave none for operands of
// the epilogue: they are loaded behind the last multiplication, those of 4 blocks
// of 8 tokens at a time.

// CHECK-LABEL: gpu.func @late_tma_wgmma(
// CHECK:         nvvm.setmaxregister increase 240
// CHECK-NOT:     llvm.load
// CHECK:         nvvm.wgmma.mma_async
// CHECK-COUNT-16: llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK-NOT:     llvm.load
// CHECK-COUNT-16: llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-COUNT-16: llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK-COUNT-16: llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-COUNT-4: llvm.load %{{.+}} : !llvm.ptr<1> -> f32
// CHECK-COUNT-4: llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK:         nvvm.setmaxregister decrease 24
// CHECK:         gpu.return
func.func private @late(%x: tensor<?x512xbf16>, %w: tensor<128x512xbf16>,
    %q: tensor<?x128xf32>, %scale: f32) -> tensor<?x128xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x128xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x128xf32>)
      -> tensor<?x128xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<128x512xbf16>,
          tensor<?x128xf32>)
      outs(%fill, %empty : tensor<?x128xf32>, tensor<?x128xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_h = 128, tile_t = 72,
                          threads = 384, tile_d = 64, stages = 4>,
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
  } -> (tensor<?x128xf32>, tensor<?x128xf32>)
  return %r#1 : tensor<?x128xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// Of 160 heads the last warpgroup has 32: what it multiplies beyond them is zeros,
// and not stored. Each of two CTAs copies 96 rows of the weight to both, 12288
// bytes apart.

// CHECK-LABEL: func.func private @missing(
// CHECK-SAME:    #indexer.parameter<tensor_map 1, box = [96, 64]>
// CHECK:         gpu.func @missing_tma_wgmma(
// CHECK:         nvvm.mbarrier.init %{{.+}}, %c24_i32
// CHECK:         %[[HEAD:.+]] = arith.minsi %{{.+}}, %c159_i32
// CHECK:         nvvm.wgmma.mma_async
// CHECK:         %[[EXISTS:.+]] = arith.cmpi sle, %{{.+}}, %c159_i32
// CHECK:         scf.if %[[EXISTS]] {
// CHECK-NEXT:      llvm.store
// CHECK:         %[[PART:.+]] = arith.muli %{{.+}}, %c12288_i32
// CHECK:         llvm.getelementptr %{{.+}}[%[[PART]]]
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}} multicast_mask = %c3_i16
// CHECK:         gpu.return
func.func private @missing(%x: tensor<?x512xbf16>, %w: tensor<160x512xbf16>,
    %q: tensor<?x160xf32>, %scale: f32) -> tensor<?x160xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x160xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x160xf32>)
      -> tensor<?x160xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<160x512xbf16>,
          tensor<?x160xf32>)
      outs(%fill, %empty : tensor<?x160xf32>, tensor<?x160xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_h = 192, tile_t = 16,
                          threads = 512, cluster = 2, tile_d = 64, stages = 3,
                          multicast = 2, max_ctas = 4>,
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
  } -> (tensor<?x160xf32>, tensor<?x160xf32>)
  return %r#1 : tensor<?x160xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// More heads than a tile has are tiles side by side, as with tiles of 64.

// CHECK-LABEL: func.func private @more(
// CHECK-SAME:    heads_first = true
// CHECK-SAME:    tile_h = 128 : i64
// CHECK:         gpu.func @more_tma_wgmma(
// CHECK:         %[[TILE:.+]] = gpu.block_id  x
// CHECK:         %[[NUMBER:.+]] = arith.index_cast %[[TILE]]
// CHECK:         arith.muli %[[NUMBER]], %c128_i32
// CHECK:         gpu.return
func.func private @more(%x: tensor<?x512xbf16>, %w: tensor<256x512xbf16>,
    %q: tensor<?x256xf32>, %scale: f32) -> tensor<?x256xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x256xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x256xf32>)
      -> tensor<?x256xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<256x512xbf16>,
          tensor<?x256xf32>)
      outs(%fill, %empty : tensor<?x256xf32>, tensor<?x256xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_h = 128, tile_t = 16,
                          threads = 384, tile_d = 64, stages = 3>,
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
  } -> (tensor<?x256xf32>, tensor<?x256xf32>)
  return %r#1 : tensor<?x256xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// A cluster of 8 divides d. A block of 8 tokens has 12 units of 128 sums, so what a
// warp has of the next block goes to another owner; that of the third one is the
// first again, and is not computed. What is received lies behind the stages.

// CHECK-LABEL: func.func private @split(
// CHECK-SAME:    shared_bytes = 49152 : i64, split = 8 : i64
// CHECK-NOT:     _received
// CHECK:         gpu.func @split_tma_wgmma(
// CHECK:         llvm.getelementptr %{{.+}}[%c27648_i32]
// CHECK:         nvvm.setmaxregister increase 160
// CHECK-COUNT-4: nvvm.mapa
// CHECK-NOT:     nvvm.mapa
// CHECK:         nvvm.wgmma.mma_async
// CHECK-COUNT-3: st.async
// CHECK-NOT:     st.async
// CHECK-COUNT-8: llvm.load %{{.+}} : !llvm.ptr<3> -> vector<4xf32>
// CHECK:         gpu.return
func.func private @split(%x: tensor<?x512xbf16>, %w: tensor<192x512xbf16>,
    %q: tensor<?x192xf32>, %scale: f32) -> tensor<?x192xf32>
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x192xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x192xf32>)
      -> tensor<?x192xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %q : tensor<?x512xbf16>, tensor<192x512xbf16>,
          tensor<?x192xf32>)
      outs(%fill, %empty : tensor<?x192xf32>, tensor<?x192xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = tma_wgmma, tile_h = 192, tile_t = 24,
                          threads = 512, cluster = 8, tile_d = 64,
                          stages = 4>,
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
  } -> (tensor<?x192xf32>, tensor<?x192xf32>)
  return %r#1 : tensor<?x192xf32>
}
