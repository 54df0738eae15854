// A stock mlir-opt with our plugin prints what indexer-opt prints.

// RUN: mlir-opt %examples/head_gate.mlir --load-pass-plugin=%plugin \
// RUN:   --pass-pipeline='builtin.module(indexer-fuse)' -o %t.plugin.mlir
// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse -o %t.ours.mlir
// RUN: diff %t.ours.mlir %t.plugin.mlir
// RUN: FileCheck %s < %t.plugin.mlir

// CHECK-LABEL: func.func @head_gate(
// CHECK:         linalg.fill
// CHECK:         linalg.generic
// CHECK-NOT:     linalg.
// CHECK:         linalg.yield
// CHECK-NOT:     linalg.
// CHECK:         return
