// Every pipeline that makes kernels hands its options on to the choice of
// schedules.

// RUN: indexer-opt %examples/head_gate.mlir -o /dev/null \
// RUN:   --indexer-to-kernel="weights=static batch-invariant=true sm-budget=100" \
// RUN:   --dump-pass-pipeline 2>&1 | FileCheck %s
// RUN: indexer-opt %examples/head_gate.mlir -o /dev/null \
// RUN:   --indexer-to-nvvm="weights=static batch-invariant=true sm-budget=100" \
// RUN:   --dump-pass-pipeline 2>&1 | FileCheck %s
// RUN: indexer-opt %examples/head_gate.mlir -o /dev/null \
// RUN:   --indexer-to-cubin="weights=static batch-invariant=true sm-budget=100 format=isa" \
// RUN:   --dump-pass-pipeline 2>&1 | FileCheck %s
// CHECK:      indexer-select-schedule{batch-invariant=true chip=sm_90a sm-budget=100 weights=static}
// CHECK-NEXT: indexer-verify-schedule{batch-invariant=true}
// CHECK:      indexer-generate-kernels
// CHECK-NEXT: indexer-verify-dependent-launch

// RUN: not indexer-opt %examples/head_gate.mlir --indexer-to-nvvm=weights=frozen \
// RUN:   2>&1 | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS: error: option 'weights' of 'indexer-select-schedule' got "frozen"; accepted are dependent, static
