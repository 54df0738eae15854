// One GEMM makes keys and gates of the same x: its result is sliced by columns.
// Each slice becomes a fused op that reads its rows of the weight.

// RUN: indexer-opt %s --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-generalize-named-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --linalg-specialize-generic-ops --indexer-fuse | FileCheck %s
// RUN: indexer-opt %s --indexer-fuse -o %t.once.mlir
// RUN: indexer-opt %t.once.mlir --indexer-fuse | diff %t.once.mlir -

// CHECK-DAG: #[[$X:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$TH:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// TensorRT-LLM: f32 all the way. The keys are the plain sum.
// CHECK-LABEL: func.func @f32_keys(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x16xf32>, %[[W:[^:]+]]: tensor<40x16xf32>, %[[Q:[^:]+]]: tensor<4x8xf32>
// CHECK-DAG:     %[[WK:.+]] = tensor.extract_slice %[[W]][0, 0] [32, 16] [1, 1]
// CHECK:         %[[KEYS:.+]]:2 = linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$X]], #[[$W]], #[[$TH]], #[[$TH]]]
// CHECK-SAME:      ins(%[[X]], %[[WK]] :
// CHECK:           linalg.yield %[[S:.+]], %[[S]] : f32, f32
// CHECK:         %[[WG:.+]] = tensor.extract_slice %[[W]][32, 0] [8, 16] [1, 1]
// CHECK:         %[[GATE:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WG]], %[[Q]] :
// CHECK:         return %[[KEYS]]#1, %[[GATE]]#1
func.func @f32_keys(%x: tensor<4x16xf32>, %w: tensor<40x16xf32>,
                    %q: tensor<4x8xf32>) -> (tensor<4x32xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x40xf32>
  %s = linalg.matmul
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%x, %w : tensor<4x16xf32>, tensor<40x16xf32>)
      outs(%z : tensor<4x40xf32>) -> tensor<4x40xf32>
  %k = tensor.extract_slice %s[0, 0] [4, 32] [1, 1]
      : tensor<4x40xf32> to tensor<4x32xf32>
  %l = tensor.extract_slice %s[0, 32] [4, 8] [1, 1]
      : tensor<4x40xf32> to tensor<4x8xf32>
  %g = arith.mulf %l, %q : tensor<4x8xf32>
  return %k, %g : tensor<4x32xf32>, tensor<4x8xf32>
}

// sglang and vLLM: the product is rounded to bf16 before it is sliced. The keys
// come out as the same bf16 values.
// CHECK-LABEL: func.func @bf16_keys(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<?x16xbf16>, %[[W:[^:]+]]: tensor<16x40xbf16>
// CHECK:         %[[WK:.+]] = tensor.extract_slice %[[W]][0, 0] [16, 32] [1, 1]
// CHECK:         %[[KEYS:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WK]] :
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[ROUNDED:.+]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK-NEXT:      arith.extf %[[ROUNDED]] : bf16 to f32
// CHECK-NEXT:      linalg.yield
// CHECK:         %[[K:.+]] = arith.truncf %[[KEYS]]#1 : tensor<?x32xf32> to tensor<?x32xbf16>
// CHECK:         %[[WG:.+]] = tensor.extract_slice %[[W]][0, 32] [16, 8] [1, 1]
// CHECK:         %[[GATE:.+]]:2 = linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WG]], %{{.+}} :
// CHECK:           %[[SUM:.+]] = arith.addf
// CHECK-NEXT:      %[[ROUNDED:.+]] = arith.truncf %[[SUM]] : f32 to bf16
// CHECK-NEXT:      %[[G:.+]] = arith.extf %[[ROUNDED]] : bf16 to f32
// CHECK-NEXT:      arith.mulf %[[G]]
// CHECK:         return %[[K]], %[[GATE]]#1
func.func @bf16_keys(%x: tensor<?x16xbf16>, %w: tensor<16x40xbf16>,
                     %q: tensor<?x8xf32>, %init: tensor<?x40xf32>)
    -> (tensor<?x32xbf16>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %f = linalg.fill ins(%zero : f32) outs(%init : tensor<?x40xf32>) -> tensor<?x40xf32>
  %s = linalg.matmul ins(%x, %w : tensor<?x16xbf16>, tensor<16x40xbf16>)
                     outs(%f : tensor<?x40xf32>) -> tensor<?x40xf32>
  %r = arith.truncf %s : tensor<?x40xf32> to tensor<?x40xbf16>
  %t = tensor.dim %r, %c0 : tensor<?x40xbf16>
  %k = tensor.extract_slice %r[0, 0] [%t, 32] [1, 1]
      : tensor<?x40xbf16> to tensor<?x32xbf16>
  %l = tensor.extract_slice %r[0, 32] [%t, 8] [1, 1]
      : tensor<?x40xbf16> to tensor<?x8xbf16>
  %lf = arith.extf %l : tensor<?x8xbf16> to tensor<?x8xf32>
  %g = arith.mulf %lf, %q : tensor<?x8xf32>
  return %k, %g : tensor<?x32xbf16>, tensor<?x8xf32>
}

