# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Imported once by the server that the peers' processes are copies of.

Imports only: nothing here may ask CUDA for anything, not even whether there is a GPU, since
a copy of a process that has could not use it. Where something does, this import fails, the
server goes on without it, and each process imports torch by itself, which is slow and right.
"""

import torch
import torch._inductor.config


def _refuse(*_):
    raise ImportError("an import asks CUDA for its devices")


_count_devices = getattr(torch._C, "_cuda_getDeviceCount", None)
if _count_devices is None:
    # The only error that the server takes.
    raise ImportError("this torch has no CUDA")
torch._C._cuda_getDeviceCount = _refuse
# The one thing that would ask.
torch._inductor.config.use_experimental_benchmarker = False
try:
    import torch._dynamo
    import torch._inductor.codegen.triton
    import torch._inductor.codegen.wrapper
    import torch._inductor.compile_fx
    import torch._inductor.runtime.triton_heuristics

    import peers.triton_gate
    import timing.torch_peers
    import timing.triton_peer  # noqa: F401
finally:
    torch._C._cuda_getDeviceCount = _count_devices
