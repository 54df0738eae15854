# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled torch functions: what `from_torch` and `jit` return."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Union

import torch

from .. import _compile, _devices
from .._kernel import Kernel
from ._trace import find_tokens
from .torch import Imported, import_function

__all__ = ["JitFunction", "TorchKernel", "from_torch", "jit"]

#: Dimensions by position or name of an argument.
Dynamic = Mapping[Union[int, str], Union[int, Sequence[int]]]


class TorchKernel:
    """A compiled torch function. Call it with the function's arguments: tensors
    with the example's dtypes, and its extents except where these are dynamic.
    It records no gradients."""

    def __init__(
        self,
        signature: inspect.Signature,
        name: str,
        imported: Imported,
        kernel: Kernel,
        arguments: Sequence[Any],
        dynamic: dict[int, tuple[int, ...]],
    ) -> None:
        """Not for users."""
        self._signature, self._name = signature, name
        self._sources, self._is_single = imported.sources, imported.is_single
        self._kernel, self._text, self._dynamic = kernel, imported.text, dynamic
        #: Values that are part of the code, by place.
        self._constants = {
            place: argument
            for place, argument in enumerate(arguments)
            if not isinstance(argument, torch.Tensor) and place not in imported.sources
        }
        self._layouts = {
            place: (argument.dtype, argument.device.type, tuple(argument.shape))
            for place, argument in enumerate(arguments)
            if isinstance(argument, torch.Tensor)
        }

    @property
    def kernel(self) -> Kernel:
        """The compiled function: artefacts, remarks, schedule, bundle."""
        return self._kernel

    @property
    def text(self) -> str:
        """The MLIR that the function was turned into."""
        return self._text

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Calls the function. Raises like a kernel's call, and ValueError for a
        value that is part of the code and differs from the example's."""
        values = _bind(self._signature, arguments, named)
        for place, constant in self._constants.items():
            if not _is_same(values[place], constant):
                raise ValueError(
                    f"{self._name}(): argument {place} is {values[place]!r}, but the function was "
                    f"compiled for {constant!r}"
                )
        return self.run(values)

    def run(self, values: Sequence[Any]) -> Any:
        """A call whose constants are known to be right."""
        given = [values[s] if isinstance(s, int) else s for s in self._sources]
        if torch.is_grad_enabled() and any(getattr(v, "requires_grad", False) for v in given):
            raise ValueError(
                f"{self._name}(): an argument requires a gradient, which the kernel has not; "
                "call it under torch.no_grad()"
            )
        result = self._kernel(*given)
        if self._is_single or isinstance(result, tuple):
            return result
        return (result,)

    def serves(self, values: Sequence[Any]) -> bool:
        """True when these arguments need no other code."""
        tokens = set()
        for place, (dtype, device, shape) in self._layouts.items():
            value = values[place]
            if (
                not isinstance(value, torch.Tensor)
                or value.dtype != dtype
                or value.device.type != device
                or value.dim() != len(shape)
            ):
                return False
            dynamic = self._dynamic.get(place, ())
            for dim, extent in enumerate(shape):
                if dim in dynamic:
                    tokens.add(value.shape[dim])
                elif value.shape[dim] != extent:
                    return False
        return len(tokens) <= 1 and all(
            _is_same(values[place], constant) for place, constant in self._constants.items()
        )

    def __repr__(self) -> str:
        return f"<dsa_indexer.TorchKernel {self._name}: {self._kernel!r}>"


def from_torch(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    dynamic: Optional[Dynamic],
    chip: Optional[str],
) -> TorchKernel:
    """`dsa_indexer.from_torch`, which documents it."""
    signature, name = _signature_of(function), _name_of(function)
    values = _bind(signature, arguments, {})
    if dynamic is None:
        places = find_tokens(function, values)
    else:
        places = _read_dynamic(dynamic, signature, values, name)
    return _compile_for(function, signature, name, values, places, chip)


