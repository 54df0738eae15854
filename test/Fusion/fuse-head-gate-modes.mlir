// The modes that change bits: without them nothing is reordered or dropped.

// RUN: indexer-opt %s --indexer-fuse-head-gate="scalars=keep" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: indexer-opt %s --indexer-fuse-head-gate="scalars=fold" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FOLD
// RUN: indexer-opt %s --indexer-fuse-head-gate="allow-precision" \
// RUN:   | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: indexer-opt %s --indexer-fuse-head-gate="allow-precision scalars=fold" \
// RUN:   --remarks-filter='indexer-.*' --remark-format=emitRemark 2>&1 >/dev/null \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: not indexer-opt %s --indexer-fuse-head-gate="scalars=drop" 2>&1 \
// RUN:   | FileCheck %s --check-prefix=ERROR

// ERROR: drop

// REMARK: Function=two_constants | Remark="fused 4 ops into one linalg.generic: 2 scalar ops of the sum, 1 operands and 1 scalars; 1 constants folded into others"
// REMARK: Function=product_of_constants | Remark="fused 3 ops into one linalg.generic: 2 scalar ops of the sum, 1 operands and 1 scalars; 2 constants folded into others"
// REMARK: Function=constant_used_twice
// REMARK: Function=rounded | Remark="fused 5 ops into one linalg.generic: 2 scalar ops of the sum, 1 operands and 1 scalars; 2 roundings to less than f32 dropped"
// REMARK: Function=bf16_accumulation | Remark="fused 3 ops into one linalg.generic: 1 scalar ops of the sum, 1 operands and 0 scalars; 1 roundings to less than f32 dropped"
// REMARK: Function=division_is_no_product
// REMARK-NOT: folded
// REMARK: Function=sum_without_wide_form | Reason="bf16-accumulation:
// REMARK: Function=no_wide_form | Remark="fused 5 ops into one linalg.generic: 4 scalar ops of the sum, 0 operands and 0 scalars"

// GLM's scalars as torch-mlir writes them: 32^-0.5 * 128^-0.5 is 1/64.
// CHECK-LABEL: func.func @two_constants(
// KEEP-DAG:      %[[A:.+]] = arith.constant 0.176776692 : f32
// KEEP-DAG:      %[[B:.+]] = arith.constant 0.0883883461 : f32
// KEEP:            %[[SUM:.+]] = arith.addf
// KEEP-NEXT:       %[[G0:.+]] = arith.mulf %[[SUM]], %[[A]]
// KEEP-NEXT:       %[[G1:.+]] = arith.mulf %[[G0]], %
// KEEP-NEXT:       arith.mulf %[[G1]], %[[B]]
// FOLD:          %[[AB:.+]] = arith.constant 1.562500e-02 : f32
// FOLD:            %[[SUM:.+]] = arith.addf
// FOLD-NEXT:       %[[G0:.+]] = arith.mulf %[[SUM]], %[[AB]]
// FOLD-NEXT:       %[[G1:.+]] = arith.mulf %[[G0]], %
// FOLD-NEXT:       linalg.yield %[[SUM]], %[[G1]]
func.func @two_constants(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                         %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %ad = arith.constant dense<0.17677669529663687> : tensor<4x8xf64>
  %bd = arith.constant dense<0.088388347648318447> : tensor<4x8xf64>
  %a = arith.truncf %ad : tensor<4x8xf64> to tensor<4x8xf32>
  %b = arith.truncf %bd : tensor<4x8xf64> to tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s, %a : tensor<4x8xf32>
  %g1 = arith.mulf %g0, %q : tensor<4x8xf32>
  %g2 = arith.mulf %g1, %b : tensor<4x8xf32>
  return %g2 : tensor<4x8xf32>
}

// A product of constants as a factor: all of it goes into the first constant.
// CHECK-LABEL: func.func @product_of_constants(
// FOLD:          %[[ABC:.+]] = arith.constant 2.400000e+01 : f32
// FOLD:            %[[SUM:.+]] = arith.addf
// FOLD-NEXT:       %[[G0:.+]] = arith.mulf %[[SUM]], %[[ABC]]
// FOLD-NEXT:       %[[G1:.+]] = arith.mulf %[[G0]], %
// FOLD-NEXT:       linalg.yield %[[SUM]], %[[G1]]
func.func @product_of_constants(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                                %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant dense<2.0> : tensor<4x8xf32>
  %b = arith.constant dense<3.0> : tensor<4x8xf32>
  %c = arith.constant dense<4.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s, %a : tensor<4x8xf32>
  %bc = arith.mulf %b, %c : tensor<4x8xf32>
  %qbc = arith.mulf %q, %bc : tensor<4x8xf32>
  %g1 = arith.mulf %g0, %qbc : tensor<4x8xf32>
  return %g1 : tensor<4x8xf32>
}

