// A product that names the weight first keeps that order. (Upstream's
// --linalg-specialize-generic-ops would turn it round, so it stands alone.)

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

#x = affine_map<(t, h, d) -> (t, d)>
#w = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>

// CHECK-LABEL: func.func @swapped_product(
// CHECK:         ^bb0(%[[XE:.+]]: bf16, %[[WE:.+]]: f32, %{{.+}}: f32, %[[OLD:.+]]: f32, %{{.+}}: f32)
// CHECK:           %[[XF:.+]] = arith.extf %[[XE]]
// CHECK:           %[[P:.+]] = arith.mulf %[[WE]], %[[XF]]
// CHECK:           arith.addf %[[OLD]], %[[P]]
func.func @swapped_product(%x: tensor<4x16xbf16>, %w: tensor<8x16xf32>,
                           %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %z = tensor.splat %zero : tensor<4x8xf32>
  %s = linalg.generic {indexing_maps = [#x, #w, #th],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x16xbf16>, tensor<8x16xf32>)
      outs(%z : tensor<4x8xf32>) {
  ^bb0(%a: bf16, %b: f32, %sum: f32):
    %af = arith.extf %a : bf16 to f32
    %p = arith.mulf %b, %af : f32
    %n = arith.addf %p, %sum : f32
    linalg.yield %n : f32
  } -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}
