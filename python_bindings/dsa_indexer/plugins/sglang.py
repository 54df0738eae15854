# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sglang: entry point "dsa_indexer" of the group sglang.srt.plugins.

Replaced are, when DSA_INDEXER_PLUGINS names sglang:

- the operator torch.ops.sglang.logits_head_gate_graph, which CUDA graphs hold
  (its fake implementation stays the engine's), and the Python function of this
  name, which eager code calls;
- the method Indexer._get_logits_head_gate, where x is one tensor and the weight
  a plain [H, E] of its type. A tuple (fp8 with scales) is left to the engine.

LoRA and merged weights (wk_weights_proj) have branches of their own in the
engine, which are left alone. A call that our kernel rejects runs the engine's
code, and so do all calls after it; the reason is logged once.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, Optional

import torch

from .. import _head_gate, config
from .._errors import CompileError, CudaError
from . import Hook

__all__ = ["activate", "status"]

_logger = logging.getLogger("dsa_indexer")

_MODULE = "sglang.srt.layers.attention.dsa.head_gate"
_FUNCTION = f"{_MODULE}.logits_head_gate_graph"
_METHOD = "sglang.srt.layers.attention.dsa.dsa_indexer.Indexer._get_logits_head_gate"
_OPERATOR = "torch.ops.sglang.logits_head_gate_graph"
#: What we know how to be called with.
_ARGUMENTS = ("x", "weight", "n_heads_inv_sqrt", "softmax_scale", "q_scale")

#: Held for the life of the process, with the implementation in it.
_library: Optional[torch.library.Library] = None
#: Why calls go to the engine after all, "" while they do not.
_failure = ""


def activate() -> None:
    """Called by sglang's load_plugins in every process."""
    global _library
    if "sglang" not in config.engines():
        return
    import inspect

    from sglang.srt.layers.attention.dsa import head_gate
    from sglang.srt.plugins.hook_registry import HookRegistry, HookType

    function = getattr(head_gate, "logits_head_gate_graph", None)
    if function is None:
        _logger.warning(
            "dsa_indexer: sglang has no logits_head_gate_graph here; nothing is replaced"
        )
        return
    found = tuple(inspect.signature(function).parameters)
    if found != _ARGUMENTS:
        _logger.warning(
            "dsa_indexer: sglang's logits_head_gate_graph takes (%s), known is (%s); nothing is "
            "replaced",
            ", ".join(found),
            ", ".join(_ARGUMENTS),
        )
        return
    if _library is None:
        plain = inspect.unwrap(function)
        run = _guard(plain, _gate_of_graph)
        library = torch.library.Library("sglang", "IMPL")
        for key in ("CUDA", "CPU"):
            # The engine's own is there; not every torch replaces it unasked.
            library.impl("logits_head_gate_graph", run, key, allow_override=True)
        _library = library
        HookRegistry.register(
            _FUNCTION, functools.partial(_call_graph_function, run), HookType.REPLACE
        )
        HookRegistry.register(_METHOD, _call_method, HookType.AROUND)
    _logger.info("dsa_indexer: sglang's head gate is replaced (%s, %s)", _OPERATOR, _METHOD)


def _guard(original: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """`ours`, until it fails once."""

    def run(*arguments: Any) -> Any:
        global _failure
        if _failure:
            return original(*arguments)
        try:
            return ours(*arguments)
        except (CompileError, CudaError, TypeError, ValueError) as error:
            _failure = str(error)
            _logger.warning("dsa_indexer: sglang's own head gate is used from now on: %s", error)
            return original(*arguments)

    return run


def _gate_of_graph(
    x: torch.Tensor,
    weight: torch.Tensor,
    n_heads_inv_sqrt: float,
    softmax_scale: float,
    q_scale: torch.Tensor,
) -> Any:
    return _head_gate.run(x, weight, q_scale, softmax_scale, n_heads_inv_sqrt, None)


def _call_graph_function(
    run: Callable[..., Any],
    x: Any,
    weight: Any,
    n_heads_inv_sqrt: float,
    softmax_scale: float,
    q_scale: Any,
) -> Any:
    """What the engine's Python code calls. What torch must see is the
    engine's operator, whose implementation is ours too."""
    arguments = (x, weight, n_heads_inv_sqrt, softmax_scale, q_scale)
    call = _torch_call()
    if call.handles(x, weight, q_scale, None):
        return torch.ops.sglang.logits_head_gate_graph(*arguments)
    return run(*arguments)


def _call_method(original: Callable[..., Any], indexer: Any, x: Any, q_scale: Any) -> Any:
    """Indexer._get_logits_head_gate(x, q_scale)."""
    weight = getattr(getattr(indexer, "weights_proj", None), "weight", None)
    if (
        _failure
        or not isinstance(x, torch.Tensor)
        or not isinstance(weight, torch.Tensor)
        or x.dim() != 2
        or weight.dim() != 2
        or x.dtype != weight.dtype
        or _torch_call().handles(x, weight, q_scale, None)
    ):
        return original(indexer, x, q_scale)

    def ours() -> Any:
        scales = indexer.softmax_scale, indexer.n_heads**-0.5
        return _head_gate.run(x, weight, q_scale, *scales, None)

    return _guard(lambda: original(indexer, x, q_scale), ours)()


def _torch_call() -> _head_gate.TorchCall:
    from .. import torch as operators

    return operators.torch_call


def status() -> list[Hook]:
    """What became of our hooks in this process, after load_plugins."""
    from sglang.srt.plugins.hook_registry import HookRegistry

    if "sglang" not in config.engines():
        return [Hook("sglang", False, "off: DSA_INDEXER_PLUGINS does not name sglang")]
    if _library is None:
        return [Hook("sglang", False, "sglang has not called the plugin, or has no such operator")]
    note = f"left to the engine: {_failure}" if _failure else ""
    hooks = [Hook(_OPERATOR, not _failure, note)]
    for target in (_FUNCTION, _METHOD):
        is_patched = target in HookRegistry._patched
        hooks.append(
            Hook(
                target,
                is_patched and not _failure,
                note if is_patched else "sglang could not apply the hook; its log says why",
            )
        )
    return hooks
