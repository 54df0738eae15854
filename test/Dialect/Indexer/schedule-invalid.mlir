// RUN: indexer-opt %s --split-input-file --verify-diagnostics

// expected-error @+3 {{expected ::indexer::Family to be one of: plain, register_mma, dot, cp_async_wgmma}}
// expected-error @+2 {{failed to parse Indexer_ScheduleAttr parameter 'family'}}
func.func private @unknown_family() attributes {
  a = #indexer.schedule<family = fancy, tile_t = 4, tile_h = 8, threads = 128>}

// -----

func.func private @no_tile() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 0 is not accepted: a tile is 1 token or more}}
  a = #indexer.schedule<family = plain, tile_t = 0, tile_h = 8, threads = 128>}

// -----

func.func private @negative_tile() attributes {
  // expected-error @+1 {{schedule 'tile_h' = -8 is not accepted: a tile is 1 head or more}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = -8, threads = 128>}

// -----

func.func private @half_warp() attributes {
  // expected-error @+1 {{schedule 'threads' = 48 is not accepted: a CTA has 32 to 1024 threads, in multiples of 32 (one warp)}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 48>}

// -----

func.func private @no_tokens() attributes {
  // expected-error @+1 {{schedule 'max_tokens' = 0 is not accepted: a kernel serves 1 token or more}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128,
                        max_tokens = 0>}

// -----

func.func private @too_many_accumulators() attributes {
  // expected-error @+1 {{schedule tile of 8 x 16 outputs is not accepted: with 'threads' = 128 a thread holds at most 64 accumulators and 25 rows ('tile_t' + 'tile_h') in its 256 registers}}
  a = #indexer.schedule<family = plain, tile_t = 8, tile_h = 16, threads = 128>}

// -----

// More threads share the registers of an SM.
func.func private @too_many_rows() attributes {
  // expected-error @+1 {{schedule tile of 1 x 8 outputs is not accepted: with 'threads' = 1024 a thread holds at most 16 accumulators and 6 rows ('tile_t' + 'tile_h') in its 64 registers}}
  a = #indexer.schedule<family = plain, tile_t = 1, tile_h = 8, threads = 1024>}

// -----

func.func private @stride_without_dimension() attributes {
  // expected-error @+1 {{parameter 'stride 1' has no dimension, expected 'stride 1[D]'}}
  a = #indexer.parameter<stride 1>}

// -----

func.func private @pointer_with_dimension() attributes {
  // expected-error @+1 {{parameter 'pointer 1' has a dimension, only a stride has one}}
  a = #indexer.parameter<pointer 1[0]>}

// -----

func.func private @fourth_loop() attributes {
  // expected-error @+1 {{parameter 'extent 3' names no loop, accepted are 0 (t), 1 (h), 2 (d)}}
  a = #indexer.parameter<extent 3>}

// -----

func.func private @plain_cluster() attributes {
  // expected-error @+1 {{schedule 'cluster' = 2 is not accepted: a kernel of the family 'plain' has no clusters}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128,
                        cluster = 2>}

// -----

func.func private @half_column_block() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 4 is not accepted: tokens are the columns of an mma, a multiple of 8 up to 256}}
  a = #indexer.schedule<family = register_mma, tile_t = 4, tile_h = 16,
                        threads = 128>}

// -----

func.func private @half_row_block() attributes {
  // expected-error @+1 {{schedule 'tile_h' = 24 is not accepted: heads are the rows of an mma, 8 or a multiple of 16 up to 256}}
  a = #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 24,
                        threads = 128>}

// -----

func.func private @odd_cluster() attributes {
  // expected-error @+1 {{schedule 'cluster' = 6 is not accepted: a cluster has 1, 2, 4, 8 or 16 CTAs}}
  a = #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 16,
                        threads = 128, cluster = 6>}

// -----

func.func private @fragments_spill() attributes {
  // expected-error @+1 {{schedule tile of 128 x 64 outputs is not accepted: it needs 392 registers, with 'threads' = 128 a thread has 256}}
  a = #indexer.schedule<family = register_mma, tile_t = 128, tile_h = 64,
                        threads = 128>}

// -----

func.func private @partials_do_not_fit() attributes {
  // expected-error @+1 {{schedule tile of 32 x 32 outputs is not accepted: with 'threads' = 448 it needs 68616 bytes of shared memory, a kernel has 49152}}
  a = #indexer.schedule<family = register_mma, tile_t = 32, tile_h = 32,
                        threads = 448, cluster = 8>}

// -----

func.func private @dot_cluster() attributes {
  // expected-error @+1 {{schedule 'cluster' = 4 is not accepted: a kernel of the family 'dot' has no clusters}}
  a = #indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 128,
                        cluster = 4>}

// -----

func.func private @dot_large_tile() attributes {
  // expected-error @+1 {{schedule tile of 1 x 32 outputs is not accepted: the family 'dot' takes up to 16 tokens and 16 heads}}
  a = #indexer.schedule<family = dot, tile_t = 1, tile_h = 32, threads = 128>}

// -----

func.func private @dot_registers() attributes {
  // expected-error @+1 {{schedule tile of 8 x 8 outputs is not accepted: it needs 220 registers, with 'threads' = 512 a thread has 128}}
  a = #indexer.schedule<family = dot, tile_t = 8, tile_h = 8, threads = 512>}

// -----

func.func private @plain_starts_early() attributes {
  // expected-error @+1 {{schedule 'weights' = static is not accepted: a kernel of the family 'plain' does not start early}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128,
                        weights = static>}

// -----

func.func private @wgmma_heads() attributes {
  // expected-error @+1 {{schedule 'tile_h' = 32 is not accepted: heads are the rows of a wgmma, 64}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 32,
                        threads = 128, tile_d = 64, stages = 4>}

// -----

func.func private @half_warpgroup() attributes {
  // expected-error @+1 {{schedule 'threads' = 192 is not accepted: a CTA of the family 'cp_async_wgmma' has 128 threads (one warpgroup)}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 192, tile_d = 64, stages = 4>}

// -----

func.func private @wgmma_tokens() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 104 is not accepted: tokens are the columns of a wgmma, with 'threads' = 288 a multiple of 16 up to 256}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 104, tile_h = 64,
                        threads = 288, tile_d = 64, stages = 4>}

// -----

func.func private @wgmma_too_many_tokens() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 136 is not accepted: tokens are the columns of a wgmma, with 'threads' = 128 a multiple of 8 up to 96}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 136, tile_h = 64,
                        threads = 128, tile_d = 64, stages = 4>}

// -----

func.func private @half_swizzle_row() attributes {
  // expected-error @+1 {{schedule 'tile_d' = 96 is not accepted: a stage has a multiple of 64 elements of d (one 128-byte swizzle row)}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, tile_d = 96, stages = 4>}

// -----

func.func private @one_stage() attributes {
  // expected-error @+1 {{schedule 'stages' = 1 is not accepted: a ring has 2 stages or more}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 160, tile_d = 64, stages = 1>}

// -----

func.func private @long_chain() attributes {
  // expected-error @+1 {{schedule 'tile_d' = 960 is not accepted: the columns of a stage are summed in one chain, accepted are up to 896}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 8, tile_h = 64,
                        threads = 128, tile_d = 960, stages = 1>}

// -----

func.func private @wgmma_cluster() attributes {
  // expected-error @+1 {{schedule 'cluster' = 3 is not accepted: a cluster has 1, 2, 4, 8 or 16 CTAs}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, cluster = 3, tile_d = 64, stages = 4>}

// -----

func.func private @too_many_stages() attributes {
  // expected-error @+1 {{schedule 'stages' = 7 is not accepted: with 'tile_t' = 64, 'tile_d' = 128 and 'cluster' = 2 it needs 246792 bytes of shared memory, a kernel on sm_90a has 232448}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, cluster = 2, tile_d = 128, stages = 7>}

// -----

func.func private @too_many_sums() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 208 is not accepted: with clusters a CTA receives up to 49152 bytes of sums}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 208, tile_h = 64,
                        threads = 288, cluster = 2, tile_d = 64, stages = 4>}

// -----

func.func private @stages_of_another_family() attributes {
  // expected-error @+1 {{schedule 'stages' = 4 is not accepted: a kernel of the family 'dot' has no stages}}
  a = #indexer.schedule<family = dot, tile_t = 1, tile_h = 1, threads = 448,
                        stages = 4>}

// -----

func.func private @steps_of_another_family() attributes {
  // expected-error @+1 {{schedule 'tile_d' = 64 is not accepted: a kernel of the family 'plain' has no stages}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128,
                        tile_d = 64>}

// -----

func.func private @parts_no_power_of_two() attributes {
  // expected-error @+1 {{schedule 'parts' = 3 is not accepted: the share of a CTA is summed in 1, 2, 4, 8 or 16 parts}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, tile_d = 64, stages = 4, parts = 3>}

// -----

func.func private @parts_of_another_family() attributes {
  // expected-error @+1 {{schedule 'parts' = 2 is not accepted: a kernel of the family 'register_mma' sums the share of a CTA in one part}}
  a = #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 8,
                        threads = 128, parts = 2>}

// -----

func.func private @wide_tile_of_parts() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 72 is not accepted: tokens are the columns of a wgmma, with 'threads' = 128 a multiple of 8 up to 64}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 72, tile_h = 64,
                        threads = 128, tile_d = 64, stages = 4, parts = 2>}

// -----

func.func private @tma_threads() attributes {
  // expected-error @+1 {{schedule 'threads' = 128 is not accepted: a CTA of the family 'tma_wgmma' has 160, 288 or 416 threads (one warpgroup or more, and a warp that copies)}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, cluster = 1, tile_d = 128, stages = 4>}

// -----

func.func private @tma_tokens() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 136 is not accepted: tokens are the columns of a wgmma, with 'threads' = 160 a multiple of 8 up to 128}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 136, tile_h = 64,
                        threads = 160, cluster = 1, tile_d = 128, stages = 2>}

// -----

func.func private @tma_box() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 264 is not accepted: tokens are the columns of a wgmma, with 'threads' = 416 a multiple of 24 up to 255}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 264, tile_h = 64,
                        threads = 416, cluster = 1, tile_d = 64, stages = 2>}

// -----

func.func private @tma_heads() attributes {
  // expected-error @+1 {{schedule 'tile_h' = 32 is not accepted: heads are the rows of a wgmma, 64, or of one for each of 2 or 3 warpgroups, 128 or 192}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 32,
                        threads = 160, cluster = 1, tile_d = 128, stages = 4>}

// -----

func.func private @tma_many_heads() attributes {
  // expected-error @+1 {{schedule 'tile_h' = 256 is not accepted: heads are the rows of a wgmma, 64, or of one for each of 2 or 3 warpgroups, 128 or 192}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 256,
                        threads = 640, tile_d = 64, stages = 4>}

// -----

func.func private @tma_copying_warp_alone() attributes {
  // expected-error @+1 {{schedule 'threads' = 416 is not accepted: with 'tile_h' = 192 a CTA of the family 'tma_wgmma' has 512 threads (a warpgroup for each 64 heads, and one that copies)}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 72, tile_h = 192,
                        threads = 416, tile_d = 64, stages = 4>}

// -----

func.func private @tma_copying_warpgroup() attributes {
  // expected-error @+1 {{schedule 'threads' = 512 is not accepted: a CTA of the family 'tma_wgmma' has 160, 288 or 416 threads (one warpgroup or more, and a warp that copies)}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 72, tile_h = 64,
                        threads = 512, tile_d = 64, stages = 4>}

// -----

func.func private @tma_tokens_of_all_heads() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 136 is not accepted: tokens are the columns of a wgmma, with 'threads' = 512 a multiple of 8 up to 128}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 136, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 4>}

