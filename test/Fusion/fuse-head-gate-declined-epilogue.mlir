// A chain that cannot be fused is left as it came, byte for byte, and the remark
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

// A GEMM alone is left to others.
func.func @no_fuse_no_epilogue(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_no_epilogue | Reason="no-epilogue: nothing scales the GEMM, there is nothing to fuse", Suggestion="none is needed: the GEMM alone is left to other passes"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %s : tensor<4x8xf32>
}

// -----

// Moving elements is no epilogue.
func.func @no_fuse_no_epilogue_transposed(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<8x4xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_no_epilogue_transposed | Reason="no-epilogue: nothing scales the GEMM, there is nothing to fuse", Suggestion="none is needed: the GEMM alone is left to other passes"}}
  %t = linalg.transpose ins(%s : tensor<4x8xf32>) outs(%e : tensor<8x4xf32>)
                        permutation = [1, 0]
  return %t : tensor<8x4xf32>
}

// -----

// The logits are returned, too.
func.func @no_fuse_multiple_uses(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_multiple_uses | Reason="multiple-uses: an intermediate of the chain has other uses, fusing would compute it twice", Suggestion="return the gate only, or clone the matmul"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %g = arith.mulf %s, %q : tensor<4x8xf32>
  return %g, %s : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// The GEMM is outside of the loop that scales it: fused, it would run n times.
func.func @no_fuse_other_block(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>, %n: index)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %q) -> tensor<4x8xf32> {
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_other_block | Reason="other-block: the result of the GEMM is scaled in another block", Suggestion="keep the GEMM and its scales in one block, or scale by something in the GEMM's own block"}}
    %g = arith.mulf %s, %acc : tensor<4x8xf32>
    scf.yield %g : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// -----

// Each row is divided by its sum.
func.func @no_fuse_operand_depends_on_reduction(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %y = arith.constant dense<0.0> : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_depends_on_reduction | Reason="operand-depends-on-reduction: an operand of the epilogue is computed from the GEMM's result", Suggestion="use operands that do not depend on the sum"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = linalg.reduce { arith.addf } ins(%s : tensor<4x8xf32>)
                     outs(%y : tensor<4xf32>) dimensions = [1]
  %b = linalg.broadcast ins(%r : tensor<4xf32>) outs(%e : tensor<4x8xf32>)
                        dimensions = [1]
  %g = arith.divf %s, %b : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// A sum over heads.
func.func @no_fuse_epilogue_not_elementwise(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4xf32> {
  %y = arith.constant dense<0.0> : tensor<4xf32>
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_epilogue_not_elementwise | Reason="epilogue-not-elementwise: the next op is not elementwise over the GEMM's result", Suggestion="keep only elementwise ops and reshapes between the GEMM and the last scale"}}
  %r = linalg.reduce { arith.addf } ins(%s : tensor<4x8xf32>)
                     outs(%y : tensor<4xf32>) dimensions = [1]
  return %r : tensor<4xf32>
}

// -----

// The scale is made of the indices.
func.func @no_fuse_epilogue_not_elementwise_index(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_epilogue_not_elementwise_index | Reason="epilogue-not-elementwise: the next op is not elementwise over the GEMM's result", Suggestion="keep only elementwise ops and reshapes between the GEMM and the last scale"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>, affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %t = linalg.index 0 : index
    %i = arith.index_cast %t : index to i32
    %f = arith.sitofp %i : i32 to f32
    %p = arith.mulf %in, %f : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// Only the diagonal is scaled.
func.func @no_fuse_epilogue_not_elementwise_diagonal(%x: tensor<8x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<8xf32>)
    -> tensor<8xf32> {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %e = tensor.empty() : tensor<8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<8x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_epilogue_not_elementwise_diagonal | Reason="epilogue-not-elementwise: the next op is not elementwise over the GEMM's result", Suggestion="keep only elementwise ops and reshapes between the GEMM and the last scale"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(t) -> (t, t)>, affine_map<(t) -> (t)>,
                       affine_map<(t) -> (t)>],
      iterator_types = ["parallel"]}
      ins(%s, %q : tensor<8x8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %scale: f32, %out: f32):
    %p = arith.mulf %in, %scale : f32
    linalg.yield %p : f32
  } -> tensor<8xf32>
  return %g : tensor<8xf32>
}

// -----

