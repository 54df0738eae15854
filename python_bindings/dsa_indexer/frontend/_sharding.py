# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How DTensors go through the operator head_gate.

- Tokens sharded (x and q_scale alike): each rank computes its rows.
- Heads sharded (weight and q_scale alike): each rank computes its columns. The
  head scale must be given, as a rank cannot tell H from its own part.
- Hidden elements sharded: not taken, as scales of a partial sum would have to
  wait for the sum; the tensors are gathered first.
"""

from __future__ import annotations

from typing import Any, Optional

from torch.distributed.tensor import Replicate, Shard
from torch.distributed.tensor.experimental import register_sharding

from .. import torch as operators

__all__: list[str] = []


@register_sharding(operators.head_gate)
def _shard_head_gate(
    x: Any, weight: Any, q_scale: Any, softmax_scale: float, head_scale: Optional[float] = None
) -> list[tuple[list[Any], list[Any]]]:
    """Placements of the result, and those of the arguments that give it."""
    numbers: list[Any] = [None, None]
    all_of_it: Any = Replicate()
    accepted: list[tuple[list[Any], list[Any]]] = [
        ([all_of_it], [all_of_it, all_of_it, all_of_it, *numbers])
    ]
    leading = len(x.shape) - 1
    for dim in range(leading):
        accepted.append(([Shard(dim)], [Shard(dim), all_of_it, Shard(dim), *numbers]))
    if head_scale is not None:
        accepted.append(([Shard(leading)], [all_of_it, Shard(0), Shard(leading), *numbers]))
    return accepted
