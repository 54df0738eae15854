# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds head gates in a graph of aten ops, as torch.compile has it.

A chain begins at a matmul and goes on through products, divisions, conversions
and reshapes while each result has one use:

    mm(x, permute(weight)) -> mul(., a) -> unsqueeze -> mul(., q_scale) -> mul(., b)

It is imported by the frontend and fused by the compiler, which has the last
word: what it does not fuse is declined with its reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import torch

from .. import _compile, _devices
from .._errors import CompileError, CudaError
from .._kernel import Kernel
from ._trace import source_line
from .torch import (
    BATCHED_MATMULS,
    CONVERSIONS,
    DIVISIONS,
    MATMULS,
    PRODUCTS,
    RESHAPES,
    TRANSPOSES,
    UnsupportedOp,
    import_nodes,
    is_imported,
    is_scalar,
)

__all__ = ["Chain", "Decision", "PlainGate", "chain_kernel", "find_chains"]

_aten = torch.ops.aten
_ROOTS = (*MATMULS, *BATCHED_MATMULS)
#: Matmuls that are told about, and never fused.
_OTHER_ROOTS = {
    _aten.addmm.default: "bias: the matmul adds a bias",
}
_FOLLOWERS = (*PRODUCTS, *DIVISIONS, *CONVERSIONS, *RESHAPES)

#: Most heads that a matmul is taken for a head gate with: the kernels are made
#: for narrow weights.
MAX_HEADS = 512


class PlainGate(NamedTuple):
    """A chain that is the operator dsa_indexer::head_gate, bit for bit."""

    x: torch.fx.Node
    weight: torch.fx.Node
    q_scale: torch.fx.Node
    softmax_scale: float
    head_scale: float


class Chain(NamedTuple):
    """A chain that the compiler fuses."""

    #: In the order of the graph; the last one is the gate.
    nodes: list[torch.fx.Node]
    inputs: list[torch.fx.Node]
    text: str
    #: The operator's arguments, None for another chain.
    plain: Optional[PlainGate]


class Decision(NamedTuple):
    """What was done about one matmul."""

    is_fused: bool
    #: Such as "aten.mm.default".
    op: str
    #: "file:line" of the user's code, "" if it is not known.
    line: str
    #: "name: sentence".
    reason: str

    def __str__(self) -> str:
        place = f"{self.line}: " if self.line else ""
        return f"{place}{self.op}: {'fused' if self.is_fused else 'declined'}, {self.reason}"


def _make_kernel(text: str, chip: Optional[str]) -> Kernel:
    return _compile.compile(text, chip=chip, name="chain.mlir")


_kernels = _compile.KernelTable(_make_kernel)


def chain_kernel(text: str, chip: Optional[str]) -> Kernel:
    """The kernel of a chain's text, made at its first use. Thread-safe."""
    return _kernels.find(text, chip)


