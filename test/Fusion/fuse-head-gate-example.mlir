// The example of the pass's documentation: sglang's chain becomes one op.

// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse | FileCheck %s

// CHECK-DAG:   #[[$X:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG:   #[[$W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[$TH:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @head_gate(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x7168xbf16>
// CHECK-SAME:    %[[W:[^:]+]]: tensor<64x7168xbf16>
// CHECK-SAME:    %[[Q:[^:]+]]: tensor<?x64x1xf32>
// CHECK-SAME:    %[[HEAD_SCALE:[^:]+]]: f32
// CHECK-SAME:    %[[SOFTMAX_SCALE:[^:]+]]: f32
// CHECK-DAG:     %[[Q2:.+]] = tensor.collapse_shape %[[Q]] {{\[}}[0], [1, 2]]
// CHECK-DAG:     %[[EMPTY:.+]] = tensor.empty
// CHECK:         %[[ZERO:.+]] = linalg.fill {{.*}} outs(%[[EMPTY]]
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$W]], #[[$TH]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME:      ins(%[[X]], %[[W]], %[[Q2]] :
// CHECK-SAME:      outs(%[[ZERO]], %[[EMPTY]] :
// CHECK-NEXT:    ^bb0(%[[XE:.+]]: bf16, %[[WE:.+]]: bf16, %[[QE:.+]]: f32, %[[OLD:.+]]: f32, %{{.+}}: f32)
// CHECK-DAG:       %[[XF:.+]] = arith.extf %[[XE]]
// CHECK-DAG:       %[[WF:.+]] = arith.extf %[[WE]]
// CHECK:           %[[PRODUCT:.+]] = arith.mulf %[[XF]], %[[WF]]
// CHECK:           %[[SUM:.+]] = arith.addf %[[OLD]], %[[PRODUCT]]
// CHECK:           %[[G0:.+]] = arith.mulf %[[SUM]], %[[HEAD_SCALE]]
// CHECK:           %[[G1:.+]] = arith.mulf %[[G0]], %[[QE]]
// CHECK:           %[[G2:.+]] = arith.mulf %[[G1]], %[[SOFTMAX_SCALE]]
// CHECK:           linalg.yield %[[SUM]], %[[G2]]
// CHECK:         %[[GATE:.+]] = tensor.expand_shape %[[FUSED]]#1 {{\[}}[0], [1, 2]]
// CHECK-NOT:     linalg.
// CHECK:         return %[[GATE]]
