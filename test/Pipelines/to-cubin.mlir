// From a frontend's chain to machine code with launch metadata, in one command.

// RUN: indexer-opt %examples/head_gate.mlir \
// RUN:   --indexer-to-cubin="chip=sm_90a format=isa" | FileCheck %s
// CHECK:       func.func @head_gate(
// CHECK:         call @head_gate_gate0(
// CHECK:       func.func private @head_gate_gate0(
// CHECK-SAME:    indexer.launch = [{
// CHECK-SAME:    llvm.emit_c_interface
// CHECK:       gpu.binary @head_gate_gate0_kernels
// CHECK-SAME:    .version 8.6
// CHECK-SAME:    .target sm_90a
// CHECK-SAME:    .entry head_gate_gate0_plain

// A pipeline may start from the output of any earlier one.
// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse \
// RUN:   | indexer-opt --indexer-to-kernel="chip=sm_90a" \
// RUN:   | indexer-opt --indexer-to-cubin="chip=sm_90a format=isa" \
// RUN:   | FileCheck %s

// RUN: not indexer-opt %examples/head_gate.mlir \
// RUN:   --indexer-to-cubin="chip=sm_75" 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: option 'chip' of 'indexer-select-schedule' got "sm_75"; accepted are sm_80, sm_89, sm_90a, sm_100a, sm_120a

// RUN: not indexer-opt %examples/head_gate.mlir \
// RUN:   --indexer-to-cubin="ptxas=/nonexistent" 2>&1 | FileCheck %s --check-prefix=PTXAS
// PTXAS: error: no ptxas found for kernel module '@head_gate_gate0_kernels'
