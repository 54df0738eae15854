# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The head gate as an operator of PyTorch.

Importing this module registers

    torch.ops.dsa_indexer.head_gate(x, weight, q_scale, softmax_scale, head_scale=None)
    torch.ops.dsa_indexer.head_gate_out(..., *, out)

for CPU and CUDA tensors, with what torch.compile, torch.export and autograd
need: the arguments and the result are those of `dsa_indexer.head_gate`, which
imports this module by itself when it first meets a torch tensor. For CUDA tensors
the operator is C++ where the package was built with torch's headers
(_operator.py), else Python.

The result has a gradient with respect to x, weight and q_scale, computed in
float32 by torch's own ops; a second derivative is that of these ops.
`head_gate_out` has none. vmap calls the operator once for each element. DTensors
may be sharded by tokens or by heads (frontend/_sharding.py).
"""

from __future__ import annotations

from typing import Any, Optional

import torch

from . import _head_gate, _native, _operator

__all__ = ["head_gate"]

#: Held for the life of the process: a library that is dropped takes its
#: operators with it.
_library = torch.library.Library("dsa_indexer", "FRAGMENT")

_ARGUMENTS = "Tensor x, Tensor weight, Tensor q_scale, float softmax_scale, float? head_scale=None"
_library.define(f"head_gate({_ARGUMENTS}) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))
# What the C++ implementation leaves to Python's.
_library.define(f"{_operator.PYTHON}({_ARGUMENTS}) -> Tensor")
_library.define(
    f"head_gate_out({_ARGUMENTS}, *, Tensor(a!) out) -> ()",
    tags=(torch.Tag.pt2_compliant_tag,),
)

#: The operator: what `torch.ops.dsa_indexer.head_gate` is.
head_gate = torch.ops.dsa_indexer.head_gate.default


def _run(
    x: torch.Tensor,
    weight: torch.Tensor,
    q_scale: torch.Tensor,
    softmax_scale: float,
    head_scale: Optional[float] = None,
) -> Any:
    return _head_gate.run(x, weight, q_scale, softmax_scale, head_scale, None)


def _run_out(
    x: torch.Tensor,
    weight: torch.Tensor,
    q_scale: torch.Tensor,
    softmax_scale: float,
    head_scale: Optional[float] = None,
    *,
    out: torch.Tensor,
) -> None:
    _head_gate.run(x, weight, q_scale, softmax_scale, head_scale, out)


for _key in ("CPU", "CUDA"):
    _library.impl(_operator.PYTHON, _operator.telling(_run), _key)
    _library.impl("head_gate_out", _run_out, _key)
_library.impl("head_gate", _run, "CPU")

#: The implementation for CUDA tensors in C++, None where it is Python's.
_compiled_operator = _operator.load("CUDA") if hasattr(torch._C, "_cuda_getDevice") else None
if _compiled_operator is None:
    _library.impl("head_gate", _run, "CUDA")


@torch.library.register_fake("dsa_indexer::head_gate", lib=_library)
def _fake(
    x: torch.Tensor,
    weight: torch.Tensor,
    q_scale: torch.Tensor,
    softmax_scale: float,
    head_scale: Optional[float] = None,
) -> torch.Tensor:
    """The result's shape; no number of tokens is looked at."""
    rank = x.dim()
    torch._check(rank in (2, 3), lambda: f"head_gate(): 'x' is {_text(x)}, expected [T, E]")
    torch._check(
        weight.dim() == 2,
        lambda: f"head_gate(): 'weight' is {_text(weight)}, expected [H, E]",
    )
    torch._check(
        weight.shape[1] == x.shape[-1],
        lambda: f"head_gate(): 'weight' is {_text(weight)}, expected [H, {x.shape[-1]}]",
    )
    expected = (*x.shape[:-1], weight.shape[0], 1)
    _check_shape("q_scale", q_scale, expected, (rank, rank + 1))
    return x.new_empty(expected, dtype=torch.float32)


@torch.library.register_fake("dsa_indexer::head_gate_out", lib=_library)
def _fake_out(
    x: torch.Tensor,
    weight: torch.Tensor,
    q_scale: torch.Tensor,
    softmax_scale: float,
    head_scale: Optional[float] = None,
    *,
    out: torch.Tensor,
) -> None:
    expected = tuple(_fake(x, weight, q_scale, softmax_scale, head_scale).shape)
    _check_shape("out", out, expected, (len(expected),))


def _check_shape(
    name: str, tensor: torch.Tensor, expected: tuple[Any, ...], ranks: tuple[int, ...]
) -> None:
    """Raises unless `tensor` has one of the ranks and the first of the extents."""

    def message() -> str:
        return f"head_gate(): {name!r} is {_text(tensor)}, expected {list(expected)}"

    torch._check(tensor.dim() in ranks, message)
    for got, wanted in zip(tensor.shape, expected):
        torch._check(got == wanted, message)


