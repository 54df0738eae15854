# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes linalg on tensors as text, op by op.

Knows no framework. An extent is an int, or a sympy expression for one that is
known at the call only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

__all__ = ["FunctionWriter", "Tensor", "Unsupported", "float32_reciprocal", "float_text"]


class Unsupported(Exception):
    """What is asked for has no text; str() says what and why."""


class Tensor(NamedTuple):
    """A tensor value of the function."""

    #: With '%'.
    name: str
    #: "bf16", "f16" or "f32".
    dtype: str
    shape: tuple[Any, ...]

    @property
    def type(self) -> str:
        return tensor_type(self.shape, self.dtype)


def tensor_type(shape: Sequence[Any], dtype: str) -> str:
    """Such as "tensor<?x64xf32>"."""
    extents = "".join(f"{e}x" if isinstance(e, int) else "?x" for e in shape)
    return f"tensor<{extents}{dtype}>"


def float_text(value: float) -> str:
    """`value`, rounded once to float32, as a constant that is read back
    exactly."""
    try:
        (bits,) = struct.unpack("<I", struct.pack("<f", value))
    except OverflowError:
        raise Unsupported(f"{value!r} is no float32") from None
    return f"0x{bits:08X} : f32"


def float32_reciprocal(value: float) -> float:
    """1 / value as float32 arithmetic gives it. That a double lies in between
    changes no bit of a quotient."""
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
        return 1.0 / float(rounded)
    except (OverflowError, ZeroDivisionError):
        raise Unsupported(f"a division by {value!r}") from None


