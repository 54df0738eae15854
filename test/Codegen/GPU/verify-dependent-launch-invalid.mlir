// RUN: indexer-opt %s --split-input-file --verify-diagnostics \
// RUN:   --indexer-verify-dependent-launch

// A load that has moved in front of the wait.

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %w = llvm.load %weight : !llvm.ptr<1> -> f32
      // expected-error @below {{'llvm.load' op touches operand 0 (x) before 'nvvm.griddepcontrol wait'; accepted there are static operands}}
      %v = llvm.load %x : !llvm.ptr<1> -> f32
      nvvm.griddepcontrol wait
      gpu.return
    }
  }
}

// -----

// The kernel in front may still be reading what this one overwrites.

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %zero = arith.constant 0.0 : f32
      // expected-error @below {{'llvm.store' op touches operand 2 (the gate) before 'nvvm.griddepcontrol wait'; accepted there are static operands}}
      llvm.store %zero, %gate : f32, !llvm.ptr<1>
      nvvm.griddepcontrol wait
      gpu.return
    }
  }
}

// -----

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %zero = arith.constant 0.0 : f32
      nvvm.griddepcontrol wait
      // expected-error @below {{'llvm.store' op stores to static operand 1 (weight), which other kernels may be reading}}
      llvm.store %zero, %weight : f32, !llvm.ptr<1>
      gpu.return
    }
  }
}

// -----

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
    // expected-error @below {{'gpu.func' op starts before the end of the kernel in front of it ('indexer.launch' has 'starts_early') and never waits for it, expected a 'nvvm.griddepcontrol wait'}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %w = llvm.load %weight : !llvm.ptr<1> -> f32
      gpu.return
    }
  }
}

// -----

// Only some threads have waited.

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %isFirst = arith.cmpi eq, %tokens, %tokens : i64
      scf.if %isFirst {
        nvvm.griddepcontrol wait
      }
      // expected-error @below {{'llvm.load' op touches operand 0 (x) before 'nvvm.griddepcontrol wait'; accepted there are static operands}}
      %v = llvm.load %x : !llvm.ptr<1> -> f32
      gpu.return
    }
  }
}

// -----

// It may be x.

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %isFirst = arith.cmpi eq, %tokens, %tokens : i64
      %either = arith.select %isFirst, %weight, %x : !llvm.ptr<1>
      // expected-error @below {{'llvm.load' op touches operand 0 (x) before 'nvvm.griddepcontrol wait'; accepted there are static operands}}
      %v = llvm.load %either : !llvm.ptr<1> -> f32
      nvvm.griddepcontrol wait
      gpu.return
    }
  }
}

// -----

// Whatever the op is.

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      // expected-error @below {{'nvvm.inline_ptx' op touches operand 0 (x) before 'nvvm.griddepcontrol wait'; accepted there are static operands}}
      %v = nvvm.inline_ptx "ld.global.b32 {$w0}, [{$r0}];" ro(%x : !llvm.ptr<1>)
          -> i32
      nvvm.griddepcontrol wait
      gpu.return
    }
  }
}

// -----

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
    // expected-note @below {{in kernel '@gate_kernel', which starts before the end of the kernel in front of it}}
    gpu.func @gate_kernel(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      %start = llvm.inttoptr %tokens : i64 to !llvm.ptr
      // expected-error @below {{'llvm.load' op touches global memory that is not known to be of a static operand, before 'nvvm.griddepcontrol wait'}}
      %v = llvm.load %start : !llvm.ptr -> f32
      nvvm.griddepcontrol wait
      gpu.return
    }
  }
}

// -----

module attributes {gpu.container_module} {
  // expected-error @below {{'func.func' op names kernel 'gate_kernel', which is not in a gpu.module '@gate_kernels'}}
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
    gpu.func @other(%x: !llvm.ptr<1>, %weight: !llvm.ptr<1>,
        %gate: !llvm.ptr<1>, %tokens: i64) kernel {
      gpu.return
    }
  }
}
