// Tokens cut into batch and sequence, both unknown.

// RUN: indexer-opt %s --indexer-expand-dynamic-shapes | FileCheck %s

// CHECK-LABEL: func.func @tokens(
// CHECK-SAME:    %[[M:.+]]: memref<?x8xf32>, %[[B:.+]]: index, %[[S:.+]]: index
// CHECK:         %[[BASE:[^,]+]], %{{.+}}, %{{.+}}, %[[STRIDES:.+]]:2 = memref.extract_strided_metadata %[[M]]
// CHECK:         memref.reinterpret_cast %[[BASE]] to offset: [0]
// CHECK-SAME:      sizes: [%[[B]], %[[S]], 8, 1], strides: [%{{.+}}, 8, 1, 1]
// CHECK-NOT:     memref.expand_shape
// CHECK:         return
func.func @tokens(%m: memref<?x8xf32>, %b: index, %s: index)
    -> memref<?x?x8x1xf32> {
  %e = memref.expand_shape %m [[0, 1], [2, 3]] output_shape [%b, %s, 8, 1]
      : memref<?x8xf32> into memref<?x?x8x1xf32>
  return %e : memref<?x?x8x1xf32>
}

// One unknown extent is left to upstream.
// CHECK-LABEL: func.func @unit(
// CHECK:         memref.expand_shape
func.func @unit(%m: memref<?x8xf32>, %t: index) -> memref<?x8x1xf32> {
  %e = memref.expand_shape %m [[0], [1, 2]] output_shape [%t, 8, 1]
      : memref<?x8xf32> into memref<?x8x1xf32>
  return %e : memref<?x8x1xf32>
}
