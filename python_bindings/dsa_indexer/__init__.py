# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles the head gate of the lightning indexer into one kernel.

    import dsa_indexer

    gate = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=128**-0.5)

or any chain like it, from MLIR:

    kernel = dsa_indexer.compile(open("head_gate.mlir").read())
    gate = kernel(x, weight, q_scale, head_scale, softmax_scale)
    print(kernel.asm["ptx"])

NumPy arrays and torch, CuPy and JAX tensors run where they are, on the CPU or on
their GPU. Importing the package does no work: no CUDA driver, no NumPy, no torch.
"""

from ._artifacts import Artifacts
from ._bundle import KernelSchedule, Value
from ._compile import compile, load_bundle
from ._errors import BundleError, CompileError, CudaError, Diagnostic
from ._frontends import (
    disable,
    enable,
    explain,
    from_mlir,
    from_stablehlo,
    from_torch,
    from_torch_mlir,
    jit,
)
from ._head_gate import head_gate
from ._kernel import Kernel, Reference, Remark, reference

__all__ = [
    "Artifacts",
    "BundleError",
    "CompileError",
    "CudaError",
    "Diagnostic",
    "Kernel",
    "KernelSchedule",
    "Reference",
    "Remark",
    "Value",
    "__version__",
    "compile",
    "disable",
    "enable",
    "explain",
    "from_mlir",
    "from_stablehlo",
    "from_torch",
    "from_torch_mlir",
    "head_gate",
    "jit",
    "load_bundle",
    "reference",
]

__version__ = "0.1.0"
