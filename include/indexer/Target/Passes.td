//===- Passes.td - Passes of the Target stage --------------*- tablegen -*-===//
//
// Part of the indexer project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INDEXER_TARGET_PASSES
#define INDEXER_TARGET_PASSES

include "mlir/Pass/PassBase.td"

def AttachTarget : Pass<"indexer-attach-target", "mlir::ModuleOp"> {
  let summary = "Attach the NVVM target of a chip to every kernel module";
  let description = [{
    *Matches*: every `gpu.module` without targets.

    *Produces*: the same module with
    `#nvvm.target<O = 3, chip = ..., features = ...>`, the features being the
    PTX version of the chip's entry in the table of chips.

    *Declines*: nothing; a module that has targets keeps them. A chip that is
    not in the table is an error.

    *Numerics*: bit-identical.

    *Options*: `chip` (name, default `sm_90a`).

    *Example*: `test/Target/attach-target.mlir`.
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_90a\"",
           "Chip of the kernels: sm_80, sm_89, sm_90a, sm_100a or sm_120a">
  ];
  let dependentDialects = ["mlir::gpu::GPUDialect", "mlir::NVVM::NVVMDialect"];
}

def LowerKernelsToNVVM
    : Pass<"indexer-lower-kernels-to-nvvm", "mlir::gpu::GPUModuleOp"> {
  let summary = "Lower kernels to the NVVM and LLVM dialects";
  let description = [{
    *Matches*: a `gpu.module` whose functions use gpu, arith, scf, cf, memref,
    math, vector, nvvm and llvm ops.

    *Produces*: the same module with `llvm.func`s only; a `gpu.func kernel`
    becomes an `llvm.func` with `nvvm.kernel`. It is a fixed list of upstream
    passes: convert-scf-to-cf, convert-gpu-to-nvvm, convert-nvvm-to-llvm,
    reconcile-unrealized-casts, canonicalize, cse. Square roots are
    `llvm.intr.sqrt` afterwards. The parameters that `indexer.tensor_maps` of a
    kernel names become tensor maps: 128 bytes by value, aligned to 64, with
    `nvvm.grid_constant`.

    *Declines*: nothing; an op without a lowering is an error of the upstream
    pass.

    *Numerics*: bit-identical; no fast-math flag is added. Functions of `math`
    other than the square root are libdevice's (docs/numerics.md).

    *Options*: none.

    *Example*: `test/Target/lower-kernels-to-nvvm.mlir`.
  }];
  let dependentDialects = [
    "mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect",
    "mlir::cf::ControlFlowDialect"
  ];
}

def SerializeKernels : Pass<"indexer-serialize-kernels", "mlir::ModuleOp"> {
  let summary = "Serialize kernel modules to PTX, cubin or fatbin";
  let description = [{
    *Matches*: every `gpu.module` with NVVM targets, in the LLVM and NVVM
    dialects.

    *Produces*: a `gpu.binary` of the same name in its place, with one
    `#gpu.object` for each target: Assembly for `isa`, Binary for `bin`, Fatbin
    for `fatbin`; with `keep-ptx`, an Assembly object follows each of the last
    two. The object's properties hold `O`, the milliseconds of LLVM and of the
    assembler (`LLVMIRToISATimeInMs`, `ISAToBinaryTimeInMs`, as upstream names
    them), and, when the assembler ran, its version (`assembler`) and the
    figures of each kernel (`resources`: `registers`, `spill_bytes`,
    `shared_bytes`). Nothing else of the module is touched. An analysis remark
    (category `indexer-codegen`) tells the figures of each kernel; a warning of
    the assembler is one here.

    *Declines*: a `gpu.module` without targets stays as it is. Errors: a chip
    outside the table, a PTX version below the chip's, an instruction that the
    chip lacks, a called function without a body, no assembler (with
    `ptx-fallback`: a warning, and Assembly objects), a failing assembler, no
    libdevice where one of its functions (from an op of math) is called.

    *Numerics*: bit-identical up to the `contract` flags of the input: LLVM
    makes one fused multiply-add of a multiplication and an addition that both
    have the flag, and only of those.

    *Options*: `format` (`isa`, `bin` or `fatbin`, default `isa`); `ptxas`
    (path, default: for `bin` NVIDIA's PTX compiler in this process where the
    build has it, else nvJitLink where it can be opened, else the program in
    PATH, `$CUDA_HOME/bin`, `/usr/local/cuda/bin`, then the path given when the
    project was configured; docs/assembler.md); `keep-ptx`,
    `ptx-fallback` (default false).

    *Example*: `test/Target/serialize-kernels.mlir`.
  }];
  let options = [
    Option<"format", "format", "std::string", "\"isa\"",
           "What to make: isa (PTX), bin (cubin) or fatbin">,
    Option<"ptxas", "ptxas", "std::string", "\"\"",
           "Path of ptxas; empty to look for it">,
    Option<"keepPtx", "keep-ptx", "bool", "false",
           "Add the PTX as a second object beside a cubin or fatbin">,
    Option<"ptxFallback", "ptx-fallback", "bool", "false",
           "Make PTX, with a warning, where no assembler is found">
  ];
  let dependentDialects = [
    "mlir::gpu::GPUDialect", "mlir::LLVM::LLVMDialect",
    "mlir::NVVM::NVVMDialect"
  ];
}

#endif // INDEXER_TARGET_PASSES
