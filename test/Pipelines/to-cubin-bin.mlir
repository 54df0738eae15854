// Machine code for every chip, without spills.

// REQUIRES: ptxas
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-cubin="chip=sm_80" | FileCheck %s -DCHIP=sm_80
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-cubin="chip=sm_89" | FileCheck %s -DCHIP=sm_89
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-cubin="chip=sm_90a" | FileCheck %s -DCHIP=sm_90a
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-cubin="chip=sm_100a" | FileCheck %s -DCHIP=sm_100a
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-cubin="chip=sm_120a" | FileCheck %s -DCHIP=sm_120a
// CHECK:      gpu.binary @head_gate_gate0_kernels
// CHECK-SAME: chip = "[[CHIP]]"
// CHECK-SAME: assembler = "{{ptxas|nvjitlink|nvptxcompiler}}
// CHECK-SAME: registers = {{[0-9]+}} : i32
// CHECK-NOT:  spill_bytes = {{[1-9]}}
