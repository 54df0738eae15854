// RUN: indexer-opt %s \
// RUN:   --pass-pipeline='builtin.module(gpu.module(indexer-lower-kernels-to-nvvm))' \
// RUN:   | FileCheck %s

// Ops of the host are not touched.
// CHECK-LABEL: func.func @host
// CHECK-NEXT: scf.for
func.func @host(%low: index, %high: index, %step: index) {
  scf.for %i = %low to %high step %step {
    func.call @consume(%i) : (index) -> ()
  }
  return
}
func.func private @consume(index)

// CHECK-LABEL: gpu.module @kernels
gpu.module @kernels {
  // Structured control flow, shared memory and bf16 all have a lowering, and
  // nothing between the dialects is left.
  // CHECK: llvm.mlir.global internal @{{.*}} {addr_space = 3 : i32} : !llvm.array<32 x f32>
  // CHECK: llvm.func @sum(%[[P:.+]]: !llvm.ptr<1>, %[[N:.+]]: i64, %[[S:.+]]: bf16)
  // CHECK-SAME: nvvm.kernel
  // CHECK-NOT: unrealized_conversion_cast
  // CHECK: nvvm.read.ptx.sreg.tid.x
  // CHECK: llvm.cond_br
  // CHECK: nvvm.barrier
  // CHECK: llvm.fpext %[[S]] : bf16 to f32
  // CHECK: llvm.return
  gpu.func @sum(%p: !llvm.ptr<1>, %n: i64, %s: bf16)
      workgroup(%shared: memref<32xf32, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %thread = gpu.thread_id x
    %extent = arith.index_cast %n : i64 to index
    %sum = scf.for %i = %thread to %extent step %c1 iter_args(%a = %zero) -> f32 {
      %offset = arith.index_cast %i : index to i64
      %address = llvm.getelementptr %p[%offset]
          : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %x = llvm.load %address : !llvm.ptr<1> -> f32
      %next = arith.addf %a, %x : f32
      scf.yield %next : f32
    }
    memref.store %sum, %shared[%thread]
        : memref<32xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %first = memref.load %shared[%c0]
        : memref<32xf32, #gpu.address_space<workgroup>>
    %factor = arith.extf %s : bf16 to f32
    %y = arith.mulf %first, %factor : f32
    llvm.store %y, %p : f32, !llvm.ptr<1>
    gpu.return
  }

  // A square root is rounded to nearest: not libdevice's, which is approximate.
  // CHECK-LABEL: llvm.func @roots
  // CHECK-SAME: %[[X:[a-z0-9]+]]: f32, %[[N:[a-z0-9]+]]: bf16)
  // CHECK-DAG: llvm.intr.sqrt(%[[X]]) : (f32) -> f32
  // CHECK-DAG: %[[WIDE:.+]] = llvm.fpext %[[N]] : bf16 to f32
  // CHECK: %[[ROOT:.+]] = llvm.intr.sqrt(%[[WIDE]]) : (f32) -> f32
  // CHECK: llvm.fptrunc %[[ROOT]] : f32 to bf16
  // CHECK-NOT: __nv_sqrt
  gpu.func @roots(%p: !llvm.ptr<1>, %x: f32, %n: bf16) kernel {
    %a = math.sqrt %x : f32
    %b = math.sqrt %n : bf16
    llvm.store %a, %p : f32, !llvm.ptr<1>
    llvm.store %b, %p : bf16, !llvm.ptr<1>
    gpu.return
  }

  // A tensor map is passed by value, and its address is used as it is.
  // CHECK: llvm.func @copy(%{{.+}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %{{.+}}: !llvm.ptr<1>)
  // CHECK-NOT: indexer.tensor_maps
  // CHECK: nvvm.prefetch tensormap
  gpu.func @copy(%map: !llvm.ptr, %p: !llvm.ptr<1>) kernel
      attributes {indexer.tensor_maps = array<i32: 0>} {
    nvvm.prefetch tensormap, %map : !llvm.ptr
    gpu.return
  }
}
