# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Head gates of a user's model inside torch.compile.

A pass over Inductor's graph of aten ops, before Inductor's own, exchanges each
chain for one call: of the operator head_gate where that is what the chain
computes, else of the operator `chain`, whose argument is the chain's MLIR. Both
keep the bits of eager torch, but for the order of the sum over the hidden
elements.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Optional, cast

import torch
from torch._inductor import config
from torch._inductor.custom_graph_pass import CustomGraphPass

from .. import _devices
from .. import torch as operators
from ._chains import Chain, Decision, chain_kernel, find_chains

__all__ = ["Explanation", "HeadGatePass", "backend", "disable", "enable", "explain"]

_library = torch.library.Library("dsa_indexer", "FRAGMENT")
# The text is the whole of what is called, so that a graph in Inductor's cache
# needs nothing of the process that made it.
_library.define(
    "chain(str text, Tensor[] inputs, SymInt[] shape) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)


def _run_chain(text: str, inputs: Sequence[torch.Tensor], shape: Sequence[int]) -> Any:
    chip = next((c for c in map(_devices.chip_of, inputs) if c), None)
    kernel = chain_kernel(text, chip)
    scalars = [argument.shape is None for argument in kernel.arguments]
    return kernel(*(v.item() if scalar else v for v, scalar in zip(inputs, scalars)))


for _key in ("CPU", "CUDA"):
    _library.impl("chain", _run_chain, _key)


@torch.library.register_fake("dsa_indexer::chain", lib=_library)
def _fake_chain(text: str, inputs: Sequence[torch.Tensor], shape: Sequence[Any]) -> torch.Tensor:
    device = next((tensor.device for tensor in inputs if tensor.dim()), "cpu")
    return torch.empty(shape, dtype=torch.float32, device=device)


@functools.lru_cache(maxsize=None)
def _hash_of_package() -> bytes:
    """Of the files of this package that decide what a graph becomes, the
    compiler among them."""
    package = pathlib.Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted((*package.rglob("*.py"), *package.glob("*.so"))):
        digest.update(path.name.encode())
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.digest()


#: What torch._inductor.config has for a pass: none, one, or several.
_Passes = Any


class HeadGatePass(CustomGraphPass):
    """Exchanges head gates in a graph; runs after what was set before."""

    def __init__(self, before: _Passes = None, decisions: Optional[list[Decision]] = None) -> None:
        self._before, self._decisions = before, decisions

    @property
    def before(self) -> _Passes:
        """What was set before."""
        return self._before

    def _passes_before(self) -> Sequence[Callable[[torch.fx.Graph], Any]]:
        if self._before is None:
            return ()
        return self._before if isinstance(self._before, (list, tuple)) else (self._before,)

    def __call__(self, graph: torch.fx.Graph) -> None:
        for other in self._passes_before():
            other(graph)
        chains, decisions = find_chains(graph)
        if self._decisions is not None:
            self._decisions += decisions
        for chain in chains:
            _exchange(graph, chain)
        if chains:
            graph.eliminate_dead_code()
            graph.lint()

    def uuid(self) -> Optional[Any]:
        """Changes with anything that changes what the pass does; None, which
        turns Inductor's cache off, when a pass before cannot say so."""
        others = [getattr(other, "uuid", lambda: None)() for other in self._passes_before()]
        if None in others:
            return None
        return (*others, _hash_of_package()) if others else _hash_of_package()


def _exchange(graph: torch.fx.Graph, chain: Chain) -> None:
    """One call for the nodes of a chain."""
    last = chain.nodes[-1]
    value = last.meta["val"]
    with graph.inserting_before(last):
        if chain.plain is not None:
            gate = _call_head_gate(graph, chain)
        else:
            shape = [_extent(graph, extent, chain.inputs) for extent in value.shape]
            gate = graph.call_function(
                torch.ops.dsa_indexer.chain.default, (chain.text, list(chain.inputs), shape)
            )
        gate.meta.update({k: v for k, v in last.meta.items() if k in ("stack_trace", "val")})
        if chain.plain is not None and value.dim() == 2:
            # The chain's [T, H] is the operator's [T, H, 1].
            gate.meta["val"] = value.unsqueeze(-1)
            gate = graph.call_function(torch.ops.aten.squeeze.dim, (gate, -1))
            gate.meta.update({k: v for k, v in last.meta.items() if k in ("stack_trace", "val")})
    last.replace_all_uses_with(gate)


def _call_head_gate(graph: torch.fx.Graph, chain: Chain) -> torch.fx.Node:
    assert chain.plain is not None, "checked by the caller"
    return graph.call_function(operators.head_gate, tuple(chain.plain))


def _extent(graph: torch.fx.Graph, extent: Any, inputs: Sequence[torch.fx.Node]) -> Any:
    """An extent of the result, read from an input when it is not known."""
    if isinstance(extent, int):
        return extent
    for node in inputs:
        for dim, other in enumerate(node.meta["val"].shape):
            if not isinstance(other, int) and other.node.expr == extent.node.expr:
                size = graph.call_function(torch.ops.aten.sym_size.int, (node, dim))
                size.meta["val"] = other
                return size
    raise AssertionError("the importer takes extents of inputs only")


def backend(
    module: torch.fx.GraphModule, inputs: Sequence[Any], **options: Any
) -> Callable[..., Any]:
    """`torch.compile(model, backend="indexer")`: Inductor with our pass, and
    with the modes and options of Inductor."""
    from torch._inductor.compile_fx import compile_fx

    before = config.post_grad_custom_pre_pass
    ours = before if isinstance(before, HeadGatePass) else HeadGatePass(before)
    mode = options.pop("mode", None)
    patches = {
        **(torch._inductor.list_mode_options(mode) if mode else {}),
        **options.pop("options", {}),
        "post_grad_custom_pre_pass": ours,
    }
    compiled: Any = compile_fx(module, inputs, config_patches=patches, **options)
    return cast("Callable[..., Any]", compiled)


def enable() -> None:
    """`dsa_indexer.enable`, which documents it."""
    before = config.post_grad_custom_pre_pass
    if not isinstance(before, HeadGatePass):
        config.post_grad_custom_pre_pass = HeadGatePass(before)


def disable() -> None:
    """`dsa_indexer.disable`, which documents it."""
    current = config.post_grad_custom_pre_pass
    if isinstance(current, HeadGatePass):
        config.post_grad_custom_pre_pass = current.before


def is_enabled() -> bool:
    """True between `enable` and `disable`."""
    return isinstance(config.post_grad_custom_pre_pass, HeadGatePass)


class Explanation(NamedTuple):
    """What torch.compile with our pass makes of a model's matmuls."""

    decisions: tuple[Decision, ...]

    @property
    def fused(self) -> tuple[Decision, ...]:
        """The matmuls that became part of one call."""
        return tuple(d for d in self.decisions if d.is_fused)

    @property
    def declined(self) -> tuple[Decision, ...]:
        """The others, each with its reason."""
        return tuple(d for d in self.decisions if not d.is_fused)

    def __str__(self) -> str:
        if not self.decisions:
            return "no matmul found"
        return "\n".join(map(str, self.decisions))


def explain(model: Callable[..., Any], *arguments: Any, **named: Any) -> Explanation:
    """`dsa_indexer.explain`, which documents it."""
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd
    from torch._inductor.decomposition import select_decomp_table

    decisions: list[Decision] = []
    look = HeadGatePass(decisions=decisions)

    def compiler(module: torch.fx.GraphModule, inputs: Any) -> Any:
        look(module.graph)
        module.recompile()
        return make_boxed_func(module.forward)

    with _fresh_dynamo(), torch.no_grad():
        explained = aot_autograd(fw_compiler=compiler, decompositions=select_decomp_table())
        torch.compile(model, backend=explained)(*arguments, **named)
    return Explanation(tuple(decisions))


@contextlib.contextmanager
def _fresh_dynamo() -> Iterator[None]:
    """Nothing compiled before is found, and nothing compiled here is kept."""
    torch._dynamo.reset()
    try:
        yield
    finally:
        torch._dynamo.reset()
