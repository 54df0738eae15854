# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch functions -> linalg text.

The text has the semantics of eager torch: a matmul of bfloat16 sums in float32
and rounds once; an elementwise op on bfloat16 computes in float32, with a
Python scalar rounded to float32 and not to bfloat16, and rounds once; a CUDA
division by a Python scalar multiplies by its float32 reciprocal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import torch

from ._linalg import FunctionWriter, Tensor, Unsupported, float32_reciprocal, float_text
from ._trace import Trace, source_line, trace

__all__ = [
    "BATCHED_MATMULS",
    "CONVERSIONS",
    "COPIES",
    "DIVISIONS",
    "Imported",
    "MATMULS",
    "PRODUCTS",
    "RESHAPES",
    "TRANSPOSES",
    "UnsupportedOp",
    "import_function",
    "import_nodes",
    "is_imported",
    "is_scalar",
]

_DTYPES = {torch.bfloat16: "bf16", torch.float16: "f16", torch.float32: "f32"}

_aten = torch.ops.aten

# The torch ops that can be written, by what they do.
MATMULS = (_aten.mm.default, _aten.mm.dtype)
BATCHED_MATMULS = (_aten.bmm.default, _aten.bmm.dtype)
PRODUCTS = (_aten.mul.Tensor, _aten.mul.Scalar)
DIVISIONS = (_aten.div.Tensor, _aten.div.Scalar)
CONVERSIONS = (_aten._to_copy.default, torch.ops.prims.convert_element_type.default)
TRANSPOSES = (_aten.t.default, _aten.permute.default, _aten.transpose.int)
RESHAPES = (
    _aten.view.default,
    _aten._unsafe_view.default,
    _aten.reshape.default,
    _aten.unsqueeze.default,
    _aten.squeeze.default,
    _aten.squeeze.dim,
    _aten.squeeze.dims,
)
COPIES = (
    _aten.clone.default, _aten.detach.default, _aten.alias.default, _aten.lift_fresh.default,
)  # fmt: skip


class UnsupportedOp(ValueError):
    """A torch op that is not imported; str() has its name, why, and the line of
    the user's code."""


class Imported(NamedTuple):
    """A function as MLIR."""

    text: str
    #: For each argument of the text: place among the arguments of the torch
    #: function, or a tensor that it holds (a parameter, a constant).
    sources: list[Any]
    #: True when the function returns one tensor and no tuple.
    is_single: bool


def import_function(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    dynamic: dict[int, tuple[int, ...]],
    name: str,
    names: Sequence[str] = (),
) -> Imported:
    """Imports `function` for arguments like these; `dynamic` as in `trace`,
    `names` are what the text calls the arguments.

    Floats become arguments of the text where the function multiplies tensors by
    them and does nothing else with them; else they are constants.
    """
    if any(type(argument) is float for argument in arguments):
        try:
            return _import_trace(trace(function, arguments, dynamic, True), name, names)
        except Exception:  # noqa: BLE001 - the user's function may do anything.
            pass
    return _import_trace(trace(function, arguments, dynamic, False), name, names)


def _import_trace(recorded: Trace, name: str, names: Sequence[str]) -> Imported:
    graph = recorded.module.graph
    (output,) = [node for node in graph.nodes if node.op == "output"]
    returned = output.args[0]
    is_single = not isinstance(returned, (tuple, list))
    results = [returned] if is_single else list(returned)
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    importer = _Importer(name)
    sources: list[Any] = []
    for place, node in zip(recorded.places, inputs):
        importer.add_input(node, names[place] if place < len(names) else "")
        sources.append(place)
    for node in graph.nodes:
        if node.op == "get_attr":
            held = getattr(recorded.module, node.target)
            importer.add_input(node, "", held)
            sources.append(held)
    needed = [node for node in graph.nodes if node.op == "call_function"]
    text = importer.finish(needed, results)
    free = {symbol for guard in recorded.shape_env.guards for symbol in guard.expr.free_symbols}
    if free:
        reason = recorded.shape_env.guards[0].expr
        raise UnsupportedOp(
            f"the function looks at the extent of a dynamic dimension ({reason}); "
            "make that dimension static"
        )
    return Imported(text, sources, is_single)


