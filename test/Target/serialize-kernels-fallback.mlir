// RUN: indexer-opt %s -o %t \
// RUN:   --indexer-serialize-kernels="format=bin ptxas=/nonexistent/ptxas ptx-fallback" \
// RUN:   2>&1 | FileCheck %s --check-prefix=WARNING
// RUN: FileCheck %s < %t

// Where no assembler is found, PTX is made, with one warning for all modules.
// WARNING: warning: no assembler found: looked at /nonexistent/ptxas; the code is PTX, which the driver compiles when it is loaded
// WARNING-NOT: warning

// CHECK-LABEL: gpu.binary @first
// CHECK-SAME: assembly = "
// CHECK-SAME: .entry one(
// CHECK-LABEL: gpu.binary @second
// CHECK-SAME: assembly = "
// CHECK-SAME: .entry two(
gpu.module @first [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.func @one(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    llvm.store %a, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
gpu.module @second [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.func @two(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    llvm.store %a, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
