// RUN: indexer-opt %s --indexer-fuse --indexer-group-shared-operand \
// RUN:   | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse --indexer-group-shared-operand \
// RUN:   --indexer-group-shared-operand | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse --indexer-group-shared-operand \
// RUN:   --remarks-filter=indexer-schedule --remark-format=emitRemark \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: indexer-opt %s --indexer-fuse --indexer-group-shared-operand \
// RUN:   --indexer-select-schedule --indexer-verify-schedule \
// RUN:   | FileCheck %s --check-prefix=SCHEDULED

#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// The keys and the gate of a merged weight. What the gate needs is in front of
// the keys. Both get the schedules of 192 heads: 12 tiles of 16, which 64 heads
// alone get others for.

// CHECK-LABEL: func.func @keys_and_gate(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x1024xbf16>, %[[W:[^:]+]]: tensor<192x1024xbf16>, %[[Q:[^:]+]]: tensor<?x64x3xf32>
// CHECK-DAG:     %[[WK:.+]] = tensor.extract_slice %[[W]][0, 0] [128, 1024]
// CHECK-DAG:     %[[WG:.+]] = tensor.extract_slice %[[W]][128, 0] [64, 1024]
// CHECK-DAG:     %[[SUMS:.+]] = linalg.reduce
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WK]] :
// CHECK-SAME:      indexer.group = 0 : i64
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WG]], %[[SUMS]] :
// CHECK-SAME:      indexer.group = 0 : i64
// SCHEDULED-LABEL: func.func @keys_and_gate(
// SCHEDULED:         indexer.group = 0 : i64, indexer.schedules = {{\[}}[[SCHEDULES:.+]]]}
// SCHEDULED:         indexer.group = 0 : i64, indexer.schedules = {{\[}}[[SCHEDULES]]]}
// REMARK:        [Passed] GroupSharedOperand | Category:indexer-schedule | heads=192, ops=2
func.func @keys_and_gate(%x: tensor<?x1024xbf16>, %w: tensor<192x1024xbf16>,
                         %q: tensor<?x64x3xf32>, %init: tensor<?x192xf32>,
                         %scales: tensor<?x64xf32>)
    -> (tensor<?x128xbf16>, tensor<?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x192xf32>) -> tensor<?x192xf32>
  %s = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w : tensor<?x1024xbf16>, tensor<192x1024xbf16>)
      outs(%f : tensor<?x192xf32>) -> tensor<?x192xf32>
  %r = arith.truncf %s : tensor<?x192xf32> to tensor<?x192xbf16>
  %t = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %k = tensor.extract_slice %r[0, 0] [%t, 128] [1, 1]
      : tensor<?x192xbf16> to tensor<?x128xbf16>
  %l = tensor.extract_slice %r[0, 128] [%t, 64] [1, 1]
      : tensor<?x192xbf16> to tensor<?x64xbf16>
  %lf = arith.extf %l : tensor<?x64xbf16> to tensor<?x64xf32>
  %sums = linalg.reduce {arith.addf} ins(%q : tensor<?x64x3xf32>)
      outs(%scales : tensor<?x64xf32>) dimensions = [2]
  %g = arith.mulf %lf, %sums : tensor<?x64xf32>
  return %k, %g : tensor<?x128xbf16>, tensor<?x64xf32>
}

// The rows of three ops may lie anywhere in the weight, in any order of the ops.

