# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A bundle behind the runtime's C API (include/indexer-c/Runtime.h)."""

from __future__ import annotations

import ctypes
import json
import pathlib
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int32, c_int64
from ctypes import c_size_t, c_void_p
from typing import Any, Optional, Sequence

BF16, F16, F32 = 0, 1, 2
#: Element types by torch's names.
TORCH_TYPES = {"torch.bfloat16": BF16, "torch.float16": F16, "torch.float32": F32}


class Tensor(ctypes.Structure):
    """IndexerTensor."""

    _fields_ = [
        ("data", c_void_p),
        ("type", c_int),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
    ]


class Argument(ctypes.Structure):
    """IndexerArgument."""

    _fields_ = [("is_tensor", c_int32), ("tensor", Tensor), ("scalar", c_double)]


def make_tensor(
    address: int,
    element_type: int,
    shape: Sequence[int],
    strides: Optional[Sequence[int]] = None,
) -> Tensor:
    """A tensor of device memory; strides in elements, None: row-major."""
    extents = c_int64 * len(shape)
    return Tensor(
        address,
        element_type,
        len(shape),
        extents(*shape),
        extents(*strides) if strides is not None else None,
    )


def view(tensor: Any) -> Tensor:
    """A torch tensor's memory."""
    return make_tensor(
        tensor.data_ptr(),
        TORCH_TYPES[str(tensor.dtype)],
        tensor.shape,
        tensor.stride(),
    )


class BundleKernel:
    """A bundle, loaded to device 0 by the runtime library at `library`."""

    def __init__(self, library: str, path: pathlib.Path) -> None:
        self._runtime = ctypes.CDLL(library)
        self._runtime.indexerLastError.restype = c_char_p
        self._runtime.indexerBundleDescribe.restype = c_char_p
        self._runtime.indexerKernelLaunch.argtypes = [
            c_void_p,
            POINTER(Argument),
            c_size_t,
            POINTER(Tensor),
            c_size_t,
            c_void_p,
        ]
        bundle = c_void_p()
        self._kernel = c_void_p()
        self._check(self._runtime.indexerBundleOpen(str(path).encode(), byref(bundle)))
        #: The bundle's header (docs/bundle-format.md).
        self.description = json.loads(self._runtime.indexerBundleDescribe(bundle))
        self._check(self._runtime.indexerKernelLoad(bundle, 0, byref(self._kernel)))
        self._runtime.indexerBundleDestroy(bundle)

    def _check(self, status: int) -> None:
        if status != 0:
            raise RuntimeError(self._runtime.indexerLastError().decode())

    @staticmethod
    def arguments(tensors: Sequence[Tensor], scalars: Sequence[float]) -> Any:
        """The arguments of a call, to be given to `launch` any number of times."""
        values = [Argument(1, tensor, 0) for tensor in tensors]
        values += [Argument(0, Tensor(), scalar) for scalar in scalars]
        return (Argument * len(values))(*values)

    def launch(self, arguments: Any, result: Tensor, stream: Any) -> None:
        """Launches the gate on `stream`, a CUstream."""
        self.launch_all(arguments, [result], stream)

    def launch_all(self, arguments: Any, results: Sequence[Tensor], stream: Any) -> None:
        """The same for a bundle of several results."""
        self._check(
            self._runtime.indexerKernelLaunch(
                self._kernel,
                arguments,
                len(arguments),
                (Tensor * len(results))(*results),
                len(results),
                stream,
            )
        )

    def __call__(self, x, weight, q_scale, head_scale, softmax_scale, out=None):
        """The gate of torch tensors, on torch's current stream."""
        import torch

        out = torch.empty_like(q_scale) if out is None else out
        arguments = self.arguments(
            [view(tensor) for tensor in (x, weight, q_scale)],
            [head_scale, softmax_scale],
        )
        stream = c_void_p(torch.cuda.current_stream().cuda_stream)
        self.launch(arguments, view(out), stream)
        return out