// The sum is spread over a new dimension.
func.func @no_fuse_epilogue_not_elementwise_broadcast(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8x2xf32>)
    -> tensor<4x8x2xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8x2xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_epilogue_not_elementwise_broadcast | Reason="epilogue-not-elementwise: the next op is not elementwise over the GEMM's result", Suggestion="keep only elementwise ops and reshapes between the GEMM and the last scale"}}
  %b = linalg.broadcast ins(%s : tensor<4x8xf32>) outs(%e : tensor<4x8x2xf32>)
                        dimensions = [2]
  %g = arith.mulf %b, %q : tensor<4x8x2xf32>
  return %g : tensor<4x8x2xf32>
}

// -----

// The scale is read backwards.
func.func @no_fuse_operand_layout(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_layout | Reason="operand-layout: an operand of the epilogue is not indexed by tokens and heads alone", Suggestion="give the operand the shape [T], [H], [T, H] or [T, H, 1]"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, 7 - h)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s, %q : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %scale: f32, %out: f32):
    %p = arith.mulf %in, %scale : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// One column of a wider tensor.
func.func @no_fuse_operand_layout_one_column(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x2xf32>)
    -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_layout_one_column | Reason="operand-layout: an operand of the epilogue is not indexed by tokens and heads alone", Suggestion="give the operand the shape [T], [H], [T, H] or [T, H, 1]"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(t, h) -> (t, h)>,
                       affine_map<(t, h) -> (t, 0)>,
                       affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s, %q : tensor<4x8xf32>, tensor<4x2xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %scale: f32, %out: f32):
    %p = arith.mulf %in, %scale : f32
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// One scale a sequence: neither one a token nor one for all.
func.func @no_fuse_operand_layout_per_sequence(%x: tensor<2x4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<2xf32>)
    -> tensor<2x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %e = tensor.empty() : tensor<2x4x8xf32>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]]
      : tensor<2x4x16xbf16> into tensor<8x16xbf16>
  %s = linalg.matmul ins(%x2, %w : tensor<8x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  %s3 = tensor.expand_shape %s [[0, 1], [2]] output_shape [2, 4, 8]
      : tensor<8x8xf32> into tensor<2x4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_layout_per_sequence | Reason="operand-layout: an operand of the epilogue is not indexed by tokens and heads alone", Suggestion="give the operand the shape [T], [H], [T, H] or [T, H, 1]"}}
  %g = linalg.generic {
      indexing_maps = [affine_map<(b, t, h) -> (b, t, h)>,
                       affine_map<(b, t, h) -> (b)>,
                       affine_map<(b, t, h) -> (b, t, h)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s3, %q : tensor<2x4x8xf32>, tensor<2xf32>)
      outs(%e : tensor<2x4x8xf32>) {
  ^bb0(%in: f32, %scale: f32, %out: f32):
    %p = arith.mulf %in, %scale : f32
    linalg.yield %p : f32
  } -> tensor<2x4x8xf32>
  return %g : tensor<2x4x8xf32>
}

// -----

// [T, H] is read as another matrix of as many elements.
func.func @no_fuse_reshape_not_understood(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<8x4xf32>)
    -> tensor<8x4xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %u = tensor.collapse_shape %s [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_reshape_not_understood | Reason="reshape-not-understood: a reshape mixes tokens and heads, or cuts them in two ways", Suggestion="reshape only the token dimensions, and unit dimensions"}}
  %v = tensor.expand_shape %u [[0, 1]] output_shape [8, 4]
      : tensor<32xf32> into tensor<8x4xf32>
  %g = arith.mulf %v, %q : tensor<8x4xf32>
  return %g : tensor<8x4xf32>
}

// -----

// Tokens and heads become one dimension.
func.func @no_fuse_result_layout(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<32xf32>)
    -> tensor<32xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %u = tensor.collapse_shape %s [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_result_layout | Reason="result-layout: the result interleaves token and head dimensions", Suggestion="keep the token dimensions of the result together and in order"}}
  %g = arith.mulf %u, %q : tensor<32xf32>
  return %g : tensor<32xf32>
}

// -----

