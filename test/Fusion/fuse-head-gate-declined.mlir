// A GEMM that cannot be fused is left as it came, byte for byte, and the remark
// says why and what would help. One function, or more, for each reason.

// RUN: indexer-opt %s --split-input-file -o %t.before.mlir
// RUN: indexer-opt %s --split-input-file --indexer-fuse -o %t.after.mlir
// RUN: diff %t.before.mlir %t.after.mlir
// RUN: indexer-opt %s --split-input-file --linalg-generalize-named-ops -o %t.generic.mlir
// RUN: indexer-opt %t.generic.mlir --split-input-file --indexer-fuse | diff %t.generic.mlir -
// RUN: indexer-opt %s --split-input-file --linalg-specialize-generic-ops -o %t.named.mlir
// RUN: indexer-opt %t.named.mlir --split-input-file --indexer-fuse | diff %t.named.mlir -
// RUN: indexer-opt %s --split-input-file --indexer-fuse \
// RUN:   --remarks-filter='indexer-.*' --remark-format=emitRemark --verify-diagnostics

// A maximum of products is no GEMM.
func.func @no_fuse_not_a_contraction(%x: tensor<4x16xf32>, %w: tensor<16x8xf32>,
                                     %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_not_a_contraction | Reason="not-a-contraction: the op is not a sum of products of two operands over one dimension", Suggestion="spell the GEMM as linalg.matmul, linalg.contract or a generic that multiplies and adds"}}
  %s = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (d, h)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x16xf32>, tensor<16x8xf32>)
      outs(%z : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %m: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.maximumf %m, %p : f32
    linalg.yield %n : f32
  } -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// A convolution sums over several dimensions.
func.func @no_fuse_not_a_contraction_two_sums(%x: tensor<1x6x16xf32>,
    %w: tensor<3x16x8xf32>, %q: tensor<1x4x8xf32>)
    -> tensor<1x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<1x4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_not_a_contraction_two_sums | Reason="not-a-contraction: the op is not a sum of products of two operands over one dimension", Suggestion="spell the GEMM as linalg.matmul, linalg.contract or a generic that multiplies and adds"}}
  %s = linalg.conv_1d_nwc_wcf
      {dilations = dense<1> : tensor<1xi64>, strides = dense<1> : tensor<1xi64>}
      ins(%x, %w : tensor<1x6x16xf32>, tensor<3x16x8xf32>)
      outs(%z : tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %g = arith.mulf %s, %q : tensor<1x4x8xf32>
  return %g : tensor<1x4x8xf32>
}

// -----

// x is read backwards: no permutation of t and d.
func.func @no_fuse_not_a_contraction_reversed(%x: tensor<4x16xf32>,
    %w: tensor<16x8xf32>, %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_not_a_contraction_reversed | Reason="not-a-contraction: the op is not a sum of products of two operands over one dimension", Suggestion="spell the GEMM as linalg.matmul, linalg.contract or a generic that multiplies and adds"}}
  %s = linalg.generic {
      indexing_maps = [affine_map<(t, h, d) -> (3 - t, d)>,
                       affine_map<(t, h, d) -> (d, h)>,
                       affine_map<(t, h, d) -> (t, h)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x16xf32>, tensor<16x8xf32>)
      outs(%z : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %sum, %p : f32
    linalg.yield %n : f32
  } -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// An integer GEMM.
func.func @no_fuse_unsupported_element_type(%x: tensor<4x16xi8>, %w: tensor<16x8xi8>)
    -> tensor<4x8xi32> {
  %z = arith.constant dense<0> : tensor<4x8xi32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_unsupported_element_type | Reason="unsupported-element-type: an operand of the GEMM is not bf16, f16 or f32, or an operand of the epilogue is not a float", Suggestion="convert the operands to a float type that is accepted"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xi8>, tensor<16x8xi8>)
                     outs(%z : tensor<4x8xi32>) -> tensor<4x8xi32>
  %g = arith.muli %s, %s : tensor<4x8xi32>
  return %g : tensor<4x8xi32>
}

