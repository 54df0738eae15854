// What is around and inside the kernels is upstream IR: a stock mlir-opt
// bufferizes the caller, and translates the kernel to PTX.

// RUN: indexer-opt %s --indexer-outline-kernels --indexer-generate-kernels \
// RUN:   -o %t
// RUN: mlir-opt %t --allow-unregistered-dialect \
// RUN:   --one-shot-bufferize=bufferize-function-boundaries \
// RUN:   | FileCheck %s --check-prefix=HOST
// RUN: mlir-opt %t --allow-unregistered-dialect --pass-pipeline='builtin.module( \
// RUN:     nvvm-attach-target{chip=sm_90a features=+ptx80 O=3}, \
// RUN:     gpu.module(convert-scf-to-cf,convert-gpu-to-nvvm,convert-to-llvm, \
// RUN:       reconcile-unrealized-casts),gpu-module-to-binary{format=isa})' \
// RUN:   | FileCheck %s --check-prefix=PTX

// HOST-LABEL: func.func @head_gate(
// HOST-SAME:    %[[X:[^:]+]]: memref<?x64xbf16, strided<[?, ?], offset: ?>>
// HOST:         %[[GATE:.+]] = call @head_gate_gate0(%[[X]], {{.*}} -> memref<?x8xf32, strided<[?, ?], offset: ?>>
// HOST-NEXT:    return %[[GATE]]

// Loads of 16 bytes, products and sums as one FMA, the sum over the lanes, and
// three separate roundings in the epilogue, in the source's order (LLVM may swap
// the factors of one product).

// PTX: .target sm_90a
// PTX-SAME: .entry head_gate_gate0_plain(
// PTX-SAME: .maxntid 64, 1, 1
// PTX-SAME: ld.global.v4.b32
// PTX-SAME: fma.rn.f32
// PTX-SAME: ld.global.b16
// PTX-SAME: shfl.sync.bfly.b32
// PTX-SAME: bar.sync
// PTX-SAME: mul.rn.f32 \09%[[G0:[^ ,]+]], %{{[^ ,]+}}, 0f3E000000;
// PTX-SAME: mul.rn.f32 \09%[[G1:[^ ,]+]],{{[^;]*}} %[[G0]]{{[,;]}}
// PTX-SAME: mul.rn.f32 \09%[[G2:[^ ,]+]],{{[^;]*}} %[[G1]]{{[,;]}}
// PTX-SAME: st.global.b32 \09[%{{[^ ,]+}}], %[[G2]];

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

func.func @head_gate(%x: tensor<?x64xbf16>, %w: tensor<8x64xbf16>,
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
          family = plain, tile_t = 2, tile_h = 2, threads = 64>]} {
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