// [B, H, S]: the heads stand between the token dimensions.
func.func @no_fuse_result_layout_interleaved(%x: tensor<2x4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<2x8x4xf32>)
    -> tensor<2x8x4xf32> {
  %z = arith.constant dense<0.0> : tensor<2x8x4xf32>
  %s = linalg.contract
      indexing_maps = [affine_map<(b, h, t, d) -> (b, t, d)>,
                       affine_map<(b, h, t, d) -> (d, h)>,
                       affine_map<(b, h, t, d) -> (b, h, t)>]
      ins(%x, %w : tensor<2x4x16xbf16>, tensor<16x8xbf16>)
      outs(%z : tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_result_layout_interleaved | Reason="result-layout: the result interleaves token and head dimensions", Suggestion="keep the token dimensions of the result together and in order"}}
  %g = arith.mulf %s, %q : tensor<2x8x4xf32>
  return %g : tensor<2x8x4xf32>
}

// -----

// sglang S9: the result is bf16, and nothing f32 comes before it.
func.func @no_fuse_result_type(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xbf16>)
    -> tensor<4x8xbf16> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = arith.truncf %s : tensor<4x8xf32> to tensor<4x8xbf16>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_result_type | Reason="result-type: the result of the chain is not f32", Suggestion="return f32, and round after the gate"}}
  %g = arith.mulf %r, %q : tensor<4x8xbf16>
  return %g : tensor<4x8xbf16>
}

// -----

// An f16 GEMM of mlx's kind: the scalar is f16, and so is the result.
func.func @no_fuse_result_type_f16(%x: tensor<4x16xf16>, %w: tensor<16x8xf16>,
    %a: f16) -> tensor<4x8xf16> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xf16>, tensor<16x8xf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = arith.truncf %s : tensor<4x8xf32> to tensor<4x8xf16>
  %v = tensor.splat %a : tensor<4x8xf16>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_result_type_f16 | Reason="result-type: the result of the chain is not f32", Suggestion="return f32, and round after the gate"}}
  %g = arith.mulf %r, %v : tensor<4x8xf16>
  return %g : tensor<4x8xf16>
}

// -----

// Every second head.
func.func @no_fuse_slice_not_understood(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_slice_not_understood | Reason="slice-not-understood: a slice takes something else than a range of heads, or nothing scales the heads that it takes", Suggestion="slice the heads alone, at constants, and nothing that was read per head before"}}
  %l = tensor.extract_slice %s[0, 0] [4, 4] [1, 2]
      : tensor<4x8xf32> to tensor<4x4xf32>
  %g = arith.mulf %l, %q : tensor<4x4xf32>
  return %g : tensor<4x4xf32>
}

// -----

// Some of the tokens.
func.func @no_fuse_slice_not_understood_tokens(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_slice_not_understood_tokens | Reason="slice-not-understood: a slice takes something else than a range of heads, or nothing scales the heads that it takes", Suggestion="slice the heads alone, at constants, and nothing that was read per head before"}}
  %l = tensor.extract_slice %s[0, 0] [2, 8] [1, 1]
      : tensor<4x8xf32> to tensor<2x8xf32>
  %g = arith.mulf %l, %q : tensor<2x8xf32>
  return %g : tensor<2x8xf32>
}

// -----

// Columns were biased one by one before they were sliced.
func.func @no_fuse_slice_not_understood_bias(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %bias: tensor<4x8xbf16>, %q: tensor<4x4xf32>)
    -> tensor<4x4xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = arith.truncf %s : tensor<4x8xf32> to tensor<4x8xbf16>
  %b = arith.addf %r, %bias : tensor<4x8xbf16>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_slice_not_understood_bias | Reason="slice-not-understood: a slice takes something else than a range of heads, or nothing scales the heads that it takes", Suggestion="slice the heads alone, at constants, and nothing that was read per head before"}}
  %l = tensor.extract_slice %b[0, 4] [4, 4] [1, 1]
      : tensor<4x8xbf16> to tensor<4x4xbf16>
  %f = arith.extf %l : tensor<4x4xbf16> to tensor<4x4xf32>
  %g = arith.mulf %f, %q : tensor<4x4xf32>
  return %g : tensor<4x4xf32>
}

// -----

// The merged product is returned whole, too.
func.func @no_fuse_multiple_uses_merged(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<4x4xf32>)
    -> (tensor<4x8xf32>, tensor<4x4xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_multiple_uses_merged | Reason="multiple-uses: an intermediate of the chain has other uses, fusing would compute it twice", Suggestion="return the gate only, or clone the matmul"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = tensor.extract_slice %s[0, 4] [4, 4] [1, 1]
      : tensor<4x8xf32> to tensor<4x4xf32>
  %g = arith.mulf %l, %q : tensor<4x4xf32>
  return %s, %g : tensor<4x8xf32>, tensor<4x4xf32>
}
