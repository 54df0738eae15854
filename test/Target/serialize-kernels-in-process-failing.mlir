// REQUIRES: nvptxcompiler
// RUN: rm -rf %t && mkdir -p %t
// RUN: env TMPDIR=%t not indexer-opt %s \
// RUN:   --indexer-serialize-kernels=format=bin 2>&1 | FileCheck %s
// RUN: ls %t | FileCheck %s --check-prefix=KEPT

// CHECK: error: nvptxcompiler failed with code 3 for kernel '@refused' (sm_90a): ptxas application ptx input, line {{[0-9]+}}; error : Not a name of any known instruction: 'bogus'
// CHECK: note: PTX kept in [[PTX:.+/kernels-.+\.ptx]]; to repeat: ptxas -arch=sm_90a [[PTX]]

// KEPT: kernels-{{.+}}.ptx
// KEPT-NOT: {{.}}
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.func @refused() attributes {nvvm.kernel} {
    llvm.inline_asm has_side_effects "bogus;", "" : () -> ()
    llvm.return
  }
}