// Nobody reads the keys.
// CHECK-LABEL: func.func @gate_only(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x16xf32>, %[[W:[^:]+]]: tensor<16x40xf32>
// CHECK:         %[[WG:.+]] = tensor.extract_slice %[[W]][0, 32] [16, 8] [1, 1]
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]], %[[WG]], %{{.+}} :
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @gate_only(%x: tensor<4x16xf32>, %w: tensor<16x40xf32>,
                     %q: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x40xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xf32>, tensor<16x40xf32>)
                     outs(%z : tensor<4x40xf32>) -> tensor<4x40xf32>
  %l = tensor.extract_slice %s[0, 32] [4, 8] [1, 1]
      : tensor<4x40xf32> to tensor<4x8xf32>
  %g = arith.mulf %l, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// Three slices, as in a projection that is merged with QKV; one is one column.
// CHECK-LABEL: func.func @three_slices(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x4x16xbf16>, %[[W:[^:]+]]: tensor<16x41xbf16>
// CHECK-DAG:     tensor.extract_slice %[[W]][0, 0] [16, 32] [1, 1]
// CHECK-DAG:     tensor.extract_slice %[[W]][0, 32] [16, 8] [1, 1]
// CHECK-DAG:     tensor.extract_slice %[[W]][0, 40] [16, 1] [1, 1]
// CHECK:         return %{{.+}}, %{{.+}}, %{{.+}} : tensor<2x4x32xf32>, tensor<2x4x8xf32>, tensor<2x4xf32>
func.func @three_slices(%x: tensor<2x4x16xbf16>, %w: tensor<16x41xbf16>,
                        %q: tensor<2x4x8xf32>)
    -> (tensor<2x4x32xf32>, tensor<2x4x8xf32>, tensor<2x4xf32>) {
  %z = arith.constant dense<0.0> : tensor<8x41xf32>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]]
      : tensor<2x4x16xbf16> into tensor<8x16xbf16>
  %s = linalg.matmul ins(%x2, %w : tensor<8x16xbf16>, tensor<16x41xbf16>)
                     outs(%z : tensor<8x41xf32>) -> tensor<8x41xf32>
  %s3 = tensor.expand_shape %s [[0, 1], [2]] output_shape [2, 4, 41]
      : tensor<8x41xf32> into tensor<2x4x41xf32>
  %k = tensor.extract_slice %s3[0, 0, 0] [2, 4, 32] [1, 1, 1]
      : tensor<2x4x41xf32> to tensor<2x4x32xf32>
  %l = tensor.extract_slice %s3[0, 0, 32] [2, 4, 8] [1, 1, 1]
      : tensor<2x4x41xf32> to tensor<2x4x8xf32>
  %m = tensor.extract_slice %s3[0, 0, 40] [2, 4, 1] [1, 1, 1]
      : tensor<2x4x41xf32> to tensor<2x4xf32>
  %g = arith.mulf %l, %q : tensor<2x4x8xf32>
  return %k, %g, %m : tensor<2x4x32xf32>, tensor<2x4x8xf32>, tensor<2x4xf32>
}

// What all columns are scaled by is an epilogue of the whole GEMM; the slices
// behind it stay when nothing else scales them.
// CHECK-LABEL: func.func @scaled_before_the_slices(
// CHECK:         %[[FUSED:.+]]:2 = linalg.generic
// CHECK:         tensor.extract_slice %[[FUSED]]#1[0, 0] [4, 32]
// CHECK:         tensor.extract_slice %[[FUSED]]#1[0, 32] [4, 8]
func.func @scaled_before_the_slices(%x: tensor<4x16xf32>, %w: tensor<16x40xf32>,
                                    %q: tensor<4x40xf32>)
    -> (tensor<4x32xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x40xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xf32>, tensor<16x40xf32>)
                     outs(%z : tensor<4x40xf32>) -> tensor<4x40xf32>
  %p = arith.mulf %s, %q : tensor<4x40xf32>
  %k = tensor.extract_slice %p[0, 0] [4, 32] [1, 1]
      : tensor<4x40xf32> to tensor<4x32xf32>
  %l = tensor.extract_slice %p[0, 32] [4, 8] [1, 1]
      : tensor<4x40xf32> to tensor<4x8xf32>
  return %k, %l : tensor<4x32xf32>, tensor<4x8xf32>
}
