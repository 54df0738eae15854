# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a torch function on tensors without memory and records its aten ops."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses import FakeTensorMode
from torch.fx import traceback as fx_traceback
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import (
    DimDynamic,
    ShapeEnv,
    StatelessSymbolicContext,
)
from torch.overrides import TorchFunctionMode

__all__ = ["Trace", "find_tokens", "source_line", "trace"]

#: Where frames are not the user's.
_FOREIGN = (
    os.path.dirname(torch.__file__) + os.sep,
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
)

#: Extent that stands for a dynamic one of 0 or 1, which torch takes for fixed.
_STAND_IN = 8191


class Trace(NamedTuple):
    """A recorded function."""

    module: torch.fx.GraphModule
    #: Places of the arguments that are placeholders, in order: tensors, and
    #: floats where these were asked for.
    places: list[int]
    shape_env: ShapeEnv


class _Lines(TorchFunctionMode):
    """Gives every recorded node the line of the user's code it is from."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(_FOREIGN):
            frame = frame.f_back
        if frame is not None:
            fx_traceback.set_stack_trace([f"{frame.f_code.co_filename}:{frame.f_lineno}"])
        return function(*args, **(kwargs or {}))


def source_line(node: torch.fx.Node) -> str:
    """ "file:line" of the user's code, "" if it is not known."""
    trace = node.meta.get("stack_trace") or ""
    if 'File "' not in trace:
        return trace.strip()
    # What torch.compile keeps: frames of Python, the innermost last.
    found = ""
    for line in trace.splitlines():
        line = line.strip()
        if line.startswith('File "') and not line[6:].startswith(_FOREIGN):
            name, number = line[6:].split('", line ')[:2]
            found = f"{name}:{number.split(',')[0]}"
    return found


def trace(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    dynamic: dict[int, tuple[int, ...]],
    has_float_arguments: bool,
    kind: DimDynamic = DimDynamic.DUCK,
) -> Trace:
    """Records `function` for arguments like these.

    `dynamic` has the dimensions, by argument, whose extents are left open. With
    a `kind` of DUCK equal ones of them are one symbol, with DYNAMIC each is its
    own. With `has_float_arguments`, a float among
    the arguments is recorded as an argument, else as its value; everything else
    that is no tensor is a value always.
    """
    shape_env = ShapeEnv()
    mode = FakeTensorMode(shape_env=shape_env, allow_non_fake_inputs=True)
    values, places = list(arguments), []
    fakes: list[torch.Tensor] = []
    for place, argument in enumerate(arguments):
        if isinstance(argument, torch.Tensor):
            fakes.append(_make_fake(mode, argument, dynamic.get(place, ()), kind))
        elif has_float_arguments and type(argument) is float:
            with mode:
                fakes.append(torch.empty((), dtype=torch.float64))
        else:
            continue
        places.append(place)

    def flat(*given: torch.Tensor) -> Any:
        for place, value in zip(places, given):
            values[place] = value
        with _Lines():
            return function(*values)

    with torch.no_grad(), fx_traceback.preserve_node_meta(), enable_python_dispatcher(), mode:
        module = make_fx(flat, tracing_mode="real")(*fakes)
    return Trace(module, places, shape_env)


def find_tokens(
    function: Callable[..., Any], arguments: Sequence[Any]
) -> dict[int, tuple[int, ...]]:
    """The dimensions that count tokens: the last but one of the first tensor,
    and those of the others that the function needs to be equal to it."""
    tensors = {p: a for p, a in enumerate(arguments) if isinstance(a, torch.Tensor)}
    first = next((place for place, tensor in tensors.items() if tensor.dim() > 1), None)
    if first is None:
        return {}
    tokens = tensors[first].dim() - 2
    extent = tensors[first].shape[tokens]
    candidates = {
        place: tuple(dim for dim in range(tensor.dim()) if tensor.shape[dim] == extent)
        for place, tensor in tensors.items()
    }
    candidates[first] = (tokens,)
    recorded = trace(function, arguments, candidates, False, DimDynamic.DYNAMIC)
    inputs = [node for node in recorded.module.graph.nodes if node.op == "placeholder"]

    def symbol(place: int, dim: int) -> Any:
        value = inputs[recorded.places.index(place)].meta["val"].shape[dim]
        return value if isinstance(value, int) else recorded.shape_env.replace(value.node.expr)

    wanted = symbol(first, tokens)
    found = {
        place: tuple(dim for dim in dims if symbol(place, dim) == wanted)
        for place, dims in candidates.items()
    }
    return {} if isinstance(wanted, int) else {p: dims for p, dims in found.items() if dims}


def _make_fake(
    mode: FakeTensorMode, tensor: torch.Tensor, dims: Sequence[int], kind: DimDynamic
) -> torch.Tensor:
    """A tensor like `tensor`, without memory and with open extents at `dims`."""
    tensor = tensor.detach()
    if any(tensor.shape[dim] < 2 for dim in dims):
        shape = [
            _STAND_IN if dim in dims and extent < 2 else extent
            for dim, extent in enumerate(tensor.shape)
        ]
        # One element of memory, whatever the shape.
        tensor = tensor.new_empty(1).expand(shape)
    sizes = [kind if dim in dims else DimDynamic.STATIC for dim in range(tensor.dim())]
    context: Any = StatelessSymbolicContext(dynamic_sizes=sizes)
    return mode.from_tensor(tensor, symbolic_context=context)