def _compile_for(
    function: Callable[..., Any],
    signature: inspect.Signature,
    name: str,
    values: Sequence[Any],
    dynamic: dict[int, tuple[int, ...]],
    chip: Optional[str],
) -> TorchKernel:
    names = _names_of(signature, len(values))
    imported = import_function(function, values, dynamic, name, names)
    if chip is None:
        tensors = (value for value in values if isinstance(value, torch.Tensor))
        chip = next((c for c in map(_devices.chip_of, tensors) if c), None)
    kernel = _compile.compile(imported.text, chip=chip, name=f"{name}.mlir")
    return TorchKernel(signature, name, imported, kernel, values, dynamic)


class JitFunction:
    """A torch function that is compiled when it is first called with arguments
    of a kind: dtypes, ranks and extents, except the number of tokens.

    A call that needs gradients, or comes from torch.compile, runs the torch
    function itself."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Not for users; see `jit`."""
        functools.update_wrapper(self, function)
        self._function = function
        self._signature, self._name = _signature_of(function), _name_of(function)
        self._compiled: list[TorchKernel] = []
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if torch.compiler.is_compiling():
            return self._function(*arguments, **named)
        values = _bind(self._signature, arguments, named)
        if torch.is_grad_enabled() and any(getattr(v, "requires_grad", False) for v in values):
            return self._function(*values)
        for compiled in self._compiled:
            if compiled.serves(values):
                return compiled.run(values)
        with self._lock:
            for compiled in self._compiled:
                if compiled.serves(values):
                    break
            else:
                dynamic = find_tokens(self._function, values)
                compiled = _compile_for(
                    self._function, self._signature, self._name, values, dynamic, None
                )
                self._compiled.append(compiled)
        return compiled.run(values)

    @property
    def kernels(self) -> tuple[TorchKernel, ...]:
        """What was compiled so far."""
        return tuple(self._compiled)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method's self, which may change, is no part of any code."""
        if instance is None:
            return self
        name = self._name

        def reject(*arguments: Any, **named: Any) -> Any:
            raise TypeError(f"jit: {name!r} is a method, accepted are functions of tensors")

        return reject


def jit(function: Callable[..., Any]) -> JitFunction:
    """`dsa_indexer.jit`, which documents it."""
    return JitFunction(function)


def _signature_of(function: Callable[..., Any]) -> inspect.Signature:
    if isinstance(function, torch.nn.Module):
        return inspect.signature(function.forward)
    return inspect.signature(function)


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isascii() and name.isidentifier() else "function"


def _bind(
    signature: inspect.Signature, arguments: Sequence[Any], named: Mapping[str, Any]
) -> list[Any]:
    """The arguments by position, defaults included."""
    bound = signature.bind(*arguments, **named)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"arguments by keyword only are not accepted: {', '.join(bound.kwargs)}")
    return list(bound.args)


def _names_of(signature: inspect.Signature, count: int) -> list[str]:
    names: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}{i}" for i in range(count - len(names))]
        else:
            names.append(parameter.name)
    return names


def _read_dynamic(
    dynamic: Dynamic, signature: inspect.Signature, values: Sequence[Any], function: str
) -> dict[int, tuple[int, ...]]:
    """Checks what the user gave as dynamic dimensions."""
    names = _names_of(signature, len(values))
    places: dict[int, tuple[int, ...]] = {}
    for key, given in dynamic.items():
        place = names.index(key) if key in names else key
        if not isinstance(place, int) or not 0 <= place < len(values):
            raise ValueError(
                f"from_torch(): 'dynamic' names argument {key!r} of {function}(), accepted are "
                f"{', '.join(names)} and 0 to {len(values) - 1}"
            )
        value = values[place]
        dims = (given,) if isinstance(given, int) else tuple(given)
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"from_torch(): 'dynamic' names {names[place]!r}, which is no tensor")
        rank = value.dim()
        if not all(-rank <= dim < rank for dim in dims):
            raise ValueError(
                f"from_torch(): 'dynamic' has dimensions {list(dims)} of {names[place]!r}, which "
                f"has {rank}"
            )
        places[place] = tuple(dim % rank for dim in dims)
    return places


def _is_same(value: Any, constant: Any) -> bool:
    return value is constant or (type(value) is type(constant) and bool(value == constant))
