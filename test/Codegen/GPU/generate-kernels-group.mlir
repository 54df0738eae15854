// RUN: indexer-opt %s --split-input-file --indexer-generate-kernels | FileCheck %s
// RUN: indexer-opt %s --split-input-file --indexer-generate-kernels \
// RUN:   --indexer-verify-dependent-launch -o /dev/null

// Two fused ops in one kernel: keys of 32 heads, stored as bf16, and a gate of
// 16 heads. Their heads are tiles of one grid, and a head decides whose epilogue
// and result it gets. Everything before is as for one op of 48 heads.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The results are the last operands; which heads an operand has stands beside.

// CHECK-LABEL: func.func private @gate(
// CHECK-SAME:    -> (tensor<?x32xbf16>, tensor<?x16xf32>)
// CHECK-SAME:    indexer.extents = [array<i64: 0, 0>, 48, 1024]
// CHECK-SAME:    indexer.heads = [array<i64: 0, 48>, array<i64: 0, 48>, array<i64: 32, 16>, array<i64: 0, 32>, array<i64: 32, 16>]
// CHECK-SAME:    parameters = [#indexer.parameter<extent 0>, #indexer.parameter<pointer 0>, {{.*}}#indexer.parameter<pointer 4>, #indexer.parameter<stride 4[0]>, #indexer.parameter<stride 4[1]>, #indexer.parameter<scalar 0>]
// CHECK-SAME:    indexer.loops = [array<i64: 0, 2>, array<i64: 1, 2>, array<i64: 0, 1>, array<i64: 0, 1>, array<i64: 0, 1>]

// A tile of 3 heads may have some of each op.

// CHECK-LABEL: gpu.func @gate_plain(
// CHECK-SAME:    %[[T:[^:]+]]: i64,
// CHECK-SAME:    %{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: i64, %{{[^:]+}}: i64, %{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: i64, %{{[^:]+}}: i64,
// CHECK-SAME:    %[[Q:[^:]+]]: !llvm.ptr<1>, %{{[^:]+}}: i64, %{{[^:]+}}: i64,
// CHECK-SAME:    %[[KEYS:[^:]+]]: !llvm.ptr<1>, %{{[^:]+}}: i64, %{{[^:]+}}: i64,
// CHECK-SAME:    %[[GATE:[^:]+]]: !llvm.ptr<1>, %{{[^:]+}}: i64, %{{[^:]+}}: i64,
// CHECK-SAME:    %[[SCALE:[^:]+]]: f32) workgroup
// CHECK:         gpu.barrier
// CHECK:         arith.cmpi slt, %[[H:.+]], %c48_i64
// CHECK:         %[[IS_GATE:.+]] = arith.cmpi sge, %[[H]], %c32_i64
// CHECK:         %[[SCALES:.+]] = scf.if %[[IS_GATE]] -> (f32) {
// CHECK:           arith.addi %[[H]], %c-32_i64
// CHECK:           llvm.getelementptr %[[Q]]
// CHECK:           llvm.load
// CHECK:         } else {
// CHECK:         %[[IS_KEY:.+]] = arith.cmpi slt, %[[H]], %c32_i64
// CHECK:         scf.if %[[IS_KEY]] {
// CHECK-NEXT:      %[[ROUNDED:.+]] = arith.truncf %[[SUM:.+]] : f32 to bf16
// CHECK:           %[[TO:.+]] = llvm.getelementptr %[[KEYS]]
// CHECK-NEXT:      llvm.store %[[ROUNDED]], %[[TO]] : bf16
// CHECK:         scf.if %[[IS_GATE]] {
// CHECK-NEXT:      %[[BY_Q:.+]] = arith.mulf %[[SUM]], %[[SCALES]]
// CHECK-NEXT:      %[[SCALED:.+]] = arith.mulf %[[BY_Q]], %[[SCALE]]
// CHECK:           %[[TO:.+]] = llvm.getelementptr %[[GATE]]
// CHECK-NEXT:      llvm.store %[[SCALED]], %[[TO]] : f32
// CHECK-NOT:     llvm.store
// CHECK:         gpu.return
func.func private @gate(
    %x: tensor<?x1024xbf16>, %w: tensor<48x1024xbf16>, %q: tensor<?x16xf32>,
    %scale: f32) -> (tensor<?x32xbf16>, tensor<?x16xf32>)
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %wk = tensor.extract_slice %w[0, 0] [32, 1024] [1, 1]
      : tensor<48x1024xbf16> to tensor<32x1024xbf16>
  %ek = tensor.empty(%t) : tensor<?x32xf32>
  %fk = linalg.fill ins(%zero : f32) outs(%ek : tensor<?x32xf32>) -> tensor<?x32xf32>
  %k:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wk : tensor<?x1024xbf16>, tensor<32x1024xbf16>)
      outs(%fk, %ek : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = plain, tile_t = 2, tile_h = 3, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  %keys = arith.truncf %k#1 : tensor<?x32xf32> to tensor<?x32xbf16>
  %wg = tensor.extract_slice %w[32, 0] [16, 1024] [1, 1]
      : tensor<48x1024xbf16> to tensor<16x1024xbf16>
  %eg = tensor.empty(%t) : tensor<?x16xf32>
  %fg = linalg.fill ins(%zero : f32) outs(%eg : tensor<?x16xf32>) -> tensor<?x16xf32>
  %g:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wg, %q : tensor<?x1024xbf16>, tensor<16x1024xbf16>, tensor<?x16xf32>)
      outs(%fg, %eg : tensor<?x16xf32>, tensor<?x16xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = plain, tile_t = 2, tile_h = 3, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %qs : f32
    %o = arith.mulf %e, %scale : f32
    linalg.yield %n, %o : f32, f32
  } -> (tensor<?x16xf32>, tensor<?x16xf32>)
  return %keys, %g#1 : tensor<?x32xbf16>, tensor<?x16xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The operands of the epilogue are loaded before the multiplication, in the
