// RUN: indexer-opt %s --indexer-serialize-kernels=format=isa | FileCheck %s

module attributes {gpu.container_module} {

// The user's functions stay as they are.
// CHECK-LABEL: func.func @user
// CHECK-NEXT: %[[Y:.+]] = tensor.cast %{{.+}} : tensor<4xf32> to tensor<?xf32>
// CHECK-NEXT: return %[[Y]]
func.func @user(%x: tensor<4xf32>) -> tensor<?xf32> {
  %y = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}

// The binary has the module's name, one object, and the PTX that the target
// asks for: version 8.6, the chip with its suffix, and the kernel as an entry.
// CHECK-LABEL: gpu.binary @kernels
// CHECK-SAME: [#gpu.object<#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">
// CHECK-SAME: properties = {LLVMIRToISATimeInMs = {{[0-9]+}} : i64, O = 3 : i32}
// CHECK-SAME: assembly = "
// CHECK-SAME: .version 8.6
// CHECK-SAME: .target sm_90a
// CHECK-SAME: .visible .entry store_factor(
// CHECK-SAME: mul.rn.f32
// CHECK-SAME: add.rn.f32
// CHECK-SAME: ">]
gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">] {
  // Without the contract flag, the two roundings of the source are kept.
  llvm.func @store_factor(%p: !llvm.ptr<1>, %a: f32, %b: f32)
      attributes {nvvm.kernel} {
    %0 = llvm.fmul %a, %b : f32
    %1 = llvm.fadd %0, %b : f32
    llvm.store %1, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}

// A module without a target is left to others.
// CHECK-LABEL: gpu.module @no_serialize_without_target
gpu.module @no_serialize_without_target {
}

}