// Constants on the two sides of an addition are of different products.
// CHECK-LABEL: func.func @constant_used_twice(
// FOLD-DAG:      %[[A:.+]] = arith.constant 2.000000e+00 : f32
// FOLD-DAG:      %[[B:.+]] = arith.constant 3.000000e+00 : f32
// FOLD:            %[[SUM:.+]] = arith.addf
// FOLD-NEXT:       %[[G0:.+]] = arith.mulf %[[SUM]], %[[A]]
// FOLD-NEXT:       %[[G1:.+]] = arith.addf %[[G0]], %
// FOLD-NEXT:       arith.mulf %[[G1]], %[[B]]
func.func @constant_used_twice(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                               %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant dense<2.0> : tensor<4x8xf32>
  %b = arith.constant dense<3.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s, %a : tensor<4x8xf32>
  %g1 = arith.addf %g0, %q : tensor<4x8xf32>
  %g2 = arith.mulf %g1, %b : tensor<4x8xf32>
  return %g2 : tensor<4x8xf32>
}

// sglang S5: the product and its scale are rounded to bf16.
// CHECK-LABEL: func.func @rounded(
// KEEP:            arith.truncf %{{.+}} : f32 to bf16
// KEEP-NEXT:       arith.mulf %{{.+}}, %{{.+}} : bf16
// KEEP-NEXT:       arith.extf %{{.+}} : bf16 to f32
// WIDE:          %[[A:.+]] = arith.constant 3.000000e+00 : bf16
// WIDE:          %[[AF:.+]] = arith.extf %[[A]] : bf16 to f32
// WIDE:            %[[SUM:.+]] = arith.addf
// WIDE-NEXT:       %[[G0:.+]] = arith.mulf %[[SUM]], %[[AF]] : f32
// WIDE-NEXT:       %[[G1:.+]] = arith.mulf %[[G0]], %{{.+}} : f32
// WIDE-NEXT:       linalg.yield %[[SUM]], %[[G1]]
func.func @rounded(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                   %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant dense<3.0> : tensor<4x8xbf16>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = arith.truncf %s : tensor<4x8xf32> to tensor<4x8xbf16>
  %g0 = arith.mulf %r, %a : tensor<4x8xbf16>
  %g1 = arith.extf %g0 : tensor<4x8xbf16> to tensor<4x8xf32>
  %g2 = arith.mulf %g1, %q : tensor<4x8xf32>
  return %g2 : tensor<4x8xf32>
}

// JAX's plain bf16 dot: fused only when the user accepts a more exact sum.
// CHECK-LABEL: func.func @bf16_accumulation(
// KEEP-NOT:      linalg.generic
// WIDE:          linalg.generic
// WIDE:            arith.extf %{{.+}} : bf16 to f32
// WIDE:            arith.extf %{{.+}} : bf16 to f32
// WIDE:            %[[SUM:.+]] = arith.addf
// WIDE-NEXT:       arith.mulf %[[SUM]], %{{.+}} : f32
// CHECK:         return
func.func @bf16_accumulation(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
                             %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xbf16>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %f = arith.extf %s : tensor<4x8xbf16> to tensor<4x8xf32>
  %g = arith.mulf %f, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// A division is not folded into a product: it has a rounding of its own.
// CHECK-LABEL: func.func @division_is_no_product(
// FOLD:            %[[SUM:.+]] = arith.addf
// FOLD-NEXT:       %[[G0:.+]] = arith.mulf %[[SUM]], %{{.+}} : f32
// FOLD-NEXT:       arith.divf %[[G0]], %{{.+}} : f32
func.func @division_is_no_product(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %a = arith.constant dense<2.0> : tensor<4x8xf32>
  %b = arith.constant dense<3.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g0 = arith.mulf %s, %a : tensor<4x8xf32>
  %g1 = arith.divf %g0, %b : tensor<4x8xf32>
  return %g1 : tensor<4x8xf32>
}

// A bf16 sum whose bits are looked at cannot become an f32 sum.
// CHECK-LABEL: func.func @sum_without_wide_form(
// WIDE-NOT:      linalg.generic
// WIDE:          arith.bitcast %{{.+}} : tensor<4x8xbf16> to tensor<4x8xf16>
func.func @sum_without_wide_form(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xbf16>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %b = arith.bitcast %s : tensor<4x8xbf16> to tensor<4x8xf16>
  %g = arith.extf %b : tensor<4x8xf16> to tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// The bits of a bf16 number are of that type alone: its rounding stays.
// CHECK-LABEL: func.func @no_wide_form(
// WIDE:            arith.truncf %{{.+}} : f32 to bf16
// WIDE-NEXT:       arith.bitcast %{{.+}} : bf16 to f16
func.func @no_wide_form(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = arith.truncf %s : tensor<4x8xf32> to tensor<4x8xbf16>
  %b = arith.bitcast %r : tensor<4x8xbf16> to tensor<4x8xf16>
  %n = arith.negf %b : tensor<4x8xf16>
  %g = arith.extf %n : tensor<4x8xf16> to tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}
