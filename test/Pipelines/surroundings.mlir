// Nothing of the user's functions is dropped, on the way to the CPU and to the
// GPU: ops around a gate, two gates, a gate in a loop.

// RUN: indexer-run %S/Inputs/surroundings.mlir --device cpu --tokens 1,3,129 \
// RUN:   --entry before_and_after | FileCheck %s --check-prefix=EXEC
// RUN: indexer-run %S/Inputs/surroundings.mlir --device cpu --tokens 1,3,129 \
// RUN:   --entry two_gates | FileCheck %s --check-prefix=EXEC
// RUN: indexer-run %S/Inputs/surroundings.mlir --device cpu --tokens 1 \
// RUN:   --entry in_a_loop | FileCheck %s --check-prefix=EXEC
// RUN: indexer-run %S/Inputs/batch-and-sequence.mlir --device cpu \
// RUN:   --tokens 3 --shape x=2x5x64 --shape q=2x5x8x1 \
// RUN:   | FileCheck %s --check-prefix=EXEC

// EXEC-NOT: DIFFER
// EXEC:     agrees

// RUN: indexer-opt %S/Inputs/surroundings.mlir \
// RUN:   --indexer-to-cubin="chip=sm_90a format=isa" | FileCheck %s

// CHECK:       module attributes {gpu.container_module}
// CHECK-LABEL: func.func @before_and_after(
// CHECK:         arith.truncf
// CHECK:         %[[GATE:.+]] = call @before_and_after_gate0(
// CHECK:         linalg.reduce
// CHECK:         linalg.generic
// CHECK:         return
// CHECK:       gpu.binary @before_and_after_gate0_kernels
// CHECK-LABEL: func.func @two_gates(
// CHECK-DAG:     call @two_gates_gate0(
// CHECK-DAG:     call @two_gates_gate1(
// CHECK-LABEL: func.func @in_a_loop(
// CHECK:         scf.for
// CHECK:           call @in_a_loop_gate0(
// CHECK:           tensor.insert_slice
// CHECK:       gpu.binary @in_a_loop_gate0_kernels

// The host function, calls and all, goes through upstream's passes.
// RUN: indexer-opt %S/Inputs/surroundings.mlir \
// RUN:   --indexer-to-cubin="chip=sm_90a format=isa" | \
// RUN: mlir-opt --load-dialect-plugin=%plugin --convert-elementwise-to-linalg \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries allow-return-allocs-from-loops" \
// RUN:   --convert-linalg-to-loops --convert-scf-to-cf --expand-strided-metadata \
// RUN:   --lower-affine --convert-to-llvm --reconcile-unrealized-casts \
// RUN:   | FileCheck %s --check-prefix=HOST
// HOST:      llvm.call @_mlir_ciface_before_and_after_gate0
// HOST-NOT:  unrealized_conversion_cast
