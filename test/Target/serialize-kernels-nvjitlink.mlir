// REQUIRES: nvjitlink
// nvJitLink makes the cubin where no program is asked for; a program that is asked
// for makes it itself.
// RUN: env PATH=%binary_dir/bin CUDA_HOME=/nonexistent TMPDIR=/nonexistent \
// RUN:   indexer-opt %s \
// RUN:   --indexer-serialize-kernels=format=bin -o %t
// RUN: FileCheck %s < %t

// Two runs give the same bytes, up to the times.
// RUN: indexer-opt %s --indexer-serialize-kernels=format=bin -o %t.again
// RUN: sed 's/TimeInMs = [0-9]*//g' %t > %t.bytes
// RUN: sed 's/TimeInMs = [0-9]*//g' %t.again | cmp - %t.bytes

// CHECK-LABEL: gpu.binary @kernels
// CHECK-SAME: assembler = "nvjitlink {{[0-9]+\.[0-9]+}}"
// CHECK-SAME: resources = {store = {registers = {{[1-9][0-9]*}} : i32, shared_bytes = 128 : i32, spill_bytes = 0 : i32}}
// CHECK-SAME: bin = "\7FELF
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.mlir.global internal @buffer() {addr_space = 3 : i32} : !llvm.array<32 x f32>
  llvm.func @store(%p: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %buffer = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %x = llvm.load volatile %buffer : !llvm.ptr<3> -> f32
    llvm.store %x, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
