# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Environment of the processes; applied before anything imports NumPy or torch."""

import os
import pathlib

#: Inductor compiles in its own process and for the T at hand; asking whether there is a
#: GPU must not initialise CUDA, which would spoil a process for copies of it; as many
#: processes run side by side as there are cores.
VARIABLES = {
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "TORCHINDUCTOR_FX_GRAPH_CACHE": "0",
    "TORCHINDUCTOR_AUTOGRAD_CACHE": "0",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # For the server that imports `timing` by name.
    "PYTHONPATH": str(pathlib.Path(__file__).resolve().parent.parent),
}


def apply() -> None:
    """Sets the variables for this process and those that it starts."""
    os.environ.update(VARIABLES)