def import_nodes(
    nodes: Sequence[torch.fx.Node],
    inputs: Sequence[torch.fx.Node],
    results: Sequence[torch.fx.Node],
    name: str,
) -> str:
    """The text of a part of a graph: `nodes` in order, of `inputs`."""
    importer = _Importer(name)
    for node in inputs:
        importer.add_input(node, node.name)
    return importer.finish(nodes, results)


class _Spread(NamedTuple):
    """A tensor that stands for a batch of itself, as expand makes it. Only a
    batched matmul takes it, which then is no batch."""

    tensor: Tensor
    #: With the dimension of the batch in front.
    shape: tuple[Any, ...]


class _Importer:
    """Writes nodes of a graph whose meta["val"] are tensors without memory."""

    def __init__(self, name: str) -> None:
        self._writer = FunctionWriter(name)
        #: Tensors, and names of float32 scalars.
        self._values: dict[torch.fx.Node, Any] = {}

    def add_input(
        self, node: torch.fx.Node, name: str, held: Optional[torch.Tensor] = None
    ) -> None:
        """A node whose value is an argument of the text, called `name` if that
        can be written."""
        value = held if held is not None else node.meta["val"]
        if not (name.isascii() and name.isidentifier()):
            name = f"argument{len(self._values)}"
        if held is None and is_scalar(node):
            self._values[node] = self._writer.add_scalar(name)
            return
        dtype = _DTYPES.get(value.dtype)
        if dtype is None:
            raise UnsupportedOp(
                f"argument {name!r} is {value.dtype}, accepted are bfloat16, float16 and float32"
            )
        self._values[node] = self._writer.add_tensor(name, dtype, _shape_of(value))

    def finish(self, nodes: Sequence[torch.fx.Node], results: Sequence[Any]) -> str:
        used = _find_used(nodes, results)
        for node in nodes:
            if node in used:
                self._values[node] = self._write(node)
        tensors = []
        for result in results:
            tensor = self._values.get(result) if isinstance(result, torch.fx.Node) else None
            if not isinstance(tensor, Tensor):
                raise UnsupportedOp(f"the function returns {result!r}, expected a tensor")
            tensors.append(tensor)
        return self._writer.finish(tensors)

    def _write(self, node: torch.fx.Node) -> Any:
        if isinstance(node.meta.get("val"), torch.SymInt):
            return None  # Extents are read from the shapes of tensors.
        handler = _HANDLERS.get(node.target)
        if handler is None:
            raise UnsupportedOp(f"op {str(node.target)!r} is not imported{_where(node)}")
        try:
            return handler(self, node)
        except Unsupported as error:
            raise UnsupportedOp(f"op {str(node.target)!r}: {error}{_where(node)}") from None

    def _tensor(self, node: Any) -> Tensor:
        value = self._values.get(node) if isinstance(node, torch.fx.Node) else None
        if not isinstance(value, Tensor):
            raise Unsupported(f"an operand is {node!r}, expected a tensor")
        return value

    # One method an op; each returns the value of the node.

    def mm(self, node: torch.fx.Node) -> Tensor:
        left, right, *rest = _arguments_of(node)
        sums = self._writer.matmul(self._tensor(left), self._tensor(right))
        result = _dtype_of(node)
        if rest and result != "f32":
            raise Unsupported(f"out_dtype is {rest[0]}, accepted is torch.float32")
        return self._writer.convert(sums, result)

    def bmm(self, node: torch.fx.Node) -> Tensor:
        """One matmul, of all rows of the batch, where there is one weight."""
        left, right, *rest = _arguments_of(node)
        rows = self._tensor(left)
        batch, count, depth = rows.shape
        weight = self._values.get(right)
        if isinstance(weight, _Spread):
            columns = weight.tensor
        elif batch == 1:
            columns = self._tensor(right)
            columns = self._writer.reshape(columns, columns.shape[1:])
        else:
            raise Unsupported("each matrix of the batch has a weight of its own")
        result = _dtype_of(node)
        if rest and result != "f32":
            raise Unsupported(f"out_dtype is {rest[0]}, accepted is torch.float32")
        sums = self._writer.matmul(self._writer.reshape(rows, (batch * count, depth)), columns)
        return self._writer.reshape(self._writer.convert(sums, result), _shape_of(node.meta["val"]))

    def multiply(self, node: torch.fx.Node) -> Tensor:
        return self._arithmetic(node, "arith.mulf")

    def divide(self, node: torch.fx.Node) -> Tensor:
        if node.kwargs:
            raise Unsupported("a rounding mode")
        divisor = _arguments_of(node)[1]
        if node.meta["val"].is_cuda and not isinstance(divisor, torch.fx.Node):
            return self._arithmetic(node, "arith.mulf", float32_reciprocal(divisor))
        if node.meta["val"].is_cuda and not isinstance(self._values.get(divisor), Tensor):
            raise Unsupported("a division by a float argument")
        return self._arithmetic(node, "arith.divf")

    def _arithmetic(self, node: torch.fx.Node, op: str, second: Any = None) -> Tensor:
        """left op right, where either may be a number."""
        operands: list[Tensor] = []
        order: list[Any] = []
        for argument in (node.args[0], node.args[1] if second is None else second):
            value = self._values.get(argument) if isinstance(argument, torch.fx.Node) else argument
            if isinstance(value, Tensor):
                order.append(len(operands))
                operands.append(value)
            elif isinstance(value, str):
                order.append(value)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                order.append(self._writer.constant(float_text(value)))
            else:
                raise Unsupported(f"an operand is {argument!r}, expected a tensor or a number")
        if not operands:
            raise Unsupported("no operand is a tensor")

        def compute(wide: list[str]) -> list[str]:
            left, right = (wide[o] if isinstance(o, int) else o for o in order)
            return [f"{op} {left}, {right} : f32"]

        shape = _shape_of(node.meta["val"])
        return self._writer.elementwise(operands, shape, _dtype_of(node), compute)

    def reshape(self, node: torch.fx.Node) -> Any:
        source: Any = node.args[0]
        spread = self._values.get(source)
        if isinstance(spread, _Spread) and spread.shape == _shape_of(node.meta["val"]):
            return spread
        return self._writer.reshape(self._tensor(node.args[0]), _shape_of(node.meta["val"]))

    def transpose(self, node: torch.fx.Node) -> Tensor:
        arguments = _arguments_of(node)
        tensor = self._tensor(arguments[0])
        rank = len(tensor.shape)
        order = list(range(rank))
        if node.target is _aten.permute.default:
            order = [dim % rank for dim in arguments[1]]
        elif node.target is _aten.t.default:
            order.reverse()
        else:
            first, second = arguments[1] % rank, arguments[2] % rank
            order[first], order[second] = order[second], order[first]
        return self._writer.transpose(tensor, order)

    def convert(self, node: torch.fx.Node) -> Any:
        scalar = self._values.get(_arguments_of(node)[0])
        if isinstance(scalar, str) and _dtype_of(node) == "f32":
            return scalar  # A call rounds it to float32.
        return self._writer.convert(self._tensor(node.args[0]), _dtype_of(node))

    def slice(self, node: torch.fx.Node) -> Tensor:
        tensor = self._tensor(node.args[0])
        given: list[Any] = [*_arguments_of(node), *(None, 0, None, None, 1)[len(node.args) :]]
        _, dim, start, _, step = given
        start = 0 if start is None else start
        if not isinstance(dim, int) or not isinstance(start, int) or not isinstance(step, int):
            raise Unsupported("a slice whose bounds are not numbers")
        dim %= len(tensor.shape)
        extent, size = tensor.shape[dim], _shape_of(node.meta["val"])[dim]
        if start == 0 and step == 1 and size == extent:
            return tensor
        if not isinstance(extent, int) or not isinstance(size, int):
            raise Unsupported("a slice of a dynamic dimension")
        start = max(start + extent, 0) if start < 0 else start
        return self._writer.slice(tensor, dim, start, size, step)

    def select(self, node: torch.fx.Node) -> Tensor:
        tensor = self._tensor(node.args[0])
        dim, index = node.args[1], node.args[2]
        if not isinstance(dim, int) or not isinstance(index, int):
            raise Unsupported("an index that is no number")
        dim %= len(tensor.shape)
        extent = tensor.shape[dim]
        if not isinstance(extent, int):
            raise Unsupported("an index into a dynamic dimension")
        one = self._writer.slice(tensor, dim, index % extent, 1, 1)
        return self._writer.reshape(one, _shape_of(node.meta["val"]))

    def same(self, node: torch.fx.Node) -> Tensor:
        return self._tensor(node.args[0])

    def expand(self, node: torch.fx.Node) -> Any:
        tensor, shape = self._tensor(node.args[0]), _shape_of(node.meta["val"])
        if tensor.shape == shape:
            return tensor
        if shape == (1, *tensor.shape):
            return self._writer.reshape(tensor, shape)
        extra = tensor.shape[: len(tensor.shape) - len(shape) + 1]
        if len(shape) == 3 and tensor.shape[-2:] == shape[1:] and extra in ((), (1,)):
            return _Spread(self._writer.reshape(tensor, shape[1:]), shape)
        raise Unsupported("a copy of elements; multiply by the tensor itself")


