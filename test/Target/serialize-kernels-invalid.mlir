// RUN: indexer-opt %s --split-input-file --verify-diagnostics \
// RUN:   --indexer-serialize-kernels="format=bin ptxas=/nonexistent/ptxas"

// LLVM would take a default for a chip that it does not know, or end the
// process.
// expected-error@+1 {{the target of kernel module '@unknown_chip' has chip "sm_75"; accepted are sm_80, sm_89, sm_90a, sm_100a, sm_120a}}
gpu.module @unknown_chip [#nvvm.target<chip = "sm_75">] {
}

// -----

// expected-error@+1 {{the target of kernel module '@old_ptx' has features "+ptx70"; accepted is one PTX version of LLVM 22 from +ptx80 to +ptx90}}
gpu.module @old_ptx [#nvvm.target<chip = "sm_90a", features = "+ptx70">] {
}

// -----

// expected-error@+1 {{the target of kernel module '@odd_feature' has features "+avx2"; accepted is one PTX version of LLVM 22 from +ptx87 to +ptx90}}
gpu.module @odd_feature [#nvvm.target<chip = "sm_120a", features = "+avx2">] {
}

// -----

// expected-error@+1 {{the target of kernel module '@fast' has link files or flags; accepted are O, chip and features}}
gpu.module @fast [#nvvm.target<chip = "sm_90a", flags = {fast}>] {
}

// -----

// NVVM's verifier is switched off in this target; the table still knows.
gpu.module @wgmma_elsewhere
    [#nvvm.target<chip = "sm_100a", features = "+ptx86", verifyTarget = false>] {
  llvm.func @k() attributes {nvvm.kernel} {
    // expected-error@+1 {{'nvvm.wgmma.fence.aligned' needs sm_90a; kernel module '@wgmma_elsewhere' is for sm_100a}}
    nvvm.wgmma.fence.aligned
    llvm.return
  }
}

// -----

// Without the check, LLVM stops the process: "Cannot select".
gpu.module @elect_too_early [#nvvm.target<chip = "sm_80", features = "+ptx80">] {
  llvm.func @k() attributes {nvvm.kernel} {
    // expected-error@+1 {{'nvvm.elect.sync' needs sm_90 or later; kernel module '@elect_too_early' is for sm_80}}
    %0 = nvvm.elect.sync -> i1
    llvm.return
  }
}

// -----

gpu.module @cluster_too_early [#nvvm.target<chip = "sm_89", features = "+ptx80">] {
  // expected-error@+1 {{'nvvm.cluster_dim' needs sm_90 or later; kernel module '@cluster_too_early' is for sm_89}}
  llvm.func @k() attributes {nvvm.kernel, nvvm.cluster_dim = array<i32: 2, 1, 1>} {
    llvm.return
  }
}

// -----

gpu.module @unresolved [#nvvm.target<chip = "sm_90a">] {
  // expected-error@+1 {{function '@gate_epilogue' of kernel module '@unresolved' has no body; accepted are functions with a body, those of libdevice, and the driver's: vprintf, malloc, free, __assertfail}}
  llvm.func @gate_epilogue(f32) -> f32
  llvm.func @k(%p: !llvm.ptr<1>, %x: f32) attributes {nvvm.kernel} {
    %y = llvm.call @gate_epilogue(%x) : (f32) -> f32
    llvm.store %y, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}

// -----

// expected-error@+1 {{no ptxas found for kernel module '@no_assembler': looked at /nonexistent/ptxas; install a CUDA toolkit or pass ptxas=PATH, or use format=isa}}
gpu.module @no_assembler [#nvvm.target<chip = "sm_90a">] {
}


// -----

// A kernel that was not lowered is one error.
gpu.module @not_lowered [#nvvm.target<chip = "sm_90a">] {
  // expected-error@+1 {{'gpu.func' in kernel module '@not_lowered' is not lowered; accepted are ops of llvm and nvvm, as indexer-lower-kernels-to-nvvm makes them}}
  gpu.func @k() kernel {
    gpu.return
  }
}
