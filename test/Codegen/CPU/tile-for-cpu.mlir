// Register tiles of 4 tokens by 4 heads, with the rest cut into ones, and d in
// 16 partial sums. All tiles that compute are static.

// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse \
// RUN:   --indexer-decompose-fused-op --indexer-tile-for-cpu | FileCheck %s
// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse \
// RUN:   --indexer-decompose-fused-op \
// RUN:   --indexer-tile-for-cpu="tile-t=2 tile-h=8 lanes=32" \
// RUN:   | FileCheck %s --check-prefix=OPTIONS
// RUN: not indexer-opt %examples/head_gate.mlir --indexer-tile-for-cpu="lanes=0" \
// RUN:   2>&1 | FileCheck %s --check-prefix=ERROR

// CHECK-LABEL: func.func @head_gate(
// CHECK:         scf.for {{.*}} step %[[C4:.+]] iter_args
// CHECK:           scf.for {{.*}} step %{{.+}} iter_args
// CHECK:             scf.for {{.*}} -> (tensor<4x4x16xf32>)
// CHECK:               linalg.generic
// CHECK-SAME:            iterator_types = ["parallel", "parallel", "parallel"]
// CHECK-SAME:            tensor<4x16xbf16>, tensor<4x16xbf16>
// CHECK:             } {indexer.reduction}
// CHECK:             linalg.reduce ins({{.*}} : tensor<4x4x16xf32>) outs({{.*}} : tensor<4x4xf32>) dimensions = [2]
// CHECK:             linalg.generic {{.*}} {indexer.epilogue}
// CHECK:         scf.for
// CHECK:             scf.for {{.*}} -> (tensor<1x4x16xf32>)

// OPTIONS:       scf.for {{.*}} -> (tensor<2x8x32xf32>)

// ERROR: options 'tile-t', 'tile-h' and 'lanes' of 'indexer-tile-for-cpu' must be at least 1
