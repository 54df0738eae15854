# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The module of a merged weight, where a benchmark needs text."""


def merged_text(keys: int, heads: int, hidden: int, keys_type: str, apart=False) -> str:
    """The chain of a weight [K + H, E] with the keys' rows first, x [T, E], both bf16:

        sum[t, h] = sum_d x[t, d] * weight[h, d]
        keys[t, k] = sum[t, k], rounded to `keys_type` (bf16 or f32)
        gate[t, h, 0] = sum[t, K + h] * head_scale * q_scale[t, h, 0] * softmax_scale

    With `apart` the gate reads an x of its own, so that two kernels compute both; its
    keys are multiplied by 1, as nothing is fused whose heads nothing scales.
    """
    rows = keys + heads
    x, sums = f"tensor<?x{hidden}xbf16>", f"tensor<?x{rows}xf32>"
    weight, gate = f"tensor<{rows}x{hidden}xbf16>", f"tensor<?x{heads}xf32>"
    key_sums, result = f"tensor<?x{keys}xf32>", f"tensor<?x{heads}x1xf32>"
    stored = f"tensor<?x{keys}x{keys_type}>"

    def gemm(operand: str) -> str:
        return f"""  %{operand}_tokens = tensor.dim %{operand}, %c0 : {x}
  %{operand}_empty = tensor.empty(%{operand}_tokens) : {sums}
  %{operand}_zeros = linalg.fill ins(%zero : f32) outs(%{operand}_empty : {sums})
      -> {sums}
  %{operand}_sums = linalg.matmul indexing_maps = [#td, #hd, #th]
      ins(%{operand}, %weight : {x}, {weight})
      outs(%{operand}_zeros : {sums}) -> {sums}
"""

    returned, rounding = "sliced", ""
    if apart:
        returned = "scaled"
        rounding = f"""  %key_room = tensor.empty(%x_tokens) : {key_sums}
  %scaled = linalg.generic {{
      indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}}
      ins(%sliced : {key_sums}) outs(%key_room : {key_sums}) {{
  ^bb0(%key: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %product = arith.mulf %key, %one : f32
    linalg.yield %product : f32
  }} -> {key_sums}
"""
    if keys_type != "f32":
        rounding += f"  %keys = arith.truncf %{returned} : {key_sums} to {stored}\n"
        returned = "keys"
    own = "y" if apart else "x"
    second = gemm("y") if apart else ""
    return f"""#td = affine_map<(t, h, d) -> (t, d)>
#hd = affine_map<(t, h, d) -> (h, d)>
#th = affine_map<(t, h, d) -> (t, h)>
#all = affine_map<(t, h) -> (t, h)>
func.func @keys_and_gate(%x: {x}, {f"%y: {x}, " if apart else ""}%weight: {weight},
    %q_scale: {result}, %head_scale: f32, %softmax_scale: f32)
    -> ({stored}, {result}) {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
{gemm("x")}{second}  %sliced = tensor.extract_slice %x_sums[0, 0] [%x_tokens, {keys}] [1, 1]
      : {sums} to {key_sums}
{rounding}  %logits = tensor.extract_slice %{own}_sums[0, {keys}] [%{own}_tokens, {heads}] [1, 1]
      : {sums} to {gate}
  %scales = tensor.collapse_shape %q_scale [[0], [1, 2]] : {result} into {gate}
  %room = tensor.empty(%{own}_tokens) : {gate}
  %flat = linalg.generic {{
      indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}}
      ins(%logits, %scales : {gate}, {gate}) outs(%room : {gate}) {{
  ^bb0(%logit: f32, %scale: f32, %out: f32):
    %by_heads = arith.mulf %logit, %head_scale : f32
    %by_scale = arith.mulf %by_heads, %scale : f32
    %by_softmax = arith.mulf %by_scale, %softmax_scale : f32
    linalg.yield %by_softmax : f32
  }} -> {gate}
  %gate = tensor.expand_shape %flat [[0], [1, 2]] output_shape [%{own}_tokens, {heads}, 1]
      : {gate} into {result}
  return %{returned}, %gate : {stored}, {result}
}}
"""