// -----

func.func private @tma_stages_of_all_heads() attributes {
  // expected-error @+1 {{schedule 'stages' = 6 is not accepted: with 'tile_t' = 128, 'tile_d' = 64 and 'cluster' = 1 it needs 246880 bytes of shared memory, a kernel on sm_90a has 232448}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 128, tile_h = 192,
                        threads = 512, tile_d = 64, stages = 6>}

// -----

func.func private @tma_tokens_of_all_heads_in_parts() attributes {
  // expected-error @+1 {{schedule 'tile_t' = 96 is not accepted: tokens are the columns of a wgmma, with 'threads' = 512 a multiple of 8 up to 88}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 96, tile_h = 192,
                        threads = 512, cluster = 2, tile_d = 64, stages = 4>}

// -----

func.func private @tma_sums_of_all_heads() attributes {
  // expected-error @+1 {{schedule 'stages' = 5 is not accepted: with 'tile_t' = 88, 'tile_d' = 64 and 'cluster' = 2 it needs 247896 bytes of shared memory, a kernel on sm_90a has 232448}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 88, tile_h = 192,
                        threads = 512, cluster = 2, tile_d = 64, stages = 5>}

// -----

func.func private @half_multicast() attributes {
  // expected-error @+1 {{schedule 'multicast' = 2 is not accepted: a cluster of 4 either divides d (1) or shares the weight (4)}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 160, cluster = 4, tile_d = 128, stages = 4,
                        multicast = 2>}