// threads that finish a gate.

// CHECK-LABEL: gpu.func @gate_register_mma(
// CHECK:         nvvm.cluster.arrive.relaxed
// CHECK:         %[[IS_GATE:.+]] = arith.cmpi sge
// CHECK:         scf.if %[[IS_GATE]] -> (f32) {
// CHECK:           llvm.load
// CHECK:         nvvm.mma.sync
// CHECK:         nvvm.inline_ptx "st.async
// CHECK:         arith.truncf %[[SUM:.+]] : f32 to bf16
// CHECK:         llvm.store %{{.+}}, %{{.+}} : bf16, !llvm.ptr<1>
// CHECK:         scf.if %{{.+}} {
// CHECK-NEXT:      arith.mulf %[[SUM]]
// CHECK:           llvm.store %{{.+}}, %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
// CHECK:         gpu.return
func.func private @gate(
    %x: tensor<?x1024xbf16>, %w: tensor<48x1024xbf16>, %q: tensor<?x16xf32>,
    %scale: f32) -> (tensor<?x32xbf16>, tensor<?x16xf32>)
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %wk = tensor.extract_slice %w[0, 0] [32, 1024] [1, 1]
      : tensor<48x1024xbf16> to tensor<32x1024xbf16>
  %ek = tensor.empty(%t) : tensor<?x32xf32>
  %fk = linalg.fill ins(%zero : f32) outs(%ek : tensor<?x32xf32>) -> tensor<?x32xf32>
  %k:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wk : tensor<?x1024xbf16>, tensor<32x1024xbf16>)
      outs(%fk, %ek : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 16, threads = 64, cluster = 8>,
      #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  %keys = arith.truncf %k#1 : tensor<?x32xf32> to tensor<?x32xbf16>
  %wg = tensor.extract_slice %w[32, 0] [16, 1024] [1, 1]
      : tensor<48x1024xbf16> to tensor<16x1024xbf16>
  %eg = tensor.empty(%t) : tensor<?x16xf32>
  %fg = linalg.fill ins(%zero : f32) outs(%eg : tensor<?x16xf32>) -> tensor<?x16xf32>
  %g:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wg, %q : tensor<?x1024xbf16>, tensor<16x1024xbf16>, tensor<?x16xf32>)
      outs(%fg, %eg : tensor<?x16xf32>, tensor<?x16xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = register_mma, tile_t = 8, tile_h = 16, threads = 64, cluster = 8>,
      #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %qs : f32
    %o = arith.mulf %e, %scale : f32
    linalg.yield %n, %o : f32, f32
  } -> (tensor<?x16xf32>, tensor<?x16xf32>)
  return %keys, %g#1 : tensor<?x32xbf16>, tensor<?x16xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The 4 sums of a thread are of heads 8 apart, of one block of 16: all keys, or
