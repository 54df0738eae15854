# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch functions -> linalg text by torch-mlir, whose lowerings are its own: an
arithmetic op of bfloat16 with a Python number rounds the number first, which
eager torch does not. `from_torch` has eager's bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

import torch

from .. import _compile, _devices
from .._kernel import Kernel
from ._trace import find_tokens

__all__ = ["from_torch_mlir"]


def from_torch_mlir(
    function: Callable[..., Any], example: Sequence[Any], chip: Optional[str]
) -> Kernel:
    """`dsa_indexer.from_torch_mlir`, which documents it."""
    try:
        from torch_mlir import fx
    except ImportError:
        raise ImportError(
            "from_torch_mlir() needs torch-mlir: pip install torch-mlir -f "
            "https://github.com/llvm/torch-mlir-release/releases/expanded_assets/dev-wheels"
        ) from None
    module = function if isinstance(function, torch.nn.Module) else _Module(function)
    held = [name for name, _ in (*module.named_parameters(), *module.named_buffers())]
    if held:
        raise ValueError(
            f"from_torch_mlir(): the module holds {', '.join(map(repr, held))}, which torch-mlir "
            "would write into the code; pass the tensors as arguments, or use from_torch"
        )
    if not all(isinstance(argument, torch.Tensor) for argument in example):
        raise TypeError("from_torch_mlir(): all arguments must be tensors")
    tokens = torch.export.Dim("tokens", min=2)
    places = find_tokens(function, example)
    shapes = tuple(dict.fromkeys(places.get(p, ()), tokens) for p in range(len(example)))
    imported = fx.export_and_import(
        module.eval(), *(_example_of(t, places.get(p, ())) for p, t in enumerate(example)),
        dynamic_shapes=(shapes,) if isinstance(module, _Module) else shapes,
        output_type="linalg-on-tensors", func_name="main",
    )  # fmt: skip
    if chip is None:
        chip = next((c for c in map(_devices.chip_of, example) if c), None)
    return _compile.compile(str(imported), chip=chip, entry="main", name="torch_mlir.mlir")


class _Module(torch.nn.Module):
    """A function as the module that torch.export wants."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *arguments: Any) -> Any:
        return self._function(*arguments)


def _example_of(tensor: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
    """torch.export takes an extent of 0 or 1 for fixed: these become 2."""
    shape = [max(extent, 2) if dim in tokens else extent for dim, extent in enumerate(tensor.shape)]
    return tensor if shape == list(tensor.shape) else tensor.new_zeros(shape)
