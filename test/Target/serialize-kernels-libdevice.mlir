// REQUIRES: ptxas
// RUN: indexer-opt %s \
// RUN:   --pass-pipeline='builtin.module(gpu.module(indexer-lower-kernels-to-nvvm),indexer-serialize-kernels)' \
// RUN:   | FileCheck %s

// An op of math without an instruction becomes a call of libdevice, which is
// inlined: the PTX asks for no function that nobody has.
// CHECK-LABEL: gpu.binary @kernels
// CHECK-NOT: .extern
// CHECK: .visible .entry exponential(
// CHECK-SAME: ex2.approx
// CHECK-NOT: call.uni
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  gpu.func @exponential(%p: !llvm.ptr<1>, %x: f32) kernel {
    %y = math.exp %x : f32
    llvm.store %y, %p : f32, !llvm.ptr<1>
    gpu.return
  }

  // CHECK: .visible .entry root(
  // CHECK: sqrt.rn.f32
  gpu.func @root(%p: !llvm.ptr<1>, %x: f32) kernel {
    %y = math.sqrt %x : f32
    llvm.store %y, %p : f32, !llvm.ptr<1>
    gpu.return
  }
}
