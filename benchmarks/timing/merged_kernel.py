# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A bundle with the keys and the gate of a merged weight (merged_text.py)."""

from __future__ import annotations

import pathlib
from ctypes import c_void_p

from timing.bundle_kernel import BundleKernel, view


class MergedKernel(BundleKernel):
    """Called as a gate with the heads of both, so that what checks a gate checks it:
    the first heads of its result are the keys, in f32, the others the gate."""

    def __init__(self, library: str, path: pathlib.Path) -> None:
        super().__init__(library, path)
        keys = self.description["results"][0]
        #: Rows of the weight that are the keys', and the type of these.
        self.keys: int = keys["shape"][1]
        self.keys_type: str = keys["type"]
        #: x of the gate is an argument of its own.
        self.is_apart = self.description["arguments"][1]["name"] == "y"

    def make_results(self, torch, x, heads):
        """Memory for the keys [T, K] and the gate [T, H, 1]."""
        dtype = torch.bfloat16 if self.keys_type == "bf16" else torch.float32
        keys = torch.empty(x.shape[0], self.keys, dtype=dtype, device=x.device)
        gate = torch.empty(x.shape[0], heads, 1, dtype=torch.float32, device=x.device)
        return keys, gate

    def bind(self, x, weight, q_scale, head_scale, softmax_scale):
        """The arguments of a call; q_scale [T, H, 1] has the heads of the gate."""
        inputs = (x, x) if self.is_apart else (x,)
        tensors = [view(tensor) for tensor in (*inputs, weight, q_scale)]
        return self.arguments(tensors, [head_scale, softmax_scale])

    def __call__(self, x, weight, q_scale, head_scale, softmax_scale, out=None):
        """Keys and gate of torch tensors in one [T, K + H, 1], on torch's stream; of
        q_scale [T, K + H, 1] the last heads count."""
        import torch

        scales = q_scale[:, self.keys :].contiguous()
        keys, gate = self.make_results(torch, x, scales.shape[1])
        # What is not written shows.
        keys.fill_(float("nan"))
        gate.fill_(float("nan"))
        stream = c_void_p(torch.cuda.current_stream().cuda_stream)
        arguments = self.bind(x, weight, scales, head_scale, softmax_scale)
        self.launch_all(arguments, [view(keys), view(gate)], stream)
        out = torch.empty_like(q_scale) if out is None else out
        out[:, : self.keys, 0] = keys
        out[:, self.keys :] = gate
        return out


def open_kernel(library: str, path: pathlib.Path) -> BundleKernel:
    """The bundle at `path`, whichever of the two it is."""
    kernel = BundleKernel(library, path)
    if len(kernel.description["results"]) == 1:
        return kernel
    return MergedKernel(library, path)
