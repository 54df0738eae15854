# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The head gate as MLIR text. Imports nothing of the package: its build compiles
the kernels that come with it from here."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GateKey", "gate_text"]


class GateKey(NamedTuple):
    """What a kernel of the head gate is made for."""

    heads: int
    hidden: int
    #: "bf16", "f16" or "f32", of each tensor.
    x: str
    weight: str
    q_scale: str


def gate_text(key: GateKey) -> str:
    """The module of one head gate: x [T, E], weight [H, E], q_scale [T, H, 1]
    and both scales -> [T, H, 1], in float32 and in this order:

        ((sum_d x[t, d] * weight[h, d]) * head_scale) * q_scale[t, h]) * softmax_scale
    """
    heads, hidden = key.heads, key.hidden
    x = f"tensor<?x{hidden}x{key.x}>"
    weight = f"tensor<{heads}x{hidden}x{key.weight}>"
    gate = f"tensor<?x{heads}xf32>"
    result = f"tensor<?x{heads}x1xf32>"
    scale = f"tensor<?x{heads}x1x{key.q_scale}>"
    flat_scale = f"tensor<?x{heads}x{key.q_scale}>"

    def widen(name: str, dtype: str) -> tuple[str, str]:
        """The op that makes %name float32, if there is one, and its result."""
        if dtype == "f32":
            return "", f"%{name}"
        return f"%{name}_f32 = arith.extf %{name} : {dtype} to f32", f"%{name}_f32"

    widen_x, left = widen("left", key.x)
    widen_weight, right = widen("right", key.weight)
    widen_scale, factor = widen("scale", key.q_scale)
    return f"""#rows = affine_map<(t, h, d) -> (t, d)>
#columns = affine_map<(t, h, d) -> (h, d)>
#sums = affine_map<(t, h, d) -> (t, h)>
#all = affine_map<(t, h) -> (t, h)>
func.func @head_gate(%x: {x}, %weight: {weight}, %q_scale: {scale},
                     %head_scale: f32, %softmax_scale: f32) -> {result} {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : {x}
  %scales = tensor.collapse_shape %q_scale [[0], [1, 2]] : {scale} into {flat_scale}
  %empty = tensor.empty(%tokens) : {gate}
  %start = linalg.fill ins(%zero : f32) outs(%empty : {gate}) -> {gate}
  %logits = linalg.generic {{
      indexing_maps = [#rows, #columns, #sums],
      iterator_types = ["parallel", "parallel", "reduction"]}}
      ins(%x, %weight : {x}, {weight}) outs(%start : {gate}) {{
  ^bb0(%left: {key.x}, %right: {key.weight}, %sum: f32):
    {widen_x}
    {widen_weight}
    %product = arith.mulf {left}, {right} : f32
    %next = arith.addf %sum, %product : f32
    linalg.yield %next : f32
  }} -> {gate}
  %gate = linalg.generic {{
      indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}}
      ins(%logits, %scales : {gate}, {flat_scale}) outs(%empty : {gate}) {{
  ^bb0(%logit: f32, %scale: {key.q_scale}, %out: f32):
    {widen_scale}
    %by_heads = arith.mulf %logit, %head_scale : f32
    %by_scale = arith.mulf %by_heads, {factor} : f32
    %by_softmax = arith.mulf %by_scale, %softmax_scale : f32
    linalg.yield %by_softmax : f32
  }} -> {gate}
  %result = tensor.expand_shape %gate [[0], [1, 2]] output_shape [%tokens, {heads}, 1]
      : {gate} into {result}
  return %result : {result}
}}
"""
