// RUN: indexer-opt %s --indexer-fuse --indexer-group-shared-operand \
// RUN:   --indexer-select-schedule --indexer-outline-kernels | FileCheck %s

// A group becomes one function with a result for each op.

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#all = affine_map<(t, h) -> (t, h)>
#th = affine_map<(t, h, d) -> (t, h)>

// All rows of the weight are used, so it is the operand. The gate's rows come
// last, and so does its result, though its op is the first; what rounds the keys
// is inside.

// CHECK-LABEL: func.func @merged(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<40x16xbf16>, %[[Q:[^:]+]]: tensor<?x8xf32>, %[[SCALE:[^:]+]]: f32, %[[NORM:[^:]+]]: tensor<?x32xf32>)
// CHECK-NOT:     linalg
// CHECK-NOT:     tensor.extract_slice
// CHECK:         %[[R:.+]]:2 = call @merged_gate0(%[[X]], %[[W]], %[[NORM]], %[[Q]], %[[SCALE]])
// CHECK-NEXT:    return %[[R]]#1, %[[R]]#0
// CHECK:       func.func private @merged_gate0(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<40x16xbf16>, %[[NORM:[^:]+]]: tensor<?x32xf32>, %[[Q:[^:]+]]: tensor<?x8xf32>, %[[SCALE:[^:]+]]: f32)
// CHECK-SAME:    -> (tensor<?x32xbf16>, tensor<?x8xf32>) attributes {indexer.outlined, llvm.emit_c_interface}
// CHECK:         %[[WK:.+]] = tensor.extract_slice %[[W]][0, 0] [32, 16] [1, 1]
// CHECK:         %[[K:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WK]], %[[NORM]] :
// CHECK:         %[[KEYS:.+]] = arith.truncf %[[K]]#1
// CHECK:         %[[WG:.+]] = tensor.extract_slice %[[W]][32, 0] [8, 16] [1, 1]
// CHECK:         %[[GATE:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WG]], %[[Q]] :
// CHECK:           arith.mulf %{{.+}}, %[[SCALE]]
// CHECK:         return %[[KEYS]], %[[GATE]]#1
func.func @merged(%x: tensor<?x16xbf16>, %w: tensor<40x16xbf16>,
                  %q: tensor<?x8xf32>, %scale: f32, %norm: tensor<?x32xf32>)
    -> (tensor<?x8xf32>, tensor<?x32xbf16>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xbf16>
  %ek = tensor.empty(%t) : tensor<?x32xf32>
  %eg = tensor.empty(%t) : tensor<?x8xf32>
  %fk = linalg.fill ins(%zero : f32) outs(%ek : tensor<?x32xf32>) -> tensor<?x32xf32>
  %fg = linalg.fill ins(%zero : f32) outs(%eg : tensor<?x8xf32>) -> tensor<?x8xf32>
  %wg = tensor.extract_slice %w[32, 0] [8, 16] [1, 1] : tensor<40x16xbf16> to tensor<8x16xbf16>
  %wk = tensor.extract_slice %w[0, 0] [32, 16] [1, 1] : tensor<40x16xbf16> to tensor<32x16xbf16>
  %l = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %wg : tensor<?x16xbf16>, tensor<8x16xbf16>)
      outs(%fg : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = arith.mulf %l, %q : tensor<?x8xf32>
  %g = linalg.generic {indexing_maps = [#all, #all],
      iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x8xf32>) outs(%eg : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %scale : f32
    linalg.yield %m : f32
  } -> tensor<?x8xf32>
  %k = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %wk : tensor<?x16xbf16>, tensor<32x16xbf16>)
      outs(%fk : tensor<?x32xf32>) -> tensor<?x32xf32>
  %n = arith.mulf %k, %norm : tensor<?x32xf32>
  %b = arith.truncf %n : tensor<?x32xf32> to tensor<?x32xbf16>
  return %g, %b : tensor<?x8xf32>, tensor<?x32xbf16>
}

// torch-mlir rounds by a linalg.generic, whose destination has the extents of
// what it rounds.

// CHECK-LABEL: func.func @rounded_by_a_generic(
// CHECK-NOT:     linalg
// CHECK:         %[[GATE:.+]] = call @rounded_by_a_generic_gate0(
// CHECK-NEXT:    return %[[GATE]] : tensor<?x8xbf16>
// CHECK:       func.func private @rounded_by_a_generic_gate0(
// CHECK:         arith.truncf %{{.+}}#1 : tensor<?x8xf32> to tensor<?x8xbf16>
func.func @rounded_by_a_generic(%x: tensor<?x16xbf16>, %w: tensor<8x16xbf16>,
                                %q: tensor<?x8xf32>) -> tensor<?x8xbf16> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xbf16>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w : tensor<?x16xbf16>, tensor<8x16xbf16>)
      outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = arith.mulf %s, %q : tensor<?x8xf32>
  %n = tensor.dim %g, %c0 : tensor<?x8xf32>
  %d = tensor.empty(%n) : tensor<?x8xbf16>
  %r = linalg.generic {indexing_maps = [#all, #all],
      iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x8xf32>) outs(%d : tensor<?x8xbf16>) {
  ^bb0(%a: f32, %o: bf16):
    %b = arith.truncf %a : f32 to bf16
    linalg.yield %b : bf16
  } -> tensor<?x8xbf16>
  return %r : tensor<?x8xbf16>
}

// Of a weight with more rows the operand is those of the group.

// CHECK-LABEL: func.func @part_of_a_weight(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x16xf32>, %[[W:[^:]+]]: tensor<16x48xf32>
// CHECK:         %[[ROWS:.+]] = tensor.extract_slice %[[W]][0, 24] [16, 16] [1, 1]
// CHECK-NEXT:    call @part_of_a_weight_gate0(%[[X]], %[[ROWS]]
// CHECK:       func.func private @part_of_a_weight_gate0(
// CHECK-SAME:    %[[W:[^:]+]]: tensor<16x16xf32>
// CHECK:         tensor.extract_slice %[[W]][0, 0] [16, 8]
// CHECK:         tensor.extract_slice %[[W]][0, 8] [16, 8]
func.func @part_of_a_weight(%x: tensor<4x16xf32>, %w: tensor<16x48xf32>,
                            %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[0, 24] [16, 8] [1, 1] : tensor<16x48xf32> to tensor<16x8xf32>
  %w1 = tensor.extract_slice %w[0, 32] [16, 8] [1, 1] : tensor<16x48xf32> to tensor<16x8xf32>
  %s0 = linalg.matmul ins(%x, %w0 : tensor<4x16xf32>, tensor<16x8xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s1 = linalg.matmul ins(%x, %w1 : tensor<4x16xf32>, tensor<16x8xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %g1 = arith.mulf %s1, %z : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}
