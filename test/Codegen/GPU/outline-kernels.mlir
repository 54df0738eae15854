// RUN: indexer-opt %s --indexer-outline-kernels | FileCheck %s
// RUN: indexer-opt %s --indexer-outline-kernels --indexer-outline-kernels \
// RUN:   | FileCheck %s

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
#ht = affine_map<(t, h, d) -> (h, t)>
#t = affine_map<(t, h, d) -> (t)>

// The name that the first function would get first is taken.

func.func private @caller_gate0()

// Inputs come first, then the scalars that are no constants; constants are
// cloned. The fill and the empty tensor served only the op.

// CHECK-LABEL: func.func @caller(
// CHECK-SAME:    %[[X:.+]]: tensor<?x64xbf16>, %[[W:.+]]: tensor<8x64xbf16>,
// CHECK-SAME:    %[[Q:.+]]: tensor<?x8xf32>, %[[SCALE:.+]]: f32)
// CHECK-NOT:     tensor.empty
// CHECK-NOT:     linalg
// CHECK:         %[[GATE:.+]] = call @caller_gate1(%[[X]], %[[W]], %[[Q]], %[[SCALE]])
// CHECK-NEXT:    return %[[GATE]]

// CHECK:       func.func private @caller_gate1(
// CHECK-SAME:    %[[X1:.+]]: tensor<?x64xbf16>, %[[W1:.+]]: tensor<8x64xbf16>,
// CHECK-SAME:    %[[Q1:.+]]: tensor<?x8xf32>, %[[SCALE1:.+]]: f32) -> tensor<?x8xf32>
// CHECK-SAME:    attributes {indexer.outlined, llvm.emit_c_interface}
// CHECK-DAG:     %[[HEAD_SCALE:.+]] = arith.constant 1.250000e-01 : f32
// CHECK-DAG:     %[[TOKENS:.+]] = tensor.dim %[[X1]], %{{.+}}
// CHECK:         %[[EMPTY:.+]] = tensor.empty(%[[TOKENS]]) : tensor<?x8xf32>
// CHECK:         %[[FILL:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%[[EMPTY]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X1]], %[[W1]], %[[Q1]] :
// CHECK-SAME:      outs(%[[FILL]], %[[EMPTY]] :
// CHECK-SAME:      indexer.schedules
// CHECK:           arith.mulf %{{.+}}, %[[HEAD_SCALE]]
// CHECK:           arith.mulf %{{.+}}, %[[SCALE1]]
// CHECK:         return %[[FUSED]]#1
func.func @caller(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
                  %q: tensor<?x8xf32>, %scale: f32) -> tensor<?x8xf32> {
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
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: bf16, %b: bf16, %qs: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %e0 = arith.mulf %n, %head_scale : f32
    %e1 = arith.mulf %e0, %qs : f32
    %e2 = arith.mulf %e1, %scale : f32
    linalg.yield %n, %e2 : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// Two chains, one of them in a loop, with other ops around them: each becomes a
// call, the rest stays. What still has uses is kept.

// CHECK-LABEL: func.func @two_chains(
// CHECK-SAME:    %[[X:.+]]: tensor<4x64xf32>, %[[W:.+]]: tensor<8x64xf32>,
// CHECK:         %[[EMPTY:.+]] = tensor.empty() : tensor<4x8xf32>
// CHECK:         %[[FIRST:.+]] = call @two_chains_gate0(%[[X]], %[[W]])
// CHECK:         %[[LOOP:.+]] = scf.for {{.*}} iter_args(%[[CARRIED:.+]] = %[[FIRST]])
// CHECK:           %[[NEXT:.+]] = func.call @two_chains_gate1(%[[X]], %[[W]])
// CHECK:           %[[ADDED:.+]] = linalg.add ins(%[[CARRIED]], %[[NEXT]]
// CHECK-SAME:        outs(%[[EMPTY]]
// CHECK:           scf.yield %[[ADDED]]
// CHECK:         return %[[LOOP]]
// CHECK-COUNT-2: func.func private @two_chains_gate{{[01]}}({{.*}}indexer.outlined
func.func @two_chains(%x: tensor<4x64xf32>, %w: tensor<8x64xf32>,
                      %count: index) -> tensor<4x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>)
      -> tensor<4x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #th, #th],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x64xf32>, tensor<8x64xf32>)
      outs(%fill, %empty : tensor<4x8xf32>, tensor<4x8xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    %e = arith.mulf %n, %two : f32
    linalg.yield %n, %e : f32, f32
  } -> (tensor<4x8xf32>, tensor<4x8xf32>)
  %loop = scf.for %i = %c0 to %count step %c1 iter_args(%carried = %r#1)
      -> tensor<4x8xf32> {
    %r2:2 = linalg.generic {
        indexing_maps = [#td, #hd, #th, #th],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<4x64xf32>, tensor<8x64xf32>)
        outs(%fill, %empty : tensor<4x8xf32>, tensor<4x8xf32>)
        attrs = {indexer.schedules = [#indexer.schedule<
            family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
    ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
      %p = arith.mulf %a, %b : f32
      %n = arith.addf %s, %p : f32
      %e = arith.mulf %n, %n : f32
      linalg.yield %n, %e : f32, f32
    } -> (tensor<4x8xf32>, tensor<4x8xf32>)
    %added = linalg.add
        ins(%carried, %r2#1 : tensor<4x8xf32>, tensor<4x8xf32>)
        outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
    scf.yield %added : tensor<4x8xf32>
  }
  return %loop : tensor<4x8xf32>
}

// One value as two inputs and an integer from outside; a transposed result takes
// its sizes from the operand that has them. A dot is no letter of PTX.

// CHECK-LABEL: func.func @odd.name(
// CHECK:         call @odd_name_gate0(%[[X:.+]], %[[X]], %[[S:.+]], %{{.+}})
// CHECK:       func.func private @odd_name_gate0(
// CHECK-SAME:    %[[X:.+]]: tensor<?x64xf16>, %[[W:.+]]: tensor<?x64xf16>,
// CHECK-SAME:    %{{.+}}: tensor<?xf32>, %[[I:.+]]: i32) -> tensor<?x?xf32>
// CHECK-DAG:     %[[HEADS:.+]] = tensor.dim %[[W]]
// CHECK-DAG:     %[[TOKENS:.+]] = tensor.dim %[[X]]
// CHECK:         tensor.empty(%[[HEADS]], %[[TOKENS]])
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[W]],
// CHECK:           arith.sitofp %[[I]]
func.func @odd.name(%x: tensor<?x64xf16>, %ts: tensor<?xf32>, %i: i32)
    -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf16>
  %empty = tensor.empty(%tokens, %tokens) : tensor<?x?xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?xf32>)
      -> tensor<?x?xf32>
  %r:2 = linalg.generic {
      indexing_maps = [#td, #hd, #t, #ht, #ht],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %x, %ts : tensor<?x64xf16>, tensor<?x64xf16>, tensor<?xf32>)
      outs(%fill, %empty : tensor<?x?xf32>, tensor<?x?xf32>)
      attrs = {indexer.schedules = [#indexer.schedule<
          family = plain, tile_t = 4, tile_h = 8, threads = 128>]} {
  ^bb0(%a: f16, %b: f16, %tscale: f32, %s: f32, %g: f32):
    %aw = arith.extf %a : f16 to f32
    %bw = arith.extf %b : f16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    %f = arith.sitofp %i : i32 to f32
    %e0 = arith.mulf %n, %f : f32
    %e1 = arith.mulf %e0, %tscale : f32
    linalg.yield %n, %e1 : f32, f32
  } -> (tensor<?x?xf32>, tensor<?x?xf32>)
  return %r#1 : tensor<?x?xf32>
}

// A gate that is only rounded is rounded by the kernel: nothing else reads it.

// CHECK-LABEL: func.func @rounded(
// CHECK-NOT:     arith.truncf
// CHECK:         %[[GATE:.+]] = call @rounded_gate0(
// CHECK-SAME:      -> tensor<?x8xbf16>
// CHECK-NEXT:    return %[[GATE]] : tensor<?x8xbf16>
// CHECK:       func.func private @rounded_gate0(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK:         %[[ROUNDED:.+]] = arith.truncf %[[FUSED]]#1 : tensor<?x8xf32> to tensor<?x8xbf16>
// CHECK-NEXT:    return %[[ROUNDED]]
func.func @rounded(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>)
    -> tensor<?x8xbf16> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x64xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %r:2 = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x64xbf16>, tensor<8x64xbf16>)
      outs(%fill, %empty : tensor<?x8xf32>, tensor<?x8xf32>)
      attrs = {indexer.schedules = [
        #indexer.schedule<family = plain, tile_t = 1, tile_h = 1,
                          threads = 32>]} {
  ^bb0(%a: bf16, %b: bf16, %s: f32, %g: f32):
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %p = arith.mulf %aw, %bw : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n, %n : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  %keys = arith.truncf %r#1 : tensor<?x8xf32> to tensor<?x8xbf16>
  return %keys : tensor<?x8xbf16>
}
