// The partial sums of a tile live in vector registers across the loop over d.

// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse \
// RUN:   --indexer-decompose-fused-op --indexer-tile-for-cpu \
// RUN:   --indexer-vectorize-for-cpu --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @head_gate(
// CHECK:         scf.for {{.*}} -> (vector<4x4x16xf32>)
// CHECK:           vector.transfer_read {{.*}} vector<4x16xbf16>
// CHECK:           vector.transfer_read {{.*}} vector<4x16xbf16>
// CHECK:           arith.mulf {{.*}} : vector<4x4x16xf32>
// CHECK:           arith.addf {{.*}} : vector<4x4x16xf32>
// CHECK:         }
// CHECK:         vector.multi_reduction <add>
// CHECK-SAME:      vector<4x4x16xf32> to vector<4x4xf32>
// CHECK:         arith.mulf {{.*}} : vector<4x4xf32>
// CHECK:         scf.for {{.*}} -> (vector<1x4x16xf32>)
// CHECK-NOT:     linalg.
// CHECK:         return
