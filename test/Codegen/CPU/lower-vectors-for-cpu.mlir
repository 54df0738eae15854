// Vectors of rank 2 and 3 become vectors of rank 1.

// RUN: indexer-opt %s --indexer-lower-vectors-for-cpu | FileCheck %s

// CHECK-LABEL: func.func @reduce
// CHECK-NOT:     vector<2x16xf32>
// CHECK:         vector.load {{.*}} vector<16xf32>
// CHECK:         vector.reduction <add>
// CHECK-NOT:     multi_reduction
// CHECK:         return
func.func @reduce(%from: memref<2x16xf32>, %to: memref<2xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %start = arith.constant dense<0.0> : vector<2xf32>
  %v = vector.transfer_read %from[%c0, %c0], %zero {in_bounds = [true, true]}
      : memref<2x16xf32>, vector<2x16xf32>
  %r = vector.multi_reduction <add>, %v, %start [1]
      : vector<2x16xf32> to vector<2xf32>
  vector.transfer_write %r, %to[%c0] {in_bounds = [true]}
      : vector<2xf32>, memref<2xf32>
  return
}
