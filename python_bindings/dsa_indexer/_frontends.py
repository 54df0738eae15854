# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The public functions that need a framework, which is imported when they are
called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

if TYPE_CHECKING:
    from ._kernel import Kernel
    from .frontend._function import JitFunction, TorchKernel
    from .frontend._inductor import Explanation

__all__ = [
    "disable",
    "enable",
    "explain",
    "from_mlir",
    "from_stablehlo",
    "from_torch",
    "from_torch_mlir",
    "jit",
]


def from_torch(
    function: Callable[..., Any],
    *example: Any,
    dynamic: Optional[Mapping[Union[int, str], Union[int, Sequence[int]]]] = None,
    chip: Optional[str] = None,
) -> TorchKernel:
    """Compiles a torch function, or a module with its parameters, for arguments
    like the `example`.

    - `dynamic`: the dimensions whose extents are left open, by position or name
      of the argument: {"x": 0, "q_scale": 0}; those that are equal in the
      example stay equal. None: the number of tokens, which is the last but one
      dimension of the first tensor, wherever the function needs it.
    - `chip`: as for `compile`; None: that of the example's device.

    Floats that the function only multiplies tensors by are arguments of the
    kernel; all else that is no tensor is part of the code. The result has the
    bits that eager torch gives, but for the order of the sums.

    Accepted are mm (with out_dtype=torch.float32), matmul, linear without bias,
    mul and div of tensors and numbers, unsqueeze, squeeze, view, reshape,
    permute, transpose, t, to, and slices and indices of static dimensions; bmm,
    einsum and matmul of three dimensions where the batch has one weight. Raises
    frontend.torch.UnsupportedOp, a ValueError with the op's name and the line
    of the user's code, for others.

        def gate(x, weight, q_scale, softmax_scale: float):
            logits = torch.mm(x, weight.t(), out_dtype=torch.float32)
            return (logits * 64**-0.5).unsqueeze(-1) * q_scale * softmax_scale

        compiled = dsa_indexer.from_torch(gate, x, weight, q_scale, 128**-0.5)
        compiled(x, weight, q_scale, 128**-0.5)
    """
    from .frontend import _function

    return _function.from_torch(function, example, dynamic, chip)


def from_mlir(module: Any, *, entry: Optional[str] = None, chip: Optional[str] = None) -> Kernel:
    """Compiles linalg on tensors: a text, or a module of any MLIR bindings,
    which is exchanged as text. `entry` and `chip` as for `compile`, which has
    more options and raises the same errors.

        kernel = dsa_indexer.from_mlir(torch_mlir_module)
    """
    from . import _compile

    if not isinstance(module, str) and not hasattr(module, "operation"):
        raise TypeError(
            f"from_mlir(): got a {type(module).__name__!r}, expected MLIR text, or a module of "
            "MLIR's Python bindings"
        )
    return _compile.compile(str(module), entry=entry, chip=chip)


def from_torch_mlir(
    function: Callable[..., Any], *example: Any, chip: Optional[str] = None
) -> Kernel:
    """Compiles a function of torch tensors, or a module without parameters, that
    torch-mlir imports (the extra `torch-mlir`), for tensors like the `example`;
    the number of tokens is left open, as `from_torch` leaves it. The kernel
    takes the function's arguments.

    torch-mlir rounds a Python number to bfloat16 before it multiplies a bfloat16
    tensor by it, which eager torch does not: `from_torch`, which needs no
    torch-mlir, has eager's bits. Raises ImportError without torch-mlir,
    ValueError for a module that holds tensors, CompileError, and what
    torch.export raises.
    """
    from .frontend import _torch_mlir

    return _torch_mlir.from_torch_mlir(function, example, chip)


def from_stablehlo(lowered: Any, *, chip: Optional[str] = None) -> Kernel:
    """Compiles StableHLO: `jax.jit(f).lower(...)`, `jax.export.export(...)(...)`
    or a text, with one function @main. IREE's compiler (the extra `stablehlo`)
    turns it into linalg. The kernel takes the function's arrays, in order, JAX's
    among them; a number of tokens that jax.export has as a symbolic dimension
    stays open.

    A matmul of bfloat16 must be asked for float32, by
    preferred_element_type=jnp.float32: else JAX rounds its sum to bfloat16, and
    it is not fused (`kernel.remarks` says so). Raises ImportError without IREE,
    TypeError for anything else, CompileError for what IREE or we cannot compile.

        kernel = dsa_indexer.from_stablehlo(jax.jit(gate).lower(x, weight, q_scale))
        gate = kernel(x, weight, q_scale)
    """
    from .frontend import _stablehlo

    return _stablehlo.from_stablehlo(lowered, chip)


def jit(function: Callable[..., Any]) -> JitFunction:
    """Decorates a torch function: it is compiled, as `from_torch` does it, at
    the first call with such dtypes, ranks and extents. The number of tokens,
    and floats that it only multiplies by, compile nothing anew. What it reads
    from elsewhere, such as global numbers, is part of the code.

    A call that needs gradients, or comes from torch.compile, runs the function
    itself.

        @dsa_indexer.jit
        def gate(x, weight, q_scale): ...
    """
    from .frontend import _function

    return _function.jit(function)


def enable() -> None:
    """From now on, torch.compile (its default backend, Inductor) exchanges each
    head gate of a model for one kernel. For one model only, say
    torch.compile(model, backend="indexer") instead.

    A pass that was set in torch._inductor.config.post_grad_custom_pre_pass
    still runs, before ours. Models compiled before stay as they are.
    """
    from .frontend import _inductor

    _inductor.enable()


def disable() -> None:
    """Ends what `enable` began. Models compiled in between stay as they are."""
    from .frontend import _inductor

    _inductor.disable()


def explain(model: Callable[..., Any], *arguments: Any, **named: Any) -> Explanation:
    """Tells which matmuls of a model become one kernel under `enable` or
    backend="indexer", and why the others do not, with the line of the user's
    code. The model is called once, without gradients, on these arguments; what
    torch.compile made before is compiled again at its next call.

        print(dsa_indexer.explain(model, x))
    """
    from .frontend import _inductor

    return _inductor.explain(model, *arguments, **named)
