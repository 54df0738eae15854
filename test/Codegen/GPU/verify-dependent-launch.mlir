// RUN: indexer-opt %s --split-input-file --indexer-verify-dependent-launch \
// RUN:   | FileCheck %s
// RUN: indexer-opt %examples/head_gate.mlir --indexer-to-kernel=weights=static \
// RUN:   | FileCheck %s --check-prefix=OURS
// RUN: indexer-opt %S/tma-wgmma-kernel.mlir --split-input-file \
// RUN:   --indexer-generate-kernels --indexer-verify-dependent-launch \
// RUN:   | FileCheck %s --check-prefix=TMA

// What is accepted: all of it is as it was, and every family of ours.

// CHECK-COUNT-3: gpu.func @gate_kernel
// OURS: static_operands = array<i64: 1>
// OURS: gpu.func @{{.*}}register_mma
// OURS: gpu.func @{{.*}}cp_async_wgmma
// OURS: gpu.func @{{.*}}tma_wgmma
// TMA: starts_early = true, static_operands = array<i64: 1>
// TMA: nvvm.griddepcontrol wait

// The weight comes first; addresses may be computed at any time.

module attributes {gpu.container_module} {
  func.func private @gate(tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    attributes {indexer.kernels = @gate_kernels,
      indexer.extents = [array<i64: 0, 0>, 8, 64], indexer.scalars = array<i64>,
      indexer.launch = [{alignment = 16 : i64, cluster = 1 : i64, family = "dot",
        heads_first = false, kernel = "gate_kernel", min_tokens = 1 : i64,
        order = "fma", parameters = [#indexer.parameter<pointer 0>,
          #indexer.parameter<pointer 1>, #indexer.parameter<pointer 2>,
          #indexer.parameter<extent 0>],
        shared_bytes = 0 : i64, split = 1 : i64, starts_early = true,
        static_operands = array<i64: 1>, threads = 32 : i64, tile_h = 1 : i64,
        tile_t = 1 : i64}]}
  gpu.module @gate_kernels {
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %row = llvm.getelementptr %weight[%tokens]
          : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      %w = llvm.load %row : !llvm.ptr<1> -> f32
      %start = llvm.getelementptr %x[%tokens]
          : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      // Nobody can see it: L2 is where the writes of all kernels meet.
      nvvm.prefetch level = L2, %start : !llvm.ptr<1>
      nvvm.griddepcontrol wait
      %v = llvm.load %start : !llvm.ptr<1> -> f32
      %p = arith.mulf %v, %w : f32
      llvm.store %p, %gate : f32, !llvm.ptr<1>
      gpu.return
    }
  }
}

// -----

// Through loops and branches: a wait holds for what it dominates.

module attributes {gpu.container_module} {
  func.func private @gate(tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    attributes {indexer.kernels = @gate_kernels,
      indexer.extents = [array<i64: 0, 0>, 8, 64], indexer.scalars = array<i64>,
      indexer.launch = [{alignment = 16 : i64, cluster = 1 : i64, family = "dot",
        heads_first = false, kernel = "gate_kernel", min_tokens = 1 : i64,
        order = "fma", parameters = [#indexer.parameter<pointer 0>,
          #indexer.parameter<pointer 1>, #indexer.parameter<pointer 2>,
          #indexer.parameter<extent 0>],
        shared_bytes = 0 : i64, split = 1 : i64, starts_early = true,
        static_operands = array<i64: 1>, threads = 32 : i64, tile_h = 1 : i64,
        tile_t = 1 : i64}]}
  gpu.module @gate_kernels {
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %isFirst = arith.cmpi eq, %tokens, %tokens : i64
      %end = scf.for %i = %c0 to %c1 step %c1 iter_args(%at = %weight)
          -> !llvm.ptr<1> {
        %w = llvm.load %at : !llvm.ptr<1> -> f32
        %next = llvm.getelementptr %at[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
        scf.yield %next : !llvm.ptr<1>
      }
      %last = llvm.load %end : !llvm.ptr<1> -> f32
      scf.if %isFirst {
        nvvm.griddepcontrol wait
        %v = llvm.load %x : !llvm.ptr<1> -> f32
      }
      gpu.return
    }
  }
}

// -----

// Kernels that do not start early need not wait.

module attributes {gpu.container_module} {
  func.func private @gate(tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    attributes {indexer.kernels = @gate_kernels,
      indexer.extents = [array<i64: 0, 0>, 8, 64], indexer.scalars = array<i64>,
      indexer.launch = [{alignment = 16 : i64, cluster = 1 : i64, family = "dot",
        heads_first = false, kernel = "gate_kernel", min_tokens = 1 : i64,
        order = "fma", parameters = [#indexer.parameter<pointer 0>,
          #indexer.parameter<pointer 1>, #indexer.parameter<pointer 2>,
          #indexer.parameter<extent 0>],
        shared_bytes = 0 : i64, split = 1 : i64, starts_early = false,
        static_operands = array<i64: 1>, threads = 32 : i64, tile_h = 1 : i64,
        tile_t = 1 : i64}]}
  gpu.module @gate_kernels {
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %v = llvm.load %x : !llvm.ptr<1> -> f32
      gpu.return
    }
  }
}
