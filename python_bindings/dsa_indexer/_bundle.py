# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a bundle says of itself: code objects, schedule, shapes of results.

docs/bundle-format.md describes the bytes and the keys of the description.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple, Optional, Sequence, Union

from . import _native

__all__ = ["BundleView", "KernelSchedule", "ResultShapes", "Value"]

#: Bytes after the last code object: the checksum.
_TRAILER_SIZE = 4


class Value(NamedTuple):
    """An argument or result of the entry function."""

    #: Its name in the IR, without '%'; "result0" and so on for results.
    name: str
    #: "bf16", "f16", "f32" or "f64".
    dtype: str
    #: Extents of a tensor, None where any is accepted; None for a scalar.
    shape: Optional[tuple[Optional[int], ...]]

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.name}: {self.dtype}"
        extents = ", ".join("?" if e is None else str(e) for e in self.shape)
        return f"{self.name}: {self.dtype}[{extents}]"

    @staticmethod
    def read(description: dict[str, Any]) -> Value:
        """Reads {"name", "type", "shape"} of a description."""
        shape = description.get("shape")
        return Value(
            description["name"],
            description["type"],
            None if shape is None else tuple(shape),
        )


class KernelSchedule(NamedTuple):
    """One compiled kernel and the token counts T that it serves."""

    #: Number of the fused op in the entry function.
    op: int
    #: Name of the function in the machine code.
    kernel: str
    #: Family of the schedule, such as "plain".
    family: str
    #: Serves min_tokens <= T <= max_tokens.
    min_tokens: int
    max_tokens: int
    #: Tokens and heads that one block computes.
    tile_t: int
    tile_h: int
    #: True when grid.x runs over the heads.
    heads_first: bool
    #: Threads of a block, blocks of a cluster.
    threads: int
    cluster: int
    #: Of one thread: registers, and bytes spilled to local memory.
    registers: int
    spill_bytes: int
    #: Shared memory of a block in bytes: static, and asked for at the launch.
    shared_bytes: int
    dynamic_shared_bytes: int
    #: Order of the sum over d, in words: kernels of one order give the same bits.
    order: str


class _Quotient(NamedTuple):
    """An extent of a result: the product of dimensions of one argument, divided
    by what the result's other dimensions already have of it."""

    argument: int
    dims: tuple[int, ...]
    divisor: int


#: Rule for one extent of a result: known, or computed.
_Extent = Union[int, _Quotient]


class BundleView:
    """A bundle's bytes and what they say. Immutable."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.native = _native.Bundle(data)
        self.description: dict[str, Any] = json.loads(self.native.describe())
        self.entry: str = self.description["entry"]
        self.arguments = tuple(map(Value.read, self.description["arguments"]))
        self.results = tuple(map(Value.read, self.description["results"]))

    def objects(self) -> dict[str, bytes]:
        """The bytes of the code objects of the first chip, one after the other,
        by format ("cubin", "ptx"): each fused op has its own."""
        listed = self.description["objects"]
        offset = len(self.data) - _TRAILER_SIZE - sum(o["size"] for o in listed)
        found: dict[str, bytes] = {}
        for code in listed:
            if code["chip"] == listed[0]["chip"]:
                data = self.data[offset : offset + code["size"]]
                found[code["format"]] = found.get(code["format"], b"") + data
            offset += code["size"]
        return found

    @property
    def assembler(self) -> str:
        """Who made the machine code, such as "ptxas 13.0.88"; "" for PTX."""
        return str(self.description["objects"][0]["assembler"])

    def schedule(self) -> tuple[KernelSchedule, ...]:
        """The launch table, in order."""
        return tuple(
            KernelSchedule(
                op=op,
                kernel=launch["kernel"],
                family=launch["family"],
                min_tokens=launch["min_tokens"],
                max_tokens=launch["max_tokens"],
                tile_t=launch["tile_t"],
                tile_h=launch["tile_h"],
                heads_first=launch["heads_first"],
                threads=launch["threads"],
                cluster=launch["cluster"],
                registers=launch["resources"]["registers"],
                spill_bytes=launch["resources"]["spill_bytes"],
                shared_bytes=launch["resources"]["shared_bytes"],
                dynamic_shared_bytes=launch["dynamic_shared_bytes"],
                order=launch.get("order", ""),
            )
            for op, kernel in enumerate(self.description["kernels"])
            for launch in kernel["launches"]
        )


class ResultShapes:
    """How the results of a bundle get their shapes. Immutable."""

    def __init__(self, description: dict[str, Any]) -> None:
        """`description` is that of a bundle, or of a loaded kernel."""
        self._kernels = description["kernels"]
        self._shapes = [Value.read(result).shape for result in description["results"]]
        self._rules = [self._rule(number) for number in range(len(self._shapes))]

    def of(self, values: Sequence[Any]) -> Optional[list[tuple[int, ...]]]:
        """Shapes of the results for these arguments, of which only the ranks
        and extents that are needed are read; None when the bundle does not
        determine them. Arguments that do not fit give shapes that do not fit,
        which the launch reports."""
        shapes: list[tuple[int, ...]] = []
        for rule in self._rules:
            if rule is None:
                return None
            shape: list[int] = []
            for extent in rule:
                if isinstance(extent, int):
                    shape.append(extent)
                    continue
                given = getattr(values[extent.argument], "shape", ())
                if len(given) <= max(extent.dims):
                    shape.append(0)
                    continue
                total = 1
                for dim in extent.dims:
                    total *= given[dim]
                shape.append(total // extent.divisor)
            shapes.append(tuple(shape))
        return shapes

    def _rule(self, number: int) -> Optional[list[_Extent]]:
        """How result `number` gets its extents, None if that is not known. A
        result is a reshape of what a kernel writes over the loops (t, h); a
        loop's extent is that of an argument."""
        shape = self._shapes[number]
        assert shape is not None, "results are tensors"
        rule: list[Optional[_Extent]] = list(shape)
        for kernel in self._kernels:
            # A kernel of several fused ops has a result of each.
            operands = [operand for operand in kernel["operands"] if "argument" in operand]
            own = [operand for operand in kernel["operands"] if operand.get("result") == number]
            if not own:
                continue
            written = own[0]
            # Others have other heads than this one.
            operands = [
                operand
                for operand in operands
                if "h" not in operand["loops"] or operand.get("heads") == written.get("heads")
            ]
            for loop, group in zip(written["loops"], written["groups"]):
                unknown = [dim for dim in group if shape[dim] is None]
                if len(unknown) == 1:
                    known = math.prod(shape[dim] or 1 for dim in group if dim != unknown[0])
                    rule[unknown[0]] = _find_loop(operands, loop, known)
            grouped = {dim for group in written["groups"] for dim in group}
            for dim, extent in enumerate(shape):
                if extent is None and dim not in grouped:
                    rule[dim] = 1
        complete = [extent for extent in rule if extent is not None]
        return complete if len(complete) == len(rule) else None


def _find_loop(operands: list[dict[str, Any]], loop: str, divisor: int) -> Optional[_Quotient]:
    """Where the extent of `loop` is read, divided by `divisor`."""
    for operand in operands:
        for name, group in zip(operand["loops"], operand["groups"]):
            if name == loop and group and divisor > 0:
                return _Quotient(operand["argument"], tuple(group), divisor)
    return None
