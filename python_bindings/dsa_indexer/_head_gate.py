# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The head gate as one function, whose kernels are made as they are needed.

A kernel is made once for each (H, E, element types) and, on a GPU, chip; those
of the models that there are come with the package and are only loaded. The
number of tokens and the scalars are arguments of the kernel and never make
another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple, NoReturn, Optional

from . import _compile, _devices, _native, _shipped, _tensors
from ._gate_text import GateKey, gate_text

if TYPE_CHECKING:
    from ._kernel import Kernel, Tensor

__all__ = ["head_gate"]

#: Element types by the names that NumPy and torch give them.
_DTYPES = {
    "bfloat16": "bf16",
    "float16": "f16",
    "float32": "f32",
    "torch.bfloat16": "bf16",
    "torch.float16": "f16",
    "torch.float32": "f32",
}


def _make_kernel(key: GateKey, chip: Optional[str]) -> Kernel:
    """The kernel that comes with the package, or a new one."""
    shipped = _shipped.find(key, chip)
    return shipped or _compile.compile(gate_text(key), chip=chip, name="head_gate.mlir")


_kernels = _compile.KernelTable(_make_kernel)


def gate_kernel(key: GateKey, chip: Optional[str]) -> Kernel:
    """The kernel for a key, made at its first use. Thread-safe."""
    return _kernels.find(key, chip)


def kernel_count() -> int:
    """How many kernels `head_gate` has made in this process."""
    return len(_kernels)


def head_gate(
    x: Tensor,
    weight: Tensor,
    q_scale: Tensor,
    *,
    softmax_scale: float,
    head_scale: Optional[float] = None,
    out: Optional[Tensor] = None,
) -> Any:
    """The head gate of the lightning indexer, in one kernel:

        gate[t, h, 0] = (sum_d x[t, d] * weight[h, d]) * head_scale
                        * q_scale[t, h, 0] * softmax_scale

    The sum and the three products are float32, in this order; nothing is
    rounded to bfloat16 in between.

    - `x`: [T, E] or [B, S, E], bfloat16, float16 or float32.
    - `weight`: [H, E] (as nn.Linear keeps it), any of these types.
    - `q_scale`: [T, H], [T, H, 1], [B, S, H] or [B, S, H, 1], any of these.
    - `softmax_scale`, `head_scale`: numbers, rounded to float32; a head_scale
      of None is H ** -0.5.
    - `out`: float32 tensor of the result's shape that is written and returned;
      it must not overlap an argument.

    Tensors are NumPy arrays (bfloat16 by ml_dtypes), or torch tensors, CuPy or
    JAX arrays on the CPU or on one CUDA device, of any strides; leading
    dimensions B, S that are no view of one dimension are copied. T may be 0.

    Returns float32 [T, H, 1] or [B, S, H, 1], of the framework of `x`. CUDA
    tensors run on the current stream of torch or CuPy, and the call does not
    wait; with JAX, which has no stream of its caller's, it waits for the
    result. Gradients flow to x, weight and q_scale of torch tensors, and
    torch.compile sees one op. JAX arrays cannot be `out`, and a function that
    JAX traces (jit, grad) cannot call this.

    The first call for each (H, E, dtypes) loads the kernel that comes with the
    package, or compiles one; later calls only launch, and a CUDA graph can
    capture these. Raises TypeError and ValueError that name the argument,
    CompileError when there is no machine code for the GPU, CudaError when the
    driver fails.
    """
    call = _torch_call
    if call is None and _is_torch(x):
        from . import torch

        call = torch.torch_call
    # First of all: torch.compile, which reads this, must not come to the rest.
    if call is not None and call.is_compiling():
        return call.run(x, weight, q_scale, softmax_scale, head_scale, out)
    if _short_calls is not None:
        gate = _short_calls(x, weight, q_scale, softmax_scale, head_scale, out)
        if gate is not NotImplemented:
            return gate
    if call is not None and call.handles(x, weight, q_scale, out):
        return call.run(x, weight, q_scale, softmax_scale, head_scale, out)
    return _run_kernel(x, weight, q_scale, softmax_scale, head_scale, out)


def _is_torch(value: Any) -> bool:
    """True for a torch tensor, whose program has imported torch."""
    return hasattr(value, "requires_grad") and hasattr(value, "data_ptr")


class TorchCall(NamedTuple):
    """How `dsa_indexer.torch` takes over the calls that torch must see."""

    #: torch.compiler.is_compiling.
    is_compiling: Callable[[], bool]
    #: Of (x, weight, q_scale, out).
    handles: Callable[[Any, Any, Any, Any], bool]
    #: The call, with the arguments of `run`.
    run: Callable[[Any, Any, Any, float, Optional[float], Any], Any]
    #: Of (x, weight, q_scale, kernel): a kernel that calls like this may use from
    #: now on without coming to Python.
    learn: Callable[[Any, Any, Any, _native.Kernel], None]


#: Set when dsa_indexer.torch is imported.
_torch_call: Optional[TorchCall] = None


#: Also set then: the calls of CUDA tensors that are made without Python, where
#: torch has what that needs.
_short_calls: Optional[_native.GateCalls] = None


def set_torch_call(call: TorchCall, short_calls: Optional[_native.GateCalls]) -> None:
    """Gives torch's calls to `call`, and the plain ones to `short_calls`."""
    global _torch_call, _short_calls
    _torch_call, _short_calls = call, short_calls


