// Where a chain may stand in a function, and what stays around it.

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

// CHECK-LABEL: func.func private @declaration(tensor<4x16xbf16>)
func.func private @declaration(tensor<4x16xbf16>)

// In a loop. The reshapes that mix tokens and heads undo each other, and what is
// carried from step to step is an operand like any other.
// CHECK-LABEL: func.func @in_a_loop(
// CHECK:         scf.for {{.*}} iter_args(%[[ACC:.+]] = %
// CHECK:           %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:        ins(%{{.+}}, %{{.+}}, %{{.+}}, %[[ACC]] :
// CHECK:           scf.yield %[[FUSED]]#1
func.func @in_a_loop(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                     %q: tensor<4x8xf32>, %n: index) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %z) -> tensor<4x8xf32> {
    %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                       outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    %g = arith.mulf %s, %q : tensor<4x8xf32>
    %u = tensor.collapse_shape %g [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
    %v = tensor.expand_shape %u [[0, 1]] output_shape [4, 8]
        : tensor<32xf32> into tensor<4x8xf32>
    %next = arith.addf %v, %acc : tensor<4x8xf32>
    scf.yield %next : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// Each branch has its chain.
// CHECK-LABEL: func.func @in_branches(
// CHECK:         scf.if
// CHECK:           linalg.generic
// CHECK:           scf.yield
// CHECK:         else
// CHECK:           linalg.generic
// CHECK:           scf.yield
func.func @in_branches(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                       %q: tensor<4x8xf32>, %c: i1) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %r = scf.if %c -> tensor<4x8xf32> {
    %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                       outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    %g = arith.mulf %s, %q : tensor<4x8xf32>
    scf.yield %g : tensor<4x8xf32>
  } else {
    %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                       outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    %g = arith.divf %s, %q : tensor<4x8xf32>
    scf.yield %g : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// The first gate is an operand of nothing in the second chain; both share x.
// CHECK-LABEL: func.func @two_chains(
// CHECK:         %[[A:.+]]:2 = linalg.generic
// CHECK:         %[[B:.+]]:2 = linalg.generic
// CHECK:         return %[[A]]#1, %[[B]]#1
func.func @two_chains(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                      %v: tensor<16x32xbf16>, %q: tensor<4x8xf32>,
                      %r: tensor<4x32xf32>)
    -> (tensor<4x8xf32>, tensor<4x32xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %y = arith.constant dense<0.0> : tensor<4x32xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %k = linalg.matmul ins(%x, %v : tensor<4x16xbf16>, tensor<16x32xbf16>)
                     outs(%y : tensor<4x32xf32>) -> tensor<4x32xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  %h = arith.mulf %k, %r : tensor<4x32xf32>
  return %g, %h : tensor<4x8xf32>, tensor<4x32xf32>
}

// The gate itself may have any number of uses.
// CHECK-LABEL: func.func @gate_used_twice(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK:         %[[EXP:.+]] = math.exp %[[FUSED]]#1
// CHECK:         return %[[FUSED]]#1, %[[EXP]]
func.func @gate_used_twice(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                           %q: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  %e = math.exp %g : tensor<4x8xf32>
  return %g, %e : tensor<4x8xf32>, tensor<4x8xf32>
}

// torch-mlir asks for the extents of intermediates and asserts in the middle:
// the assert stays, the extents come from what the intermediates are made of.
// CHECK-LABEL: func.func @assert_in_the_middle(
// CHECK-SAME:    %[[INIT:[^:]+]]: tensor<?x8xf32>) ->
// CHECK:         %[[T:.+]] = tensor.dim %[[INIT]], %{{.+}} :
// CHECK:         %[[SAME:.+]] = arith.cmpi eq, %[[T]], %{{.+}} : index
// CHECK:         cf.assert %[[SAME]], "mismatched size for broadcast"
// CHECK:         linalg.generic
func.func @assert_in_the_middle(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                                %q: tensor<?x8xf32>, %init: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %t = tensor.dim %s, %c0 : tensor<?x8xf32>
  %tq = tensor.dim %q, %c0 : tensor<?x8xf32>
  %same = arith.cmpi eq, %t, %tq : index
  cf.assert %same, "mismatched size for broadcast"
  %g = arith.mulf %s, %q : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// A chain that takes another GEMM's result as a mere destination: that GEMM is
// dead once the chain is fused.
// CHECK-LABEL: func.func @destination_of_another(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @destination_of_another(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                                  %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %d = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = linalg.mul ins(%s, %q : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%d : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// Ops on buffers are none of our business.
// CHECK-LABEL: func.func @buffers(
// CHECK:         outs(%{{.+}} : memref<4x8xf32>)
// CHECK:         return
func.func @buffers(%x: memref<4x16xbf16>, %w: memref<16x8xbf16>,
                   %s: memref<4x8xf32>) {
  linalg.matmul ins(%x, %w : memref<4x16xbf16>, memref<16x8xbf16>)
                outs(%s : memref<4x8xf32>)
  return
}

// What scales the GEMM is computed before the loop, and stays there.
// CHECK-LABEL: func.func @operand_of_outer_block(
// CHECK:         %[[Q:.+]] = math.exp
// CHECK:         scf.for
// CHECK:           linalg.generic
// CHECK-SAME:        ins(%{{.+}}, %{{.+}}, %[[Q]] :
func.func @operand_of_outer_block(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                                  %q: tensor<4x8xf32>, %n: index)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = math.exp %q : tensor<4x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %z) -> tensor<4x8xf32> {
    %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                       outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
    %g = arith.mulf %s, %e : tensor<4x8xf32>
    scf.yield %g : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// x is widened as a tensor, and sizes are taken from the wide one: it goes all
// the same, and so does a scale that was multiplied as a tensor.
// CHECK-LABEL: func.func @extents_of_erased_tensors(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<16x8xf32>, %[[Q:[^:]+]]: tensor<?x8xf32>
// CHECK-NOT:     arith.extf %{{.+}} : tensor
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[W]], %[[Q]] :
// CHECK-NOT:     arith.mulf %{{.+}} : tensor
// CHECK:         return
func.func @extents_of_erased_tensors(%x: tensor<?x16xbf16>, %w: tensor<16x8xf32>,
                                     %q: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, index) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %xf = arith.extf %x : tensor<?x16xbf16> to tensor<?x16xf32>
  %t = tensor.dim %xf, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%xf, %w : tensor<?x16xf32>, tensor<16x8xf32>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %qq = arith.mulf %q, %q : tensor<?x8xf32>
  %tq = tensor.dim %qq, %c0 : tensor<?x8xf32>
  %g = arith.mulf %s, %qq : tensor<?x8xf32>
  return %g, %tq : tensor<?x8xf32>, index
}

// The extent of a reshaped x is a product of extents of what it was made of.
// CHECK-LABEL: func.func @extent_of_collapsed(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<16x?xbf16>
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %{{.+}} :
// CHECK-NOT:     tensor.collapse_shape
// CHECK:         return
func.func @extent_of_collapsed(%x: tensor<16x?xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c1 : tensor<16x?xbf16>
  %x4 = tensor.expand_shape %x [[0], [1, 2, 3]] output_shape [16, %t, 1, 1]
      : tensor<16x?xbf16> into tensor<16x?x1x1xbf16>
  %xe = tensor.empty(%t) : tensor<?x1x1x16xbf16>
  %xt = linalg.transpose ins(%x4 : tensor<16x?x1x1xbf16>)
      outs(%xe : tensor<?x1x1x16xbf16>) permutation = [1, 3, 2, 0]
  %xc = tensor.collapse_shape %xt [[0, 1, 2], [3]]
      : tensor<?x1x1x16xbf16> into tensor<?x16xbf16>
  %tc = tensor.dim %xc, %c0 : tensor<?x16xbf16>
  %e = tensor.empty(%tc) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%xc, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = arith.mulf %s, %s : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// An extent that is a constant stays unknown to the type, as the chain's type says.
// CHECK-LABEL: func.func @constant_extent(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK:         tensor.expand_shape %[[FUSED]]#1 {{.+}} : tensor<?x8xf32> into tensor<?x4x8xf32>
func.func @constant_extent(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                           %q: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xbf16>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s3 = tensor.expand_shape %s [[0, 1], [2]] output_shape [%c3, 4, 8]
      : tensor<?x8xf32> into tensor<?x4x8xf32>
  %g = arith.mulf %s3, %q : tensor<?x4x8xf32>
  return %g : tensor<?x4x8xf32>
}

// Extents that a cast makes known before the tokens are taken apart.
// CHECK-LABEL: func.func @extent_made_known(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK:         %[[CAST:.+]] = tensor.cast %[[FUSED]]#1 : tensor<?x8xf32> to tensor<12x8xf32>
// CHECK:         tensor.expand_shape %[[CAST]] {{.+}} : tensor<12x8xf32> into tensor<3x4x8xf32>
func.func @extent_made_known(%x: tensor<?x16xbf16>, %w: tensor<16x8xbf16>,
                             %q: tensor<3x4x8xf32>) -> tensor<3x4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xbf16>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x8xbf16>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %k = tensor.cast %s : tensor<?x8xf32> to tensor<12x8xf32>
  %s3 = tensor.expand_shape %k [[0, 1], [2]] output_shape [3, 4, 8]
      : tensor<12x8xf32> into tensor<3x4x8xf32>
  %g = arith.mulf %s3, %q : tensor<3x4x8xf32>
  return %g : tensor<3x4x8xf32>
}