// all gates. Rows past the last head repeat it.

// With 96 keys: CTAs of a tile of tokens are neighbours in x, first the cluster that divides
// d, then the heads, so that x comes from global memory once. Tiles of tokens lie
// in y, where a grid has fewer.

// CHECK-LABEL: func.func private @gate(
// CHECK-SAME:    family = "cp_async_wgmma", heads_first = true, kernel = "gate_cp_async_wgmma", max_tokens = 1048560 : i64
// CHECK-SAME:    family = "plain", heads_first = false

// CHECK-LABEL: gpu.func @gate_cp_async_wgmma(
// CHECK:         %[[X:.+]] = gpu.block_id x
// CHECK:         %[[BLOCK:.+]] = arith.index_cast %[[X]]
// CHECK:         %[[HEADS:.+]] = arith.divui %[[BLOCK]], %c2_i32
// CHECK:         arith.muli %[[HEADS]], %c64_i32
// CHECK:         %[[Y:.+]] = gpu.block_id y
// CHECK:         %[[TOKENS:.+]] = arith.index_cast %[[Y]]
// CHECK:         arith.muli %[[TOKENS]], %c16_i32
// CHECK:         arith.constant 111 : i32
// CHECK:         %[[IS_GATE:.+]] = arith.cmpi sge, %{{.+}}, %{{.+}} : i64
// CHECK:         scf.if %[[IS_GATE]] -> (f32) {
// CHECK:           llvm.load
// CHECK:         nvvm.wgmma.mma_async
// CHECK:         nvvm.inline_ptx "st.async
// CHECK:         %[[IS_KEY:.+]] = arith.cmpi slt, %[[H:.+]], %c96_i32 : i32
// CHECK:         scf.if %[[IS_KEY]] {
// CHECK-COUNT-4:   arith.truncf %{{.+}} : f32 to bf16
// CHECK-COUNT-4:   llvm.store %{{.+}}, %{{.+}} : bf16, !llvm.ptr<1>
// CHECK:         %[[IS_GATE:.+]] = arith.cmpi sge, %[[H]], %{{.+}} : i32
// CHECK:         scf.if %[[IS_GATE]] {
// CHECK-COUNT-8:   arith.mulf
// CHECK-COUNT-4:   llvm.store %{{.+}}, %{{.+}} : f32, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
// CHECK:         gpu.return
func.func private @gate(
    %x: tensor<?x1024xbf16>, %w: tensor<112x1024xbf16>, %q: tensor<?x16xf32>,
    %scale: f32) -> (tensor<?x96xbf16>, tensor<?x16xf32>)
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %wk = tensor.extract_slice %w[0, 0] [96, 1024] [1, 1]
      : tensor<112x1024xbf16> to tensor<96x1024xbf16>
  %ek = tensor.empty(%t) : tensor<?x96xf32>
  %fk = linalg.fill ins(%zero : f32) outs(%ek : tensor<?x96xf32>) -> tensor<?x96xf32>
  %k:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wk : tensor<?x1024xbf16>, tensor<96x1024xbf16>)
      outs(%fk, %ek : tensor<?x96xf32>, tensor<?x96xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = cp_async_wgmma, tile_t = 16, tile_h = 64, threads = 128, cluster = 2, tile_d = 64, stages = 4>,
      #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x96xf32>, tensor<?x96xf32>)
  %keys = arith.truncf %k#1 : tensor<?x96xf32> to tensor<?x96xbf16>
  %wg = tensor.extract_slice %w[96, 0] [16, 1024] [1, 1]
      : tensor<112x1024xbf16> to tensor<16x1024xbf16>
  %eg = tensor.empty(%t) : tensor<?x16xf32>
  %fg = linalg.fill ins(%zero : f32) outs(%eg : tensor<?x16xf32>) -> tensor<?x16xf32>
  %g:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wg, %q : tensor<?x1024xbf16>, tensor<16x1024xbf16>, tensor<?x16xf32>)
      outs(%fg, %eg : tensor<?x16xf32>, tensor<?x16xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = cp_async_wgmma, tile_t = 16, tile_h = 64, threads = 128, cluster = 2, tile_d = 64, stages = 4>,
      #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %qs : f32
    %o = arith.mulf %e, %scale : f32
    linalg.yield %n, %o : f32, f32
  } -> (tensor<?x16xf32>, tensor<?x16xf32>)
  return %keys, %g#1 : tensor<?x96xbf16>, tensor<?x16xf32>
}

