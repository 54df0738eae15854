// REQUIRES: nvptxcompiler
// The library of the PTX compiler makes the cubin where no program is asked for.
// RUN: env PATH=%binary_dir/bin CUDA_HOME=/nonexistent \
// RUN:   indexer-opt %s \
// RUN:   --indexer-serialize-kernels=format=bin -o %t
// RUN: FileCheck %s < %t

// CHECK-LABEL: gpu.binary @kernels
// CHECK-SAME: assembler = "nvptxcompiler {{[0-9]+\.[0-9]+}}"
// CHECK-SAME: resources = {store = {registers = {{[1-9][0-9]*}} : i32, shared_bytes = 0 : i32, spill_bytes = 0 : i32}}
// CHECK-SAME: bin = "\7FELF
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.func @store(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    llvm.store %a, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