#: Kernels by all that makes a call need another one: one look-up a call.
_by_signature: dict[Any, Kernel] = {}


def run(
    x: Any,
    weight: Any,
    q_scale: Any,
    softmax_scale: float,
    head_scale: Optional[float],
    out: Any,
) -> Any:
    """`head_gate` of memory: no gradients, no tracing."""
    if _short_calls is not None:
        gate = _short_calls(x, weight, q_scale, softmax_scale, head_scale, out)
        if gate is not NotImplemented:
            return gate
    return _run_kernel(x, weight, q_scale, softmax_scale, head_scale, out)


def _run_kernel(
    x: Any,
    weight: Any,
    q_scale: Any,
    softmax_scale: float,
    head_scale: Optional[float],
    out: Any,
) -> Any:
    """`run` the long way, with every check."""
    signature: Any
    kernel: Optional[Kernel]
    try:
        shape, weight_shape, scale_shape = x.shape, weight.shape, q_scale.shape
        if len(shape) == 3:
            return _run_batches(x, weight, q_scale, softmax_scale, head_scale, out)
        signature = (
            shape[1], weight_shape, scale_shape[1:], x.dtype, weight.dtype, q_scale.dtype, x.device,
        )  # fmt: skip
        kernel = _by_signature.get(signature)
    except (AttributeError, IndexError, TypeError):
        # No tensor, or NumPy 1, which has no `device`: checked below.
        signature = kernel = None
    is_new = kernel is None
    if kernel is None:
        kernel = _find_kernel(x, weight, q_scale)
        if signature is not None:
            _by_signature[signature] = kernel
    if q_scale.shape[0] != x.shape[0]:
        _reject_scales(x, weight, q_scale)
    if len(q_scale.shape) == 2:
        q_scale = q_scale[..., None]
    if head_scale is None:
        head_scale = weight.shape[0] ** -0.5
    gate = kernel(x, weight, q_scale, head_scale, softmax_scale, out=out)
    device = _devices.device_of(x) if is_new else None
    if _torch_call is not None and device is not None:
        _torch_call.learn(x, weight, q_scale, kernel.on_device(device))
    return gate


def _run_batches(
    x: Any,
    weight: Any,
    q_scale: Any,
    softmax_scale: float,
    head_scale: Optional[float],
    out: Any,
) -> Any:
    """`run` for x [B, S, E]: the same with T = B * S."""
    batch, length, hidden = x.shape
    expected = (batch, length, weight.shape[0], 1)
    if tuple(q_scale.shape) not in (expected, expected[:-1]):
        _reject(ValueError, "q_scale", q_scale, f"shape {list(expected)} or {list(expected[:-1])}")
    if out is not None and tuple(out.shape) != expected:
        _reject(ValueError, "out", out, f"shape {list(expected)}")
    tokens = batch * length
    gate = run(
        x.reshape(tokens, hidden),
        weight,
        q_scale.reshape(tokens, expected[2]),
        softmax_scale,
        head_scale,
        None,
    ).reshape(expected)
    if out is None:
        return gate
    out[...] = gate
    return out


def _find_kernel(x: Any, weight: Any, q_scale: Any) -> Kernel:
    """The kernel for these tensors, made if there is none. Raises TypeError and
    ValueError for what no kernel fits; what depends on T is left to the call."""
    dtypes: list[str] = []
    for name, value in (("x", x), ("weight", weight), ("q_scale", q_scale)):
        if _tensors.is_traced(value):
            raise TypeError(
                f"head_gate(): {name!r} is traced by JAX (jit, grad, vmap), which does not see "
                "our kernel; call it outside, or compile the function by from_stablehlo"
            )
        if not hasattr(value, "shape") or not hasattr(value, "dtype"):
            raise TypeError(
                f"head_gate(): {name!r} is of type {type(value).__name__!r}, expected an "
                "array or a torch tensor"
            )
        dtype = _DTYPES.get(str(value.dtype))
        if dtype is None:
            _reject(TypeError, name, value, "bfloat16, float16 or float32")
        dtypes.append(dtype)
    if len(x.shape) != 2:
        _reject(ValueError, "x", x, "shape [T, E] or [B, S, E]")
    hidden = x.shape[1]
    if len(weight.shape) != 2 or weight.shape[1] != hidden:
        _reject(ValueError, "weight", weight, f"shape [H, E] with E = {hidden}, as 'x' has")
    heads = weight.shape[0]
    if heads < 1 or hidden < 1:
        _reject(ValueError, "weight", weight, "shape [H, E] with H and E at least 1")
    scales = tuple(q_scale.shape[1:])
    if scales not in ((heads,), (heads, 1)):
        _reject_scales(x, weight, q_scale)
    key = GateKey(heads, hidden, dtypes[0], dtypes[1], dtypes[2])
    return gate_kernel(key, _devices.chip_of(x))


def _reject_scales(x: Any, weight: Any, q_scale: Any) -> NoReturn:
    expected = f"shape [T, H, 1] or [T, H] with T = {x.shape[0]} and H = {weight.shape[0]}"
    _reject(ValueError, "q_scale", q_scale, expected)


def _reject(error: type[Exception], name: str, value: Any, expected: str) -> NoReturn:
    """Raises `error`: "head_gate(): 'x' is float64 [3, 4], expected ..."."""
    dtype = str(value.dtype).removeprefix("torch.")
    raise error(f"head_gate(): {name!r} is {dtype} {list(value.shape)}, expected {expected}")