// -----

func.func private @wide_multicast() attributes {
  // expected-error @+1 {{schedule 'multicast' = 16 is not accepted: a CTA copies 8 heads of the weight or more, accepted are up to 8 CTAs}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 160, cluster = 16, tile_d = 128, stages = 4,
                        multicast = 16>}

// -----

func.func private @part_of_a_cluster() attributes {
  // expected-error @+1 {{schedule 'max_ctas' = 33 is not accepted: a grid has whole clusters of 2 CTAs}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 160, cluster = 2, tile_d = 128, stages = 4,
                        multicast = 2,
                        max_ctas = 33>}

// -----

func.func private @persistent_split() attributes {
  // expected-error @+1 {{schedule 'max_ctas' = 132 is not accepted: CTAs that divide d do not go on to a next tile}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 160, cluster = 2, tile_d = 128, stages = 4,
                        max_ctas = 132>}

// -----

func.func private @tma_stages() attributes {
  // expected-error @+1 {{schedule 'stages' = 8 is not accepted: with 'tile_t' = 64, 'tile_d' = 128 and 'cluster' = 1 it needs 263296 bytes of shared memory, a kernel on sm_90a has 232448}}
  a = #indexer.schedule<family = tma_wgmma, tile_t = 64, tile_h = 64,
                        threads = 160, cluster = 1, tile_d = 128, stages = 8>}

