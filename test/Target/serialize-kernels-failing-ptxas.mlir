// RUN: rm -rf %t && mkdir -p %t
// RUN: env TMPDIR=%t not indexer-opt %s \
// RUN:   --indexer-serialize-kernels="format=bin ptxas=%S/Inputs/failing-ptxas.sh" \
// RUN:   2>&1 | FileCheck %s
// RUN: env TMPDIR=%t not indexer-opt %s \
// RUN:   --indexer-serialize-kernels="format=fatbin ptxas=%S/Inputs/failing-ptxas.sh" \
// RUN:   2>&1 | FileCheck %s --check-prefix=FATBIN
// RUN: not indexer-opt %s --indexer-serialize-kernels=format=elf 2>&1 \
// RUN:   | FileCheck %s --check-prefix=FORMAT

// Of all temporary files the PTX alone is kept.
// RUN: ls %t | FileCheck %s --check-prefix=KEPT

// CHECK: error: ptxas exited with status 255 for kernel '@head_gate' (sm_90a): ptxas fatal : Unresolved extern function 'missing'{{$}}
// CHECK: note: PTX kept in [[PTX:.+/kernels-.+\.ptx]]; to repeat: {{.+}}failing-ptxas.sh -arch=sm_90a [[PTX]]

// FATBIN: error: no fatbinary found for kernel module '@kernels': looked beside {{.+}}failing-ptxas.sh; use format=bin or format=isa

// FORMAT: error: option 'format' of 'indexer-serialize-kernels' got "elf"; accepted are isa, bin, fatbin

// KEPT-NOT: {{cubin|log}}
// KEPT: kernels-{{.+}}.ptx
// KEPT-NOT: {{cubin|log}}
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  llvm.func @head_gate() attributes {nvvm.kernel} {
    llvm.return
  }
}