def find_chains(graph: torch.fx.Graph) -> tuple[list[Chain], list[Decision]]:
    """All chains of a graph, and a decision for each of its matmuls."""
    chains: list[Chain] = []
    decisions: list[Decision] = []
    taken: set[torch.fx.Node] = set()
    order = {node: number for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        if node.target in _OTHER_ROOTS:
            decisions.append(_decide(node, False, _OTHER_ROOTS[node.target]))
        if node.target not in _ROOTS:
            continue
        try:
            chain = _find_chain(node, order)
            if not taken.isdisjoint(chain.nodes):
                raise _Declined("overlap: another chain has some of its ops")
        except _Declined as declined:
            decisions.append(_decide(node, False, str(declined)))
            continue
        chains.append(chain)
        # Widenings and views of inputs may serve several.
        taken.update(n for n in chain.nodes if order[n] >= order[node])
        what = "one call of dsa_indexer::head_gate" if chain.plain else "one kernel"
        decisions.append(_decide(node, True, f"{len(chain.nodes)} ops became {what}"))
    return chains, decisions


def _decide(node: torch.fx.Node, is_fused: bool, reason: str) -> Decision:
    return Decision(is_fused, str(node.target), source_line(node), reason)


class _Declined(Exception):
    """Why a matmul begins no chain."""


def _find_chain(root: torch.fx.Node, order: dict[torch.fx.Node, int]) -> Chain:
    heads = root.meta["val"].shape[-1]
    if isinstance(heads, int) and heads > MAX_HEADS:
        raise _Declined(f"heads: the weight has {heads} rows, accepted are at most {MAX_HEADS}")
    if root.target in BATCHED_MATMULS and not _has_one_weight(root):
        raise _Declined("batch: each matrix of the batch has a weight of its own")
    tail = _follow(root)
    follower = _follower(tail[-1] if tail else root)
    while tail and tail[-1].meta["val"].dtype != torch.float32:
        tail.pop()
    if not any(_factor_of(node, tail) is not None for node in tail):
        users = len(root.users)
        if users > 1:
            raise _Declined(f"multiple-uses: the matmul result has {users} uses")
        raise _Declined(
            "no-scale: no tensor scales the matmul result in float32"
            + (f" before {follower!r}" if follower else "")
        )
    last = tail[-1]
    if not last.meta["val"].is_contiguous():
        raise _Declined("layout: the result is not contiguous")
    nodes = sorted({*_precede(root), root, *tail, *_scalars_of(tail)}, key=order.__getitem__)
    inside = set(nodes)
    inputs = [
        node
        for node in dict.fromkeys(n for node in nodes for n in node.all_input_nodes)
        if node not in inside and isinstance(node.meta.get("val"), torch.Tensor)
    ]
    try:
        text = import_nodes(nodes, inputs, [last], "chain")
        kernel = chain_kernel(text, _devices.chip_of(last.meta["val"]))
        if last.meta["val"].is_cuda:
            kernel.bundle  # There is machine code, or an error.
    except (UnsupportedOp, CompileError, CudaError) as error:
        raise _Declined(f"not-imported: {error}") from None
    fusion = [r for r in kernel.remarks if r.category == "indexer-fusion"]
    if not fusion or any(remark.kind != "passed" for remark in fusion):
        missed = [r.text for r in fusion if r.kind != "passed"]
        reason = missed[0] if missed else "Reason=not-fused: the compiler found no chain"
        raise _Declined(reason.removeprefix("Reason=").strip('"'))
    return Chain(nodes, inputs, text, _match_plain(root, tail))


def _follow(root: torch.fx.Node) -> list[torch.fx.Node]:
    """What scales, converts and reshapes the matmul result, in order."""
    found: list[torch.fx.Node] = []
    node = root
    while len(node.users) == 1:
        (user,) = node.users
        if user.op != "call_function" or not (
            user.target in _FOLLOWERS or _moves_units_only(user)
        ):
            break
        if user.target in DIVISIONS and (user.args[0] is not node or user.kwargs):
            break
        if list(user.all_input_nodes).count(node) != 1 or user.args.count(node) != 1:
            break
        found.append(user)
        node = user
    return found


def _moves_units_only(node: torch.fx.Node) -> bool:
    """True for a permutation of dimensions that changes no order of elements."""
    if node.target is not _aten.permute.default:
        return False
    source: Any = node.args[0]
    order: Any = node.args[1]
    shape = source.meta["val"].shape
    moved = [dim for dim in order if not (isinstance(shape[dim], int) and shape[dim] == 1)]
    return moved == sorted(moved)


def _has_one_weight(root: torch.fx.Node) -> bool:
    """True when all matrices of a batched matmul have the same weight."""
    weight: Any = root.args[1]
    if weight.meta["val"].shape[0] == 1:
        return True
    while weight.target in (_aten.view.default, _aten.expand.default):
        if weight.target is _aten.expand.default:
            return True
        weight = weight.args[0]
    return False


def _follower(node: torch.fx.Node) -> str:
    """The op that a chain ended before, "" where it ended at several or at the
    end of the graph."""
    ops = {str(user.target) for user in node.users if user.op == "call_function"}
    return ops.pop() if len(ops) == len(node.users) == 1 else ""


def _precede(root: torch.fx.Node) -> set[torch.fx.Node]:
    """The views and widenings that make the matmul's operands."""
    found: set[torch.fx.Node] = set()
    for operand in root.args[:2]:
        node: Any = operand
        while isinstance(node, torch.fx.Node) and node.op == "call_function":
            is_view = node.target in (*TRANSPOSES, _aten.expand.default) or (
                node.target in _FOLLOWERS and node.target not in (*PRODUCTS, *DIVISIONS)
            )
            if not is_view or not is_imported(node.target):
                break
            source = node.args[0]
            if node.target in CONVERSIONS and not (
                isinstance(source, torch.fx.Node)
                and source.meta["val"].dtype in (torch.bfloat16, torch.float16)
                and node.meta["val"].dtype == torch.float32
            ):
                break
            found.add(node)
            node = source
    return found


def _scalars_of(tail: list[torch.fx.Node]) -> set[torch.fx.Node]:
    """Conversions of host scalars, as torch.compile keeps a float that varies."""
    return {
        operand
        for node in tail
        for operand in node.all_input_nodes
        if operand.target in CONVERSIONS
        and operand.meta["val"].dtype == torch.float32
        and is_scalar(operand.args[0])
    }


def _factor_of(node: torch.fx.Node, tail: list[torch.fx.Node]) -> Optional[torch.fx.Node]:
    """The tensor that a product of the chain multiplies by in float32."""
    if node.target not in PRODUCTS or node.meta["val"].dtype != torch.float32:
        return None
    for operand in node.args:
        if isinstance(operand, torch.fx.Node) and operand not in tail:
            if operand.meta["val"].dim() > 0 and operand.target not in _ROOTS:
                return operand
    return None


def _match_plain(root: torch.fx.Node, tail: list[torch.fx.Node]) -> Optional[PlainGate]:
    """The chain as ((sum * a) * q_scale) * b, all in float32; None when it is
    another one. A missing factor is 1.0, which changes no bit."""
    x, weight = (_without_widening(operand) for operand in root.args[:2])
    if root.meta["val"].dtype != torch.float32 or x is None or weight is None:
        return None
    if root.target in BATCHED_MATMULS:
        return None
    if weight.target not in TRANSPOSES or weight.meta["val"].dim() != 2:
        return None
    if weight.target is _aten.permute.default and weight.args[1] != [1, 0]:
        return None
    rows = _without_widening(weight.args[0])
    if rows is None or x.meta["val"].dim() != 2:
        return None
    before, after, scale = 1.0, 1.0, None
    numbers = [0, 0]
    for node in tail:
        if node.target in PRODUCTS:
            factor = _factor_of(node, tail)
            if factor is not None:
                if scale is not None:
                    return None
                scale = factor
                continue
            (number,) = [a for a in node.args if not isinstance(a, torch.fx.Node)] or [None]
            if not isinstance(number, (int, float)):
                return None
            numbers[scale is not None] += 1
            if scale is None:
                before = float(number)
            else:
                after = float(number)
        elif node.target in DIVISIONS or node.target in CONVERSIONS:
            return None
    if scale is None or max(numbers) > 1:
        return None
    shape, wanted = list(scale.meta["val"].shape), list(root.meta["val"].shape)
    if shape not in (wanted, [*wanted, 1]):
        return None
    if scale.meta["val"].dtype not in (torch.float32, torch.bfloat16, torch.float16):
        return None
    return PlainGate(x, rows, scale, after, before)


def _without_widening(node: Any) -> Optional[torch.fx.Node]:
    """The bfloat16 or float16 tensor that `node` widens, else itself."""
    if not isinstance(node, torch.fx.Node):
        return None
    if node.target in CONVERSIONS and node.meta["val"].dtype == torch.float32:
        source = node.args[0]
        if isinstance(source, torch.fx.Node) and source.meta["val"].dtype in (
            torch.bfloat16,
            torch.float16,
        ):
            return source
    return node
