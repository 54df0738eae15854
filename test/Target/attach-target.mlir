// RUN: indexer-opt %s --indexer-attach-target=chip=sm_80 \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: indexer-opt %s --indexer-attach-target=chip=sm_89 \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM89
// RUN: indexer-opt %s --indexer-attach-target \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM90
// RUN: indexer-opt %s --indexer-attach-target=chip=sm_100a \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM100
// RUN: indexer-opt %s --indexer-attach-target=chip=sm_120a \
// RUN:   | FileCheck %s --check-prefixes=CHECK,SM120
// RUN: not indexer-opt %s --indexer-attach-target=chip=sm_75 2>&1 \
// RUN:   | FileCheck %s --check-prefix=INVALID

// INVALID: error: option 'chip' of 'indexer-attach-target' got "sm_75"; accepted are sm_80, sm_89, sm_90a, sm_100a, sm_120a{{$}}

// Each chip brings the PTX version of the table.
// CHECK-LABEL: gpu.module @without_target
// SM80-SAME:  [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx80">]
// SM89-SAME:  [#nvvm.target<O = 3, chip = "sm_89", features = "+ptx80">]
// SM90-SAME:  [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">]
// SM100-SAME: [#nvvm.target<O = 3, chip = "sm_100a", features = "+ptx86">]
// SM120-SAME: [#nvvm.target<O = 3, chip = "sm_120a", features = "+ptx87">]
gpu.module @without_target {
}

// A target written by hand is what the user wants.
// CHECK-LABEL: gpu.module @with_target
// CHECK-SAME: [#nvvm.target<chip = "sm_90a", features = "+ptx83">]
gpu.module @with_target [#nvvm.target<chip = "sm_90a", features = "+ptx83">] {
}