class FunctionWriter:
    """One function, written front to back. SSA names are handed out here."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._arguments: list[str] = []
        self._lines: list[str] = []
        self._count = 0
        #: Values of extents and of constants that are written already.
        self._extents: dict[Any, str] = {}
        self._constants: dict[str, str] = {}

    def add_tensor(self, name: str, dtype: str, shape: tuple[Any, ...]) -> Tensor:
        """A tensor argument. Extents that are symbols are known from here."""
        tensor = Tensor(f"%{name}", dtype, shape)
        self._arguments.append(f"{tensor.name}: {tensor.type}")
        for dim, extent in enumerate(shape):
            if not isinstance(extent, int) and extent not in self._extents:
                index = self.constant(f"{dim} : index")
                self._extents[extent] = self.op(
                    f"tensor.dim {tensor.name}, {index} : {tensor.type}"
                )
        return tensor

    def add_scalar(self, name: str) -> str:
        """A float32 argument."""
        self._arguments.append(f"%{name}: f32")
        return f"%{name}"

    def op(self, text: str) -> str:
        """Writes "%new = text"; returns the name of its result. Names of
        arguments are identifiers, so that no number and no name with a point,
        as bodies have them, is one."""
        self._count += 1
        self._lines.append(f"%{self._count} = {text}")
        return f"%{self._count}"

    def constant(self, text: str) -> str:
        """A constant such as "0 : index"."""
        if text not in self._constants:
            self._constants[text] = self.op(f"arith.constant {text}")
        return self._constants[text]

    def extent(self, extent: Any) -> str:
        """The index value of a symbolic extent."""
        known = self._extents.get(extent)
        if known is None:
            if not getattr(extent, "is_Mul", False):
                raise Unsupported(f"the extent {extent} is not that of an argument")
            factors = [
                self.constant(f"{int(factor)} : index")
                if factor.is_Integer
                else self.extent(factor)
                for factor in extent.args
            ]
            known = factors[0]
            for factor in factors[1:]:
                known = self.op(f"arith.muli {known}, {factor} : index")
            self._extents[extent] = known
        return known

    def empty(self, shape: Sequence[Any], dtype: str) -> str:
        """An uninitialised tensor."""
        dynamic = ", ".join(self.extent(e) for e in shape if not isinstance(e, int))
        return self.op(f"tensor.empty({dynamic}) : {tensor_type(shape, dtype)}")

    def elementwise(
        self,
        operands: Sequence[Tensor],
        shape: Sequence[Any],
        dtype: str,
        compute: Callable[[list[str]], list[str]],
    ) -> Tensor:
        """One linalg.generic: operands broadcast to `shape`, each widened to
        float32; `compute` gives the lines on these that end in "... : f32",
        the last of which is the result, rounded once to `dtype`."""
        loops = [f"d{i}" for i in range(len(shape))]
        maps, blocks, lines, wide = [], [], [], []
        for number, operand in enumerate(operands):
            offset = len(shape) - len(operand.shape)
            results = [
                "0" if extent == 1 and shape[offset + dim] != 1 else loops[offset + dim]
                for dim, extent in enumerate(operand.shape)
            ]
            maps.append(f"affine_map<({', '.join(loops)}) -> ({', '.join(results)})>")
            blocks.append(f"%.i{number}: {operand.dtype}")
            name = f"%.i{number}"
            if operand.dtype != "f32":
                lines.append(f"%.w{number} = arith.extf {name} : {operand.dtype} to f32")
                name = f"%.w{number}"
            wide.append(name)
        maps.append(f"affine_map<({', '.join(loops)}) -> ({', '.join(loops)})>")
        blocks.append(f"%.o: {dtype}")
        result = wide[0]
        for number, line in enumerate(compute(wide)):
            result = f"%.r{number}"
            lines.append(f"{result} = {line}")
        if dtype != "f32":
            lines.append(f"%.n = arith.truncf {result} : f32 to {dtype}")
            result = "%.n"
        lines.append(f"linalg.yield {result} : {dtype}")
        empty = self.empty(shape, dtype)
        type_ = tensor_type(shape, dtype)
        names = ", ".join(operand.name for operand in operands)
        types = ", ".join(operand.type for operand in operands)
        body = "".join(f"    {line}\n" for line in lines)
        iterators = ", ".join(['"parallel"'] * len(shape))
        name = self.op(
            f"linalg.generic {{indexing_maps = [{', '.join(maps)}], "
            f"iterator_types = [{iterators}]}}\n"
            f"      ins({names} : {types}) outs({empty} : {type_}) {{\n"
            f"  ^bb0({', '.join(blocks)}):\n{body}  }} -> {type_}"
        )
        return Tensor(name, dtype, tuple(shape))

    def convert(self, tensor: Tensor, dtype: str) -> Tensor:
        """The same values as `dtype`, rounded once."""
        if tensor.dtype == dtype:
            return tensor
        return self.elementwise([tensor], tensor.shape, dtype, lambda _: [])

    def transpose(self, tensor: Tensor, permutation: Sequence[int]) -> Tensor:
        if list(permutation) == list(range(len(tensor.shape))):
            return tensor
        shape = tuple(tensor.shape[dim] for dim in permutation)
        moved = [dim for dim in permutation if tensor.shape[dim] != 1]
        if moved == sorted(moved):
            return self.reshape(tensor, shape)  # Only unit dimensions move.
        empty = self.empty(shape, tensor.dtype)
        name = self.op(
            f"linalg.transpose ins({tensor.name} : {tensor.type}) "
            f"outs({empty} : {tensor_type(shape, tensor.dtype)}) permutation = {list(permutation)}"
        )
        return Tensor(name, tensor.dtype, shape)

    def matmul(self, left: Tensor, right: Tensor) -> Tensor:
        """left [M, K] x right [K, N] with a float32 sum and result."""
        if left.dtype != right.dtype:
            raise Unsupported(f"a matmul of {left.dtype} and {right.dtype}")
        shape = (left.shape[0], right.shape[1])
        type_ = tensor_type(shape, "f32")
        empty = self.empty(shape, "f32")
        zero = self.constant("0.0 : f32")
        start = self.op(f"linalg.fill ins({zero} : f32) outs({empty} : {type_}) -> {type_}")
        name = self.op(
            f"linalg.matmul ins({left.name}, {right.name} : {left.type}, {right.type}) "
            f"outs({start} : {type_}) -> {type_}"
        )
        return Tensor(name, "f32", shape)

    def slice(self, tensor: Tensor, dim: int, start: int, size: Any, step: int) -> Tensor:
        """`size` elements along `dim`, beginning with `start`."""
        shape = list(tensor.shape)
        shape[dim] = size

        def listed(values: Sequence[Any]) -> str:
            return ", ".join(str(v) if isinstance(v, int) else self.extent(v) for v in values)

        offsets, strides = [0] * len(shape), [1] * len(shape)
        offsets[dim], strides[dim] = start, step
        type_ = tensor_type(shape, tensor.dtype)
        name = self.op(
            f"tensor.extract_slice {tensor.name}[{listed(offsets)}] [{listed(shape)}] "
            f"[{listed(strides)}] : {tensor.type} to {type_}"
        )
        return Tensor(name, tensor.dtype, tuple(shape))

    def reshape(self, tensor: Tensor, shape: Sequence[Any]) -> Tensor:
        """The same elements in row-major order, as a collapse and an expansion
        of groups of dimensions."""
        shape = tuple(shape)
        if shape == tensor.shape:
            return tensor
        groups = _match_groups(tensor.shape, shape)
        if groups is None:
            raise Unsupported(f"a reshape of {list(tensor.shape)} to {list(shape)}")
        old, new = [g[0] for g in groups], [g[1] for g in groups]
        middle = tuple(_product([tensor.shape[dim] for dim in group]) for group in old)
        name, type_ = tensor.name, tensor.type
        flat = tensor_type(middle, tensor.dtype)
        if len(old) < len(tensor.shape):
            name = self.op(f"tensor.collapse_shape {name} {old} : {type_} into {flat}")
        if len(new) < len(shape):
            sizes = ", ".join(str(e) if isinstance(e, int) else self.extent(e) for e in shape)
            name = self.op(
                f"tensor.expand_shape {name} {new} output_shape [{sizes}] "
                f": {flat} into {tensor_type(shape, tensor.dtype)}"
            )
        return Tensor(name, tensor.dtype, shape)

    def finish(self, results: Sequence[Tensor]) -> str:
        """The module's text."""
        types = ", ".join(result.type for result in results)
        names = ", ".join(result.name for result in results)
        body = "".join(f"  {line}\n" for line in self._lines)
        return (
            f"func.func @{self._name}({', '.join(self._arguments)}) -> ({types}) {{\n"
            f"{body}  return {names} : {types}\n}}\n"
        )


