# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operator head_gate for CUDA tensors in C++ (src/torch), a library that knows
torch by its stable ABI. A package that was built without torch's headers has
none, and a torch that cannot load it is left with the Python implementation."""

from __future__ import annotations

import ctypes
import functools
import logging
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from . import _native

__all__ = ["LIBRARY", "PYTHON", "CompiledOperator", "load", "telling"]

#: The operator that the library calls when it knows no kernel.
PYTHON = "head_gate_python"

LIBRARY = pathlib.Path(__file__).with_name("libdsa_indexer_torch.so")

#: IndexerType of indexer-c/Runtime.h, by torch's names.
_TYPES = {"torch.bfloat16": 0, "torch.float16": 1, "torch.float32": 2}

_logger = logging.getLogger("dsa_indexer")

#: The library, once it is loaded.
_loaded: list[ctypes.CDLL] = []


def telling(run: Callable[..., Any]) -> Callable[..., Any]:
    """`run`, as the library calls it: it is told why a call failed, which torch
    would not."""

    @functools.wraps(run)
    def call(*arguments: Any) -> Any:
        try:
            return run(*arguments)
        except Exception as error:
            for library in _loaded:
                library.dsaIndexerSetError(str(error).encode())
            raise

    return call


class CompiledOperator:
    """The loaded library."""

    def __init__(self, library: ctypes.CDLL, key: str) -> None:
        """Registers the implementation for a dispatch key of torch."""
        self._add = library.dsaIndexerAddGate
        self._add.argtypes = [
            ctypes.c_int32, ctypes.POINTER(ctypes.c_int32), ctypes.c_int64, ctypes.c_int64,
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._add.restype = None
        #: The library holds them by address.
        self._kernels: list[_native.Kernel] = []
        library.dsaIndexerRegisterHeadGate(key.encode())
        _loaded.append(library)

    def add(self, x: Any, weight: Any, q_scale: Any, kernel: _native.Kernel) -> None:
        """The kernel for calls with tensors like these, which `kernel` fits."""
        types = [_TYPES[str(tensor.dtype)] for tensor in (x, weight, q_scale)]
        heads, hidden = weight.shape
        self._kernels.append(kernel)
        self._add(x.get_device(), (ctypes.c_int32 * 3)(*types), heads, hidden, *kernel.entry_points)


def load(key: str, path: pathlib.Path = LIBRARY) -> Optional[CompiledOperator]:
    """The library's implementation, registered for a dispatch key; None where there
    is none, with one line in the log where there is one that does not load."""
    if not path.exists():
        return None
    try:
        return CompiledOperator(ctypes.CDLL(str(path)), key)
    except (OSError, AttributeError) as error:
        _logger.warning(
            "dsa_indexer: torch.ops.dsa_indexer.head_gate is Python's, as %s does not load: %s",
            path.name,
            error,
        )
        return None