_HANDLERS: dict[Any, Callable[[_Importer, torch.fx.Node], Any]] = {}
for _method, _ops in (
    (_Importer.mm, MATMULS),
    (_Importer.bmm, BATCHED_MATMULS),
    (_Importer.multiply, PRODUCTS),
    (_Importer.divide, DIVISIONS),
    (_Importer.reshape, RESHAPES),
    (_Importer.transpose, TRANSPOSES),
    (_Importer.convert, CONVERSIONS),
    (_Importer.slice, (_aten.slice.Tensor,)),
    (_Importer.select, (_aten.select.int,)),
    (_Importer.same, COPIES),
    (_Importer.expand, (_aten.expand.default,)),
):
    for _op in _ops:
        _HANDLERS[_op] = _method


def _arguments_of(node: torch.fx.Node) -> list[Any]:
    return list(node.args)


def is_scalar(node: Any) -> bool:
    """True for a number in host memory, which a kernel takes by value."""
    value = node.meta.get("val") if isinstance(node, torch.fx.Node) else None
    return (
        isinstance(value, torch.Tensor)
        and value.dim() == 0
        and value.device.type == "cpu"
        and value.dtype in (torch.float64, torch.float32)
        and node.op == "placeholder"
    )


def is_imported(op: Any) -> bool:
    """True for a torch op that can be written."""
    return op in _HANDLERS


def _find_used(nodes: Sequence[torch.fx.Node], results: Sequence[Any]) -> set[torch.fx.Node]:
    """The nodes that the results need: the rest, such as checks, is not
    written."""
    used = {result for result in results if isinstance(result, torch.fx.Node)}
    for node in reversed(nodes):
        if node in used:
            used.update(node.all_input_nodes)
    return used


def _shape_of(value: torch.Tensor) -> tuple[Any, ...]:
    """Ints, and sympy expressions for the extents that are open."""
    shape: list[Any] = []
    for extent in value.shape:
        if isinstance(extent, int):
            shape.append(extent)
            continue
        expression = extent.node.expr
        shape.append(int(expression) if expression.is_Integer else expression)
    return tuple(shape)


def _dtype_of(node: torch.fx.Node) -> str:
    dtype = node.meta["val"].dtype
    if dtype not in _DTYPES:
        raise Unsupported(f"the result is {dtype}, accepted are bfloat16, float16 and float32")
    return _DTYPES[dtype]


def _where(node: torch.fx.Node) -> str:
    line = source_line(node)
    return f" ({line})" if line else ""
