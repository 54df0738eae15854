// RUN: indexer-opt %s | indexer-opt | FileCheck %s

// The attributes print as they are written, fields in their order and defaults
// left out.

// CHECK-LABEL: func.func private @schedule_unbounded
// CHECK-SAME: #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>
func.func private @schedule_unbounded() attributes {
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>}

// CHECK-LABEL: func.func private @schedule_any_order
// CHECK-SAME: #indexer.schedule<family = plain, tile_t = 1, tile_h = 2, threads = 64, max_tokens = 16>
func.func private @schedule_any_order() attributes {
  a = #indexer.schedule<max_tokens = 16, threads = 64, tile_h = 2, tile_t = 1,
                        family = plain>}

// CHECK-LABEL: func.func private @parameters
// CHECK-SAME: #indexer.parameter<pointer 0>
// CHECK-SAME: #indexer.parameter<stride 3[0]>
// CHECK-SAME: #indexer.parameter<extent 2>
// CHECK-SAME: #indexer.parameter<scalar 1>
// CHECK-SAME: #indexer.parameter<tensor_map 0, box = [16, 64]>
func.func private @parameters() attributes {
  a = [#indexer.parameter<pointer 0>, #indexer.parameter<stride 3[0]>,
       #indexer.parameter<extent 2>, #indexer.parameter<scalar 1>,
       #indexer.parameter<tensor_map 0, box = [16, 64]>]}

// CHECK-LABEL: func.func private @register_mma
// CHECK-SAME: #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16, threads = 224, cluster = 16, max_tokens = 16>
func.func private @register_mma() attributes {
  a = #indexer.schedule<family = register_mma, tile_t = 16, tile_h = 16,
                        threads = 224, cluster = 16, max_tokens = 16>}

// CHECK-LABEL: func.func private @dot
// CHECK-SAME: #indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 448, weights = static, max_tokens = 1>
func.func private @dot() attributes {
  a = #indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 448,
                        cluster = 1, weights = static, max_tokens = 1>}

// CHECK-LABEL: func.func private @cp_async_wgmma
// CHECK-SAME: #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64, threads = 128, cluster = 2, tile_d = 128, stages = 6, max_tokens = 4096>
func.func private @cp_async_wgmma() attributes {
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, cluster = 2, tile_d = 128, stages = 6,
                        max_tokens = 4096>}

// CHECK-LABEL: func.func private @parts
// CHECK-SAME: #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64, threads = 128, cluster = 2, tile_d = 128, stages = 6, parts = 4>
func.func private @parts() attributes {
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, cluster = 2, tile_d = 128, stages = 6,
                        parts = 4>}

// CHECK-LABEL: func.func private @tma_wgmma_split
// CHECK-SAME: #indexer.schedule<family = tma_wgmma, tile_t = 72, tile_h = 64, threads = 160, cluster = 8, tile_d = 128, stages = 4, max_tokens = 1080>
func.func private @tma_wgmma_split() attributes {
  a = #indexer.schedule<family = tma_wgmma, tile_t = 72, tile_h = 64,
                        threads = 160, cluster = 8, tile_d = 128, stages = 4,
                        multicast = 1, max_ctas = 0, max_tokens = 1080>}

// CHECK-LABEL: func.func private @tma_wgmma_persistent
// CHECK-SAME: #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 64, threads = 160, cluster = 2, tile_d = 128, stages = 4, multicast = 2, max_ctas = 132>
func.func private @tma_wgmma_persistent() attributes {
  a = #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 64,
                        threads = 160, cluster = 2, tile_d = 128, stages = 4,
                        multicast = 2, max_ctas = 132>}

// CHECK-LABEL: func.func private @tma_wgmma_heads
// CHECK-SAME: #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192, threads = 512, tile_d = 64, stages = 5>
func.func private @tma_wgmma_heads() attributes {
  a = #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 5>}

// CHECK-LABEL: func.func private @tma_wgmma_two_blocks_of_heads
// CHECK-SAME: #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 128, threads = 384, cluster = 2, tile_d = 128, stages = 3>
func.func private @tma_wgmma_two_blocks_of_heads() attributes {
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 128,
                        threads = 384, cluster = 2, tile_d = 128, stages = 3>}