// -----

func.func @no_fuse_unsupported_element_type_complex(%x: tensor<4x16xcomplex<f32>>,
    %w: tensor<16x8xcomplex<f32>>, %z: tensor<4x8xcomplex<f32>>)
    -> tensor<4x8xcomplex<f32>> {
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_unsupported_element_type_complex | Reason="unsupported-element-type: an operand of the GEMM is not bf16, f16 or f32, or an operand of the epilogue is not a float", Suggestion="convert the operands to a float type that is accepted"}}
  %s = linalg.matmul
      ins(%x, %w : tensor<4x16xcomplex<f32>>, tensor<16x8xcomplex<f32>>)
      outs(%z : tensor<4x8xcomplex<f32>>) -> tensor<4x8xcomplex<f32>>
  return %s : tensor<4x8xcomplex<f32>>
}

// -----

func.func @no_fuse_unsupported_element_type_f64(%x: tensor<4x16xf64>,
    %w: tensor<16x8xf64>, %q: tensor<4x8xf64>)
    -> tensor<4x8xf64> {
  %z = arith.constant dense<0.0> : tensor<4x8xf64>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_unsupported_element_type_f64 | Reason="unsupported-element-type: an operand of the GEMM is not bf16, f16 or f32, or an operand of the epilogue is not a float", Suggestion="convert the operands to a float type that is accepted"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xf64>, tensor<16x8xf64>)
                     outs(%z : tensor<4x8xf64>) -> tensor<4x8xf64>
  %g = arith.mulf %s, %q : tensor<4x8xf64>
  return %g : tensor<4x8xf64>
}

// -----

// An operand of integers.
func.func @no_fuse_unsupported_element_type_of_operand(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xi32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_unsupported_element_type_of_operand | Reason="unsupported-element-type: an operand of the GEMM is not bf16, f16 or f32, or an operand of the epilogue is not a float", Suggestion="convert the operands to a float type that is accepted"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>, affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s, %q : tensor<4x8xf32>, tensor<4x8xi32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %i: i32, %out: f32):
    %f = arith.sitofp %i : i32 to f32
    %p = arith.mulf %in, %f : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

func.func @no_fuse_unsupported_element_type_of_scalar(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %n: i32)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_unsupported_element_type_of_scalar | Reason="unsupported-element-type: an operand of the GEMM is not bf16, f16 or f32, or an operand of the epilogue is not a float", Suggestion="convert the operands to a float type that is accepted"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>, affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %f = arith.sitofp %n : i32 to f32
    %p = arith.mulf %in, %f : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

func.func @no_fuse_encoded_tensor(%x: tensor<4x16xbf16, "blocked">,
    %w: tensor<16x8xbf16>, %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_encoded_tensor | Reason="encoded-tensor: an operand has a tensor encoding", Suggestion="use dense tensors without an encoding"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16, "blocked">, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// The weight has the encoding, in another named op.
func.func @no_fuse_encoded_tensor_contract(%x: tensor<4x16xbf16>,
    %w: tensor<8x16xbf16, "packed">, %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_encoded_tensor_contract | Reason="encoded-tensor: an operand has a tensor encoding", Suggestion="use dense tensors without an encoding"}}
  %s = linalg.contract
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%x, %w : tensor<4x16xbf16>, tensor<8x16xbf16, "packed">)
      outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// Without hidden elements the fused op's body would never run.
