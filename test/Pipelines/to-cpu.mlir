// The CPU's code runs in LLVM's own runner.

// RUN: indexer-opt %S/Inputs/main.mlir --indexer-to-cpu \
// RUN:   | mlir-runner -e main -entry-point-result=void \
// RUN:       -shared-libs=%llvm_lib_dir/libmlir_runner_utils.so,%llvm_lib_dir/libmlir_c_runner_utils.so \
// RUN:   | FileCheck %s --check-prefix=OUTPUT
// OUTPUT:      {{\[}}[16, 32, 48, 64],
// OUTPUT-NEXT: [32, 64, 96, 128],
// OUTPUT-NEXT: [48, 96, 144, 192]]

// It is vector code in which nothing but LLVM's dialect remains, and bf16 needs
// no library function.
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-cpu | FileCheck %s
// CHECK-LABEL: llvm.func @head_gate(
// CHECK:         llvm.fmul {{.*}} : vector<16xf32>
// CHECK:         llvm.fadd {{.*}} : vector<16xf32>
// CHECK:         vector.reduce.fadd
// CHECK-NOT:     fpext {{.*}} bf16
// CHECK-NOT:     unrealized_conversion_cast
