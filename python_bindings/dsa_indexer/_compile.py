# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The two ways to a kernel: MLIR text, or a bundle that was compiled before."""

from __future__ import annotations

import os
import threading
from typing import Any, Callable, Optional, Union

from . import _native
from ._bundle import BundleView
from ._kernel import Kernel

__all__ = ["KernelTable", "compile", "load_bundle"]


def compile(
    text: str,
    *,
    chip: Optional[str] = None,
    entry: Optional[str] = None,
    ptxas: Union[str, os.PathLike[str], None] = None,
    weights: str = "dependent",
    batch_invariant: bool = False,
    sm_budget: int = 0,
    name: str = "input.mlir",
) -> Kernel:
    """Compiles MLIR text: linalg on tensors, whose head gates

        gate[t, h] = epilogue(sum_d x[t, d] * weight[h, d], ...)

    with x [T, E] and weight [H, E] bf16 and an f32 sum become one kernel each.

    This parses, verifies and fuses; later stages, machine code among them, are
    made when they are first needed (`kernel.asm[...]`, a call on a GPU).

    - `chip`: GPU to compile for, sm_80, sm_89, sm_90a, sm_100a or sm_120a;
      None means sm_90a. A wrong one is an error at once.
    - `entry`: the function to call, without '@'; None: the only public one.
    - `ptxas`: path of ptxas; None: looked for in PATH, CUDA_HOME and
      /usr/local/cuda.
    - `weights`: "static" promises that no kernel in flight writes a weight;
      kernels then start before the end of the one in front of them.
    - `batch_invariant`: a row of x gives the same bits whatever T is, at some
      cost for few tokens.
    - `sm_budget`: multiprocessors to choose kernels for, fewer than the chip
      has when others run beside them; 0: all.
    - `name`: what diagnostics call the text.

    Raises CompileError. Other threads run while it compiles.
    """
    if not isinstance(text, str):
        raise TypeError(f"compile(): 'text' is of type {type(text).__name__!r}, expected str")
    if weights not in ("dependent", "static"):
        raise ValueError(
            f"compile(): 'weights' is {weights!r}, expected 'dependent' or 'static'"
        )
    path = None if ptxas is None else os.fspath(ptxas)
    schedule = (weights, bool(batch_invariant), sm_budget)
    program = _native.Program(text.encode(), name, chip, entry, path, *schedule)
    if chip is not None or schedule != ("dependent", False, 0):
        program.artifact("scheduled")  # The first stage that reads it.
    return Kernel(program, None)


def load_bundle(source: Union[bytes, bytearray, memoryview, str, os.PathLike[str]]) -> Kernel:
    """A kernel from a bundle (`kernel.bundle`, or a file of it): bytes, or a
    path. It runs on CUDA devices for which the bundle has code; it has neither
    IR nor a CPU version.

    Raises BundleError for bytes that are no bundle, OSError for a file that
    cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        with open(source, "rb") as file:
            data = file.read()
    return Kernel(None, BundleView(data))


class KernelTable(dict[tuple[Any, Optional[str]], Kernel]):
    """The kernels of this process by what each is made for and its chip (None:
    the CPU's)."""

    def __init__(self, make: Callable[[Any, Optional[str]], Kernel]) -> None:
        """`make` makes the kernel for a key and a chip."""
        super().__init__()
        self._make, self._lock = make, threading.Lock()

    def find(self, key: Any, chip: Optional[str]) -> Kernel:
        """The kernel, made at its first use. Thread-safe. Raises as `make` does."""
        kernel = self.get((key, chip))
        if kernel is None:
            with self._lock:
                kernel = self.get((key, chip))
                if kernel is None:
                    kernel = self[key, chip] = self._make(key, chip)
        return kernel
