// A corrupted epilogue is seen: what runs is compared with the chain as the
// frontend gave it.

// RUN: indexer-opt %examples/head_gate.mlir --indexer-fuse -o %t.right.mlir
// RUN: indexer-run %t.right.mlir --reference %examples/head_gate.mlir \
// RUN:   --device cpu --tokens 1,17 | FileCheck %s --check-prefix=RIGHT
// RIGHT-COUNT-2: agrees

// The factor softmax_scale is added instead of multiplied.
// RUN: sed -e 's/arith.mulf \(%[0-9]*\), %arg4/arith.addf \1, %arg4/' \
// RUN:   %t.right.mlir > %t.wrong.mlir
// RUN: not diff %t.right.mlir %t.wrong.mlir
// RUN: not indexer-run %t.wrong.mlir --reference %examples/head_gate.mlir \
// RUN:   --device cpu --tokens 1,17 | FileCheck %s --check-prefix=WRONG
// WRONG: 1 {{.*}} 64 DIFFER
// WRONG: 17 {{.*}} DIFFER

// One factor is applied to the wrong operand: head_scale twice.
// RUN: sed -e 's/\(arith.mulf %[0-9]*\), %arg4/\1, %arg3/' \
// RUN:   %t.right.mlir > %t.twice.mlir
// RUN: not indexer-run %t.twice.mlir --reference %examples/head_gate.mlir \
// RUN:   --device cpu --tokens 17 | FileCheck %s --check-prefix=TWICE
// TWICE: 17 {{.*}} DIFFER