def _product(extents: Sequence[Any]) -> Any:
    """Of ints and expressions; an int where there are only these."""
    product: Any = 1
    for extent in extents:
        product = product * extent
    return int(product) if getattr(product, "is_Integer", False) else product


def _match_groups(
    old: Sequence[Any], new: Sequence[Any]
) -> Optional[list[tuple[list[int], list[int]]]]:
    """Splits both shapes into as many groups of neighbours with equal products;
    None if there is no such split, or a shape has no dimensions."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        left, right = [i], [j]
        i, j = i + 1, j + 1
        while (a := _product([old[d] for d in left])) != (b := _product([new[d] for d in right])):
            # The side with fewer factors grows; a symbol counts as larger than
            # any int.
            grows_left = _is_smaller(a, b)
            if grows_left and i < len(old):
                left.append(i)
                i += 1
            elif j < len(new):
                right.append(j)
                j += 1
            elif i < len(old):
                left.append(i)
                i += 1
            else:
                return None
        groups.append((left, right))
    if not groups:
        return None
    # What remains must be unit dimensions, which go with the last group.
    for rest, extents, side in ((range(i, len(old)), old, 0), (range(j, len(new)), new, 1)):
        for dim in rest:
            if extents[dim] != 1:
                return None
            groups[-1][side].append(dim)
    return groups


def _is_smaller(left: Any, right: Any) -> bool:
    """Whether `left` lacks factors that `right` has."""
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    symbols: list[set[Any]] = [getattr(value, "free_symbols", set()) for value in (left, right)]
    if symbols[0] != symbols[1]:
        return len(symbols[0]) < len(symbols[1])
    return bool((right / left).is_Integer)
