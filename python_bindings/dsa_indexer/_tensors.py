# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results of a call, made by the framework of its arguments.

Nothing is imported before it is needed: a torch tensor among the arguments
means that the program has imported torch.
"""

from __future__ import annotations

import sys
from typing import Any, Sequence

__all__ = ["current_stream", "make_numpy", "make_torch"]

_NAMES = {"bf16": "bfloat16", "f16": "float16", "f32": "float32", "f64": "float64"}


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


def make_torch(
    shapes: Sequence[tuple[int, ...]], dtypes: Sequence[str], like: Any
) -> tuple[Any, ...]:
    """Uninitialised contiguous tensors on the device of tensor `like`."""
    torch = sys.modules["torch"]
    device = like.device
    return tuple(
        torch.empty(shape, dtype=getattr(torch, _NAMES[dtype]), device=device)
        for shape, dtype in zip(shapes, dtypes)
    )


def current_stream(device: int) -> int:
    """torch's current stream of CUDA device `device`, as a CUstream."""
    torch = sys.modules["torch"]
    # What compiled torch code calls: the public one makes a Stream object.
    raw = getattr(torch._C, "_cuda_getCurrentRawStream", None)
    if raw is not None:
        return int(raw(device))
    return int(torch.cuda.current_stream(device).cuda_stream)