def _text(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype)[6:]} {list(tensor.shape)}"


def _save(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    x, weight, q_scale, ctx.softmax_scale, head_scale = inputs
    ctx.save_for_backward(x, weight, q_scale)
    ctx.head_scale = weight.shape[0] ** -0.5 if head_scale is None else head_scale


def _backward(ctx: Any, gradient: torch.Tensor) -> tuple[Optional[torch.Tensor], ...]:
    """Of gate = (x @ weight.T) * head_scale * q_scale * softmax_scale."""
    x, weight, q_scale = ctx.saved_tensors
    needs_x, needs_weight, needs_scale, *_ = ctx.needs_input_grad
    heads, hidden = weight.shape
    wide_x = x.reshape(-1, hidden).float()
    wide_weight = weight.float()
    scaled = gradient.reshape(-1, heads) * (ctx.head_scale * ctx.softmax_scale)
    of_logits = scaled * q_scale.reshape(-1, heads)
    of_x = of_weight = of_scale = None
    if needs_x:
        of_x = (of_logits @ wide_weight).to(x.dtype).reshape(x.shape)
    if needs_weight:
        of_weight = (of_logits.t() @ wide_x).to(weight.dtype)
    if needs_scale:
        logits = wide_x @ wide_weight.t()
        of_scale = (logits * scaled).to(q_scale.dtype).reshape(q_scale.shape)
    return of_x, of_weight, of_scale, None, None


torch.library.register_autograd(
    "dsa_indexer::head_gate", _backward, setup_context=_save, lib=_library
)


# Bound once: these are asked at every call.
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_is_compiling = torch.compiler.is_compiling
_has_modes = torch._C._len_torch_dispatch_stack
_transform = torch._C._functorch.maybe_current_level
_records_gradients = torch.is_grad_enabled


def _handles(x: Any, weight: Any, q_scale: Any, out: Any) -> bool:
    """True for a call that torch must see: it is being traced or transformed,
    wants a gradient, or its tensors are not memory of their own. All other
    calls go the short way, without torch's dispatcher."""
    if _is_compiling():
        return True
    tensors = (x, weight, q_scale) if out is None else (x, weight, q_scale, out)
    may_record = _records_gradients()
    for tensor in tensors:
        if (
            type(tensor) not in _PLAIN
            or not (tensor.is_cuda or tensor.is_cpu)
            or (may_record and tensor.requires_grad)
        ):
            return all(isinstance(tensor, torch.Tensor) for tensor in tensors)
    return _has_modes() > 0 or _transform() is not None


def _call(
    x: Any, weight: Any, q_scale: Any, softmax_scale: float, head_scale: Optional[float], out: Any
) -> Any:
    """`dsa_indexer.head_gate` by torch's dispatcher."""
    if type(x).__name__ == "DTensor":
        # Its module is imported, or there were none.
        from .frontend import _sharding  # noqa: F401 - registers the rule.
    if out is None:
        return head_gate(x, weight, q_scale, softmax_scale, head_scale)
    if torch.is_grad_enabled() and any(
        tensor.requires_grad for tensor in (x, weight, q_scale, out)
    ):
        raise ValueError(
            "head_gate(): 'out' takes no gradient, but an argument requires one; "
            "call without 'out', or under torch.no_grad()"
        )
    torch.ops.dsa_indexer.head_gate_out(x, weight, q_scale, softmax_scale, head_scale, out=out)
    return out


def _make_short_calls() -> Optional[_native.GateCalls]:
    """The short way for CUDA tensors; None in a torch without CUDA."""
    current_device = getattr(torch._C, "_cuda_getDevice", None)
    if current_device is None:
        return None
    # What compiled code makes its results with: it parses no arguments.
    make = getattr(torch._C._dynamo.guards, "_empty_strided_cuda", None)
    if make is None:

        def make(shape: Any, strides: Any, dtype: torch.dtype) -> torch.Tensor:
            return torch.empty_strided(shape, strides, dtype=dtype, device="cuda")

    return _native.GateCalls(
        _records_gradients, [_has_modes, _transform], make, current_device, torch.Tensor.is_neg
    )


_short_calls = _make_short_calls()


def _learn(x: Any, weight: Any, q_scale: Any, kernel: _native.Kernel) -> None:
    """Makes a kernel known to the calls that do without Python."""
    if _short_calls is not None:
        _short_calls.add(x, weight, q_scale, kernel)
    if _compiled_operator is not None and isinstance(x, torch.Tensor):
        _compiled_operator.add(x, weight, q_scale, kernel)


#: What `dsa_indexer.head_gate` leaves to this module.
torch_call = _head_gate.TorchCall(_is_compiling, _handles, _call, _learn)
_head_gate.set_torch_call(torch_call, _short_calls)