func.func @no_fuse_empty_reduction(%x: tensor<4x0xbf16>, %w: tensor<0x8xbf16>,
    %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_empty_reduction | Reason="empty-reduction: the GEMM sums over no elements", Suggestion="give the operands at least one hidden element"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x0xbf16>, tensor<0x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// The same, with one extent left open.
func.func @no_fuse_empty_reduction_dynamic(%x: tensor<?x0xbf16>,
    %w: tensor<8x?xbf16>, %z: tensor<?x8xf32>, %q: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %i = linalg.fill ins(%zero : f32) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_empty_reduction_dynamic | Reason="empty-reduction: the GEMM sums over no elements", Suggestion="give the operands at least one hidden element"}}
  %s = linalg.contract
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%x, %w : tensor<?x0xbf16>, tensor<8x?xbf16>)
      outs(%i : tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = arith.mulf %s, %q : tensor<?x8xf32>
  return %g : tensor<?x8xf32>
}

// -----

// JAX's plain bf16 dot.
func.func @no_fuse_bf16_accumulation(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xbf16>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_bf16_accumulation | Reason="bf16-accumulation: the GEMM accumulates in less than f32, the fused op accumulates in f32", Suggestion="give the matmul an f32 result and round after it (in JAX: preferred_element_type=float32)"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %f = arith.extf %s : tensor<4x8xbf16> to tensor<4x8xf32>
  %g = arith.mulf %f, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// A sum in f16.
func.func @no_fuse_bf16_accumulation_f16(%x: tensor<4x16xf16>, %w: tensor<8x16xf16>,
    %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf16>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_bf16_accumulation_f16 | Reason="bf16-accumulation: the GEMM accumulates in less than f32, the fused op accumulates in f32", Suggestion="give the matmul an f32 result and round after it (in JAX: preferred_element_type=float32)"}}
  %s = linalg.contract
      indexing_maps = [affine_map<(t, h, d) -> (t, d)>,
                       affine_map<(t, h, d) -> (h, d)>,
                       affine_map<(t, h, d) -> (t, h)>]
      ins(%x, %w : tensor<4x16xf16>, tensor<8x16xf16>)
      outs(%z : tensor<4x8xf16>) -> tensor<4x8xf16>
  %f = arith.extf %s : tensor<4x8xf16> to tensor<4x8xf32>
  %g = arith.mulf %f, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// A bias as the accumulator.
func.func @no_fuse_nonzero_init(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %bias: tensor<4x8xf32>, %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_nonzero_init | Reason="nonzero-init: the accumulator of the GEMM does not start at +0.0", Suggestion="start from linalg.fill with 0.0 and add the bias after the GEMM"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%bias : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// -0.0 is not the zero that a sum starts from.
func.func @no_fuse_nonzero_init_negative_zero(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<-0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_nonzero_init_negative_zero | Reason="nonzero-init: the accumulator of the GEMM does not start at +0.0", Suggestion="start from linalg.fill with 0.0 and add the bias after the GEMM"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// E is summed in two GEMMs: the second goes on from the first.
func.func @no_fuse_nonzero_init_two_gemms(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // The first GEMM's only user is the second: no elementwise op.
  // expected-remark @+2 {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_nonzero_init_two_gemms | Reason="epilogue-not-elementwise: the next op is not elementwise over the GEMM's result", Suggestion="keep only elementwise ops and reshapes between the GEMM and the last scale"}}
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_nonzero_init_two_gemms | Reason="nonzero-init: the accumulator of the GEMM does not start at +0.0", Suggestion="start from linalg.fill with 0.0 and add the bias after the GEMM"}}
  %u = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%s : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %u, %q : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

func.func @no_fuse_batched_weight(%x: tensor<2x4x16xbf16>, %w: tensor<2x16x8xbf16>,
    %q: tensor<2x4x8xf32>)
    -> tensor<2x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<2x4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_batched_weight | Reason="batched-weight: the weight differs from batch to batch", Suggestion="use one weight of shape [H, E] for all tokens"}}
  %s = linalg.batch_matmul ins(%x, %w : tensor<2x4x16xbf16>, tensor<2x16x8xbf16>)
                           outs(%z : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %g = arith.mulf %s, %q : tensor<2x4x8xf32>
  return %g : tensor<2x4x8xf32>
}
