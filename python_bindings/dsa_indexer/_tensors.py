# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The frameworks whose arrays a call takes: how each makes the results, which
stream it works on, and how it hands out an array's memory.

Nothing is imported before it is needed: an array among the arguments means that
the program has imported its framework.
"""

from __future__ import annotations

import sys
from typing import Any, Sequence

from . import _native

__all__ = ["CuPy", "Framework", "Jax", "Torch", "export", "framework_of", "is_jax", "is_traced", "make_numpy"]

_NAMES = {"bf16": "bfloat16", "f16": "float16", "f32": "float32", "f64": "float64"}

#: DLPack's name of CUDA's legacy default stream, whose handle is 0.
_DEFAULT_STREAM = 1


def numpy_dtype(dtype: str) -> Any:
    """NumPy's dtype for an element type; that of bf16 is from ml_dtypes."""
    import numpy

    if dtype != "bf16":
        return numpy.dtype(_NAMES[dtype])
    try:
        import ml_dtypes
    except ImportError:
        raise TypeError(
            "a result has dtype bf16, which NumPy has not: install ml_dtypes, "
            "or call with torch tensors"
        ) from None
    return numpy.dtype(ml_dtypes.bfloat16)


def make_numpy(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str]) -> tuple[Any, ...]:
    """Uninitialised contiguous arrays."""
    import numpy

    return tuple(
        numpy.empty(shape, numpy_dtype(dtype)) for shape, dtype in zip(shapes, dtypes)
    )


class Framework:
    """NumPy, and what the others have in common with it."""

    @staticmethod
    def make(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str], like: Any) -> tuple[Any, ...]:
        """Uninitialised contiguous arrays for the results, where `like` is."""
        return make_numpy(shapes, dtypes)

    @staticmethod
    def stream(device: int) -> int:
        """The CUstream that a call on CUDA device `device` is launched on."""
        raise NotImplementedError("NumPy has no CUDA devices")

    @staticmethod
    def finish(device: int) -> None:
        """Called after a launch: waits where the framework could not."""

    @staticmethod
    def give(made: tuple[Any, ...], like: Any) -> tuple[Any, ...]:
        """What the user gets for the arrays of `make`."""
        return made


class Torch(Framework):
    """PyTorch: on its current stream."""

    @staticmethod
    def make(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str], like: Any) -> tuple[Any, ...]:
        torch = sys.modules["torch"]
        device = like.device
        return tuple(
            torch.empty(shape, dtype=getattr(torch, _NAMES[dtype]), device=device)
            for shape, dtype in zip(shapes, dtypes)
        )

    @staticmethod
    def stream(device: int) -> int:
        torch = sys.modules["torch"]
        # What compiled torch code calls: the public one makes a Stream object.
        raw = getattr(torch._C, "_cuda_getCurrentRawStream", None)
        if raw is not None:
            return int(raw(device))
        return int(torch.cuda.current_stream(device).cuda_stream)


class CuPy(Framework):
    """CuPy: on its current stream."""

    @staticmethod
    def make(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str], like: Any) -> tuple[Any, ...]:
        cupy = sys.modules["cupy"]
        with like.device:
            return tuple(
                cupy.empty(shape, numpy_dtype(dtype)) for shape, dtype in zip(shapes, dtypes)
            )

    @staticmethod
    def stream(device: int) -> int:
        cupy = sys.modules["cupy"]
        with cupy.cuda.Device(device):
            return int(cupy.cuda.get_current_stream().ptr)


class _JaxResult:
    """A JAX array that nobody else has seen, and that may be written."""

    def __init__(self, array: Any) -> None:
        self.array, self.dtype, self.device = array, array.dtype, array.device

    def __dlpack__(self) -> Any:
        return export(self.array)


class Jax(Framework):
    """JAX: its arrays are made on streams that nobody else can name. A call is
    launched on the default stream, which waits for the arguments (`export`),
    and JAX gets the results when they are there."""

    @staticmethod
    def make(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str], like: Any) -> tuple[Any, ...]:
        if next(iter(like.devices())).platform == "cpu":
            return make_numpy(shapes, dtypes)
        jax = sys.modules["jax"]
        return tuple(
            _JaxResult(jax.numpy.empty(shape, numpy_dtype(dtype), device=like.sharding))
            for shape, dtype in zip(shapes, dtypes)
        )

    @staticmethod
    def stream(device: int) -> int:
        return 0

    @staticmethod
    def finish(device: int) -> None:
        _native.synchronize(device)

    @staticmethod
    def give(made: tuple[Any, ...], like: Any) -> tuple[Any, ...]:
        put = sys.modules["jax"].device_put
        return tuple(
            result.array if isinstance(result, _JaxResult) else put(result, like.sharding)
            for result in made
        )


_FRAMEWORKS = {"numpy": Framework, "torch": Torch, "cupy": CuPy, "jax": Jax, "jaxlib": Jax}


def framework_of(array: Any) -> type[Framework]:
    """The framework of an argument: that of its type or of a base of this."""
    for base in type(array).__mro__:
        found = _FRAMEWORKS.get(base.__module__.partition(".")[0])
        if found is not None:
            return found
    return Framework


def is_jax(array: Any) -> bool:
    """True for an array of JAX."""
    return framework_of(array) is Jax


def is_traced(array: Any) -> bool:
    """True for what JAX puts in an array's place while it traces a function."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(array, jax.core.Tracer)


def export(array: Any) -> Any:
    """For the extension: the DLPack capsule of an array that is neither
    NumPy's nor torch's, in the order of the stream that a call uses."""
    if isinstance(array, _JaxResult):
        array = array.array
    framework = framework_of(array)
    if framework not in (CuPy, Jax):
        raise TypeError(
            f"it is of type {type(array).__name__!r}; accepted are NumPy, PyTorch, CuPy and JAX"
        )
    if framework is CuPy:
        return array.__dlpack__(stream=-1)  # The call runs on CuPy's own stream.
    is_on_host = next(iter(array.devices())).platform == "cpu"
    return array.__dlpack__(stream=None if is_on_host else _DEFAULT_STREAM)
