// Near misses of what is fused: paths that do not come together, scales in another
// block, weights that differ, reshapes of heads. Each is left as it came.

// RUN: indexer-opt %s --split-input-file -o %t.before.mlir
// RUN: indexer-opt %s --split-input-file --indexer-fuse -o %t.after.mlir
// RUN: diff %t.before.mlir %t.after.mlir
// RUN: indexer-opt %s --split-input-file --linalg-generalize-named-ops -o %t.generic.mlir
// RUN: indexer-opt %t.generic.mlir --split-input-file --indexer-fuse | diff %t.generic.mlir -
// RUN: indexer-opt %s --split-input-file --linalg-specialize-generic-ops -o %t.named.mlir
// RUN: indexer-opt %t.named.mlir --split-input-file --indexer-fuse | diff %t.named.mlir -
// RUN: indexer-opt %s --split-input-file --indexer-fuse \
// RUN:   --remarks-filter='indexer-.*' --remark-format=emitRemark --verify-diagnostics

// A square product times its own transpose: each gate needs two sums.
func.func @no_fuse_operand_depends_on_reduction_transposed(
    %x: tensor<8x16xbf16>, %w: tensor<16x8xbf16>) -> tensor<8x8xf32> {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<8x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  %t = linalg.transpose ins(%s : tensor<8x8xf32>)
                        outs(%e : tensor<8x8xf32>) permutation = [1, 0]
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_depends_on_reduction_transposed | Reason="operand-depends-on-reduction: an operand of the epilogue is computed from the GEMM's result", Suggestion="use operands that do not depend on the sum"}}
  %g = arith.mulf %s, %t : tensor<8x8xf32>
  return %g : tensor<8x8xf32>
}

// -----

// The same by maps alone.
func.func @no_fuse_operand_depends_on_reduction_maps(
    %x: tensor<8x16xbf16>, %w: tensor<16x8xbf16>) -> tensor<8x8xf32> {
  %z = arith.constant dense<0.0> : tensor<8x8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<8x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_depends_on_reduction_maps | Reason="epilogue-not-elementwise: the next op is not elementwise over the GEMM's result", Suggestion="keep only elementwise ops and reshapes between the GEMM and the last scale"}}
  %g = linalg.generic {indexing_maps = [affine_map<(t, h) -> (t, h)>,
        affine_map<(t, h) -> (h, t)>, affine_map<(t, h) -> (t, h)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s, %s : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<8x8xf32>
  return %g : tensor<8x8xf32>
}

// -----

// silu whose sigmoid is returned, too.
func.func @no_fuse_multiple_uses_inside(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_multiple_uses_inside | Reason="operand-depends-on-reduction: an operand of the epilogue is computed from the GEMM's result", Suggestion="use operands that do not depend on the sum"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %n = math.exp %s : tensor<4x8xf32>
  %g = arith.mulf %s, %n : tensor<4x8xf32>
  return %g, %n : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Two gates of one product: the ways do not come together.
func.func @no_fuse_multiple_uses_two_gates(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %p: tensor<4x8xf32>, %q: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_multiple_uses_two_gates | Reason="multiple-uses: an intermediate of the chain has other uses, fusing would compute it twice", Suggestion="return the gate only, or clone the matmul"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %a = arith.mulf %s, %p : tensor<4x8xf32>
  %b = arith.mulf %s, %q : tensor<4x8xf32>
  return %a, %b : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// One way goes through a sum over heads.
func.func @no_fuse_operand_depends_on_reduction_softmax(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %y = arith.constant dense<0.0> : tensor<4xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_operand_depends_on_reduction_softmax | Reason="operand-depends-on-reduction: an operand of the epilogue is computed from the GEMM's result", Suggestion="use operands that do not depend on the sum"}}
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %n = math.exp %s : tensor<4x8xf32>
  %r = linalg.reduce { arith.addf } ins(%n : tensor<4x8xf32>)
                     outs(%y : tensor<4xf32>) dimensions = [1]
  %b = linalg.broadcast ins(%r : tensor<4xf32>) outs(%e : tensor<4x8xf32>)
                        dimensions = [1]
  %g = arith.divf %s, %b : tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// Scaled in one branch of two.
func.func @no_fuse_other_block_branch(%x: tensor<4x16xbf16>, %w: tensor<16x8xbf16>,
    %q: tensor<4x8xf32>, %c: i1) -> tensor<4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = scf.if %c -> tensor<4x8xf32> {
    // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_other_block_branch | Reason="other-block: the result of the GEMM is scaled in another block", Suggestion="keep the GEMM and its scales in one block, or scale by something in the GEMM's own block"}}
    %g = arith.mulf %s, %q : tensor<4x8xf32>
    scf.yield %g : tensor<4x8xf32>
  } else {
    scf.yield %q : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// -----

// A weight for each sequence, in four loops.
func.func @no_fuse_batched_weight_contract(%x: tensor<2x4x16xbf16>,
    %w: tensor<2x8x16xbf16>, %q: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<2x4x8xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_batched_weight_contract | Reason="batched-weight: the weight differs from batch to batch", Suggestion="use one weight of shape [H, E] for all tokens"}}
  %s = linalg.contract indexing_maps = [
        affine_map<(b, s, h, d) -> (b, s, d)>, affine_map<(b, s, h, d) -> (b, h, d)>,
        affine_map<(b, s, h, d) -> (b, s, h)>]
      ins(%x, %w : tensor<2x4x16xbf16>, tensor<2x8x16xbf16>)
      outs(%z : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %g = arith.mulf %s, %q : tensor<2x4x8xf32>
  return %g : tensor<2x4x8xf32>
}

// -----

// Tokens and heads become one dimension before the scale.
func.func @no_fuse_result_layout_collapsed(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<32xf32>) -> tensor<32xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = tensor.collapse_shape %s [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_result_layout_collapsed | Reason="result-layout: the result interleaves token and head dimensions", Suggestion="keep the token dimensions of the result together and in order"}}
  %g = arith.mulf %c, %q : tensor<32xf32>
  return %g : tensor<32xf32>
}

// -----

// ... and are cut in another place behind that.
func.func @no_fuse_reshape_not_understood_cut(%x: tensor<4x16xbf16>,
    %w: tensor<16x8xbf16>, %q: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %z = arith.constant dense<0.0> : tensor<4x8xf32>
  %s = linalg.matmul ins(%x, %w : tensor<4x16xbf16>, tensor<16x8xbf16>)
                     outs(%z : tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = tensor.collapse_shape %s [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  // expected-remark @below {{[Missed] FuseHeadGate | Category:indexer-fusion | Function=no_fuse_reshape_not_understood_cut | Reason="reshape-not-understood: a reshape mixes tokens and heads, or cuts them in two ways", Suggestion="reshape only the token dimensions, and unit dimensions"}}
  %r = tensor.expand_shape %c [[0, 1]] output_shape [8, 4]
      : tensor<32xf32> into tensor<8x4xf32>
  %g = arith.mulf %r, %q : tensor<8x4xf32>
  return %g : tensor<8x4xf32>
}
