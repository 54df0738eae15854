# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the bytes a second that a GPU reads at best: what the byte floor is made of."""

from __future__ import annotations

import functools

from timing import torch_peers
from timing.processes import Measure

#: Bytes that are read: many times any L2.
BYTES = 4 << 30
#: Programs, words of a block, and warps that are tried.
FORMS = [
    (programs, block, warps)
    for programs in (1 << 11, 1 << 13, 1 << 15)
    for block, warps in ((2048, 4), (4096, 8))
]
#: Runs of a form that are timed; the fastest counts, as a ceiling is asked for.
RUNS = 10


def prepare() -> Measure:
    """Compiles the forms; the result has "bytes_per_second" of the fastest one."""
    import torch

    from peers import triton_read

    torch.cuda.init()
    words = torch.ones(BYTES // 4, dtype=torch.int32, device="cuda")
    sums = torch.empty(FORMS[-1][0], dtype=torch.int32, device="cuda")

    def read(programs: int, block: int, warps: int) -> None:
        size = words.numel() // programs
        triton_read.sum_parts[(programs,)](
            words, sums, SIZE=size, BLOCK=block, num_warps=warps
        )

    for form in FORMS:
        read(*form)
        if sums[: form[0]].sum().item() != words.numel():
            raise RuntimeError(f"the sum of the words that {form} has read is wrong")

    timers = [
        torch_peers.timer(functools.partial(read, *form)) for form in FORMS
    ]

    def measure() -> dict:
        fastest_us = min(timed() for timed in timers for _ in range(RUNS))
        return {"bytes_per_second": BYTES / fastest_us * 1e6}

    return measure