// -----

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The tensor map of the weight has the rows of both.

// CHECK-LABEL: func.func private @gate(
// CHECK-SAME:    parameters = [#indexer.parameter<tensor_map 0, box = [16, 64]>, #indexer.parameter<tensor_map 1, box = [64, 64]>, #indexer.parameter<extent 0>, #indexer.parameter<pointer 0>
// CHECK-LABEL: gpu.func @gate_tma_wgmma(
// CHECK:         scf.if %{{.+}} -> (f32) {
// CHECK:         nvvm.wgmma.mma_async
// CHECK-COUNT-4: llvm.store %{{.+}}, %{{.+}} : bf16, !llvm.ptr<1>
// CHECK-COUNT-4: llvm.store %{{.+}}, %{{.+}} : f32, !llvm.ptr<1>
// CHECK:         nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK:         gpu.return
func.func private @gate(
    %x: tensor<?x1024xbf16>, %w: tensor<48x1024xbf16>, %q: tensor<?x16xf32>,
    %scale: f32) -> (tensor<?x32xbf16>, tensor<?x16xf32>)
    attributes {indexer.outlined} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %wk = tensor.extract_slice %w[0, 0] [32, 1024] [1, 1]
      : tensor<48x1024xbf16> to tensor<32x1024xbf16>
  %ek = tensor.empty(%t) : tensor<?x32xf32>
  %fk = linalg.fill ins(%zero : f32) outs(%ek : tensor<?x32xf32>) -> tensor<?x32xf32>
  %k:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wk : tensor<?x1024xbf16>, tensor<32x1024xbf16>)
      outs(%fk, %ek : tensor<?x32xf32>, tensor<?x32xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = tma_wgmma, tile_t = 16, tile_h = 64, threads = 160, tile_d = 64, stages = 4>,
      #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x32xf32>, tensor<?x32xf32>)
  %keys = arith.truncf %k#1 : tensor<?x32xf32> to tensor<?x32xbf16>
  %wg = tensor.extract_slice %w[32, 0] [16, 1024] [1, 1]
      : tensor<48x1024xbf16> to tensor<16x1024xbf16>
  %eg = tensor.empty(%t) : tensor<?x16xf32>
  %fg = linalg.fill ins(%zero : f32) outs(%eg : tensor<?x16xf32>) -> tensor<?x16xf32>
  %g:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wg, %q : tensor<?x1024xbf16>, tensor<16x1024xbf16>, tensor<?x16xf32>)
      outs(%fg, %eg : tensor<?x16xf32>, tensor<?x16xf32>)
      attrs = {indexer.group = 0 : i64, indexer.schedules = [
      #indexer.schedule<family = tma_wgmma, tile_t = 16, tile_h = 64, threads = 160, tile_d = 64, stages = 4>,
      #indexer.schedule<family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %qs : f32
    %o = arith.mulf %e, %scale : f32
    linalg.yield %n, %o : f32, f32
  } -> (tensor<?x16xf32>, tensor<?x16xf32>)
  return %keys, %g#1 : tensor<?x32xbf16>, tensor<?x16xf32>
}
