// RUN: indexer-opt %s --indexer-serialize-kernels=format=isa -o %t
// RUN: FileCheck %s < %t

// Kernels are compiled in parallel and stand in the text in their order, behind
// one header; each has its own shared memory.

module attributes {gpu.container_module} {

// CHECK-LABEL: gpu.binary @kernels
// CHECK-SAME:  .version 8.6
// CHECK-SAME:  .target sm_90a
// CHECK-NOT:   .version
// CHECK-SAME:  .visible .entry second(
// CHECK-SAME:  .shared
// CHECK-SAME:  add.rn.f32
// CHECK-SAME:  .visible .entry first(
// CHECK-SAME:  mul.rn.f32
// CHECK-SAME:  ">]
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.mlir.global internal @sums() {addr_space = 3 : i32, alignment = 16 : i64}
      : !llvm.array<4 x f32>
  llvm.func @second(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    %sums = llvm.mlir.addressof @sums : !llvm.ptr<3>
    llvm.store volatile %a, %sums : f32, !llvm.ptr<3>
    %0 = llvm.load volatile %sums : !llvm.ptr<3> -> f32
    %1 = llvm.fadd %0, %a : f32
    llvm.store %1, %p : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @first(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    %0 = llvm.fmul %a, %a : f32
    llvm.store %0, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}

// A function that two kernels call is in the text once.
// CHECK-LABEL: gpu.binary @sharing
// CHECK-SAME:  .func {{.*}}helper(
// CHECK-SAME:  .visible .entry third(
// CHECK-SAME:  .visible .entry fourth(
// CHECK-SAME:  ">]
gpu.module @sharing [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.func @helper(%a: f32) -> f32 attributes {no_inline} {
    %0 = llvm.fmul %a, %a : f32
    llvm.return %0 : f32
  }
  llvm.func @third(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    %0 = llvm.call @helper(%a) : (f32) -> f32
    llvm.store %0, %p : f32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @fourth(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    %0 = llvm.call @helper(%a) : (f32) -> f32
    %1 = llvm.fadd %0, %a : f32
    llvm.store %1, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}

}
