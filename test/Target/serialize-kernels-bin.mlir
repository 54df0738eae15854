// REQUIRES: ptxas
// RUN: indexer-opt %s --indexer-serialize-kernels=format=bin | FileCheck %s
// RUN: indexer-opt %s --indexer-serialize-kernels="format=bin keep-ptx" \
// RUN:   | FileCheck %s --check-prefix=KEEP
// RUN: indexer-opt %s --indexer-serialize-kernels=format=bin -o %t \
// RUN:   --remarks-filter=indexer-codegen --remark-format=emitRemark 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// An ELF file, with the figures of the assembler beside it.
// CHECK-LABEL: gpu.binary @kernels
// CHECK-SAME: properties = {ISAToBinaryTimeInMs = {{[0-9]+}} : i64
// CHECK-SAME: assembler = "{{ptxas|nvjitlink|nvptxcompiler}} {{[0-9]+\.[0-9.]+}}"
// CHECK-SAME: resources = {store_factor = {registers = {{[1-9][0-9]*}} : i32, shared_bytes = 128 : i32, spill_bytes = 0 : i32}}
// CHECK-SAME: bin = "\7FELF
// CHECK-NOT: assembly

// The PTX comes second: upstream's lowering of a launch takes the first object.
// KEEP-LABEL: gpu.binary @kernels
// KEEP-SAME: bin = "\7FELF
// KEEP-SAME: assembly = "
// KEEP-SAME: .entry store_factor(

// REMARK: remark: [Analysis] SerializeKernels
// REMARK-SAME: Category:indexer-codegen
// REMARK-SAME: assembler="{{ptxas|nvjitlink|nvptxcompiler}} {{.*}}", kernel=store_factor, registers={{[0-9]+}}, shared-bytes=128, spill-bytes=0
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.mlir.global internal @shared() {addr_space = 3 : i32} : !llvm.array<32 x f32>
  llvm.func @store_factor(%p: !llvm.ptr<1>, %a: f32) attributes {nvvm.kernel} {
    %shared = llvm.mlir.addressof @shared : !llvm.ptr<3>
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %slot = llvm.getelementptr %shared[%thread]
        : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    llvm.store volatile %a, %slot : f32, !llvm.ptr<3>
    nvvm.barrier0
    %x = llvm.load volatile %shared : !llvm.ptr<3> -> f32
    llvm.store %x, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