// -----

func.func private @multicast_of_another_family() attributes {
  // expected-error @+1 {{schedule 'multicast' = 2 is not accepted: only a kernel of the family 'tma_wgmma' has it}}
  a = #indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64,
                        threads = 128, cluster = 2, tile_d = 128, stages = 4,
                        multicast = 2>}

// -----

func.func private @ctas_of_another_family() attributes {
  // expected-error @+1 {{schedule 'max_ctas' = 132 is not accepted: only a kernel of the family 'tma_wgmma' has it}}
  a = #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128,
                        max_ctas = 132>}

// -----

func.func private @tensor_map_without_box() attributes {
  // expected-error @+1 {{parameter 'tensor_map 0' has the box [], expected rows and columns from 1 to 256 each}}
  a = #indexer.parameter<tensor_map 0>}

// -----

func.func private @tensor_map_box() attributes {
  // expected-error @+1 {{parameter 'tensor_map 0' has the box [512, 64], expected rows and columns from 1 to 256 each}}
  a = #indexer.parameter<tensor_map 0, box = [512, 64]>}

// -----

func.func private @box_of_a_pointer() attributes {
  // expected-error @+1 {{parameter 'pointer 0' has a box, only a tensor map has one}}
  a = #indexer.parameter<pointer 0, box = [8, 64]>}