// CHECK-LABEL: func.func @three_runs(
// CHECK-COUNT-3: indexer.group = 0 : i64
// REMARK:        [Passed] GroupSharedOperand | Category:indexer-schedule | heads=24, ops=3
func.func @three_runs(%x: tensor<4x16xf32>, %w: tensor<48x16xf32>,
                      %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[24, 0] [8, 16] [1, 1] : tensor<48x16xf32> to tensor<8x16xf32>
  %w1 = tensor.extract_slice %w[8, 0] [8, 16] [1, 1] : tensor<48x16xf32> to tensor<8x16xf32>
  %w2 = tensor.extract_slice %w[16, 0] [8, 16] [1, 1] : tensor<48x16xf32> to tensor<8x16xf32>
  %s0 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w0 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s1 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w1 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s2 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w2 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %g1 = arith.mulf %s1, %z : tensor<4x8xf32>
  %g2 = arith.mulf %s2, %z : tensor<4x8xf32>
  return %g0, %g1, %g2 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// Rows that nobody reads lie between.

// CHECK-LABEL: func.func @no_group_with_a_gap(
// CHECK-NOT:     indexer.group
// REMARK:        [Missed] GroupSharedOperand | Category:indexer-schedule | Reason="2 fused ops with rows of one weight get a kernel each: expected the rows of the weights one behind the other"
func.func @no_group_with_a_gap(%x: tensor<4x16xf32>, %w: tensor<48x16xf32>,
                               %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 16] [1, 1] : tensor<48x16xf32> to tensor<8x16xf32>
  %w1 = tensor.extract_slice %w[16, 0] [8, 16] [1, 1] : tensor<48x16xf32> to tensor<8x16xf32>
  %s0 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w0 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s1 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w1 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %g1 = arith.mulf %s1, %z : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// The second op scales by the result of the first.

// CHECK-LABEL: func.func @no_group_of_dependent_ops(
// CHECK-NOT:     indexer.group
// REMARK:        [Missed] GroupSharedOperand | Category:indexer-schedule | Reason="2 fused ops with rows of one weight get a kernel each: expected ops that do not depend on each other, nor on what cannot be moved"
func.func @no_group_of_dependent_ops(%x: tensor<4x16xf32>, %w: tensor<16x16xf32>,
                                     %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %w1 = tensor.extract_slice %w[8, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %s0 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w0 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %s1 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w1 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g1 = arith.mulf %s1, %g0 : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// What a call gives may not be asked for earlier.

// CHECK-LABEL: func.func @no_group_behind_a_call(
// CHECK-NOT:     indexer.group
// REMARK:        [Missed] GroupSharedOperand | Category:indexer-schedule | Reason="2 fused ops with rows of one weight get a kernel each: expected ops that do not depend on each other, nor on what cannot be moved"
func.func private @scales() -> tensor<4x8xf32>
func.func @no_group_behind_a_call(%x: tensor<4x16xf32>, %w: tensor<16x16xf32>,
                                  %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %w1 = tensor.extract_slice %w[8, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %s0 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w0 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %s1 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w1 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %q = func.call @scales() : () -> tensor<4x8xf32>
  %g1 = arith.mulf %s1, %q : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// Nothing is shared with another x, and nothing is said about it.

// CHECK-LABEL: func.func @no_group_with_another_x(
// CHECK-NOT:     indexer.group
// REMARK-NOT:    {{\[(Passed|Missed)\]}}
func.func @no_group_with_another_x(%x: tensor<4x16xf32>, %y: tensor<4x16xf32>,
                                   %w: tensor<16x16xf32>, %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %w1 = tensor.extract_slice %w[8, 0] [8, 16] [1, 1] : tensor<16x16xf32> to tensor<8x16xf32>
  %s0 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w0 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s1 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%y, %w1 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %g1 = arith.mulf %s1, %z : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// Each op multiplies only some columns of the weight: another E than x has in
// the tensor, so that there is no weight of both.

// CHECK-LABEL: func.func @no_group_of_columns(
// CHECK-NOT:     indexer.group
// REMARK:        [Missed] GroupSharedOperand | Category:indexer-schedule | Reason="2 fused ops with rows of one weight get a kernel each: expected each weight to be a tensor.extract_slice of rows of one tensor with known extents"
func.func @no_group_of_columns(%x: tensor<4x16xf32>, %w: tensor<16x32xf32>,
                               %z: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %w0 = tensor.extract_slice %w[0, 0] [8, 16] [1, 1] : tensor<16x32xf32> to tensor<8x16xf32>
  %w1 = tensor.extract_slice %w[8, 16] [8, 16] [1, 1] : tensor<16x32xf32> to tensor<8x16xf32>
  %s0 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w0 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %s1 = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w1 : tensor<4x16xf32>, tensor<8x16xf32>)
      outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s0, %z : tensor<4x8xf32>
  %g1 = arith.mulf %s1, %z : tensor<4x8xf32>
  return %g0, %g1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// A warp of wgmma finishes 16 heads, which must be of one op: with 8 rows of keys
// only the other families are chosen.

// CHECK-LABEL: func.func @few_keys(
// CHECK-COUNT-2: indexer.group = 0 : i64
// SCHEDULED-LABEL: func.func @few_keys(
// SCHEDULED:         indexer.group = 0 : i64
// SCHEDULED-SAME:      family = register_mma
// SCHEDULED-NOT:     wgmma
// SCHEDULED:         return
func.func @few_keys(%x: tensor<?x1024xbf16>, %w: tensor<72x1024xbf16>,
                    %q: tensor<?x64xf32>, %init: tensor<?x72xf32>)
    -> (tensor<?x8xf32>, tensor<?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x72xf32>) -> tensor<?x72xf32>
  %s = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%x, %w : tensor<?x1024xbf16>, tensor<72x1024xbf16>)
      outs(%f : tensor<?x72xf32>) -> tensor<?x72xf32>
  %t = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %k = tensor.extract_slice %s[0, 0] [%t, 8] [1, 1]
      : tensor<?x72xf32> to tensor<?x8xf32>
  %l = tensor.extract_slice %s[0, 8] [%t, 64] [1, 1]
      : tensor<?x72xf32> to tensor<?x64xf32>
  %g = arith.mulf %l, %q : tensor<?x64xf32>
  return %k, %g : tensor<?x8xf32>, tensor<?x64xf32>
}
