# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How fast a GPU reads: sums of a large array, each byte once."""

import triton
import triton.language as tl


@triton.jit
def sum_parts(words, sums, SIZE: tl.constexpr, BLOCK: tl.constexpr):
    """Sums `words` [programs * SIZE], i32, into `sums` [programs]."""
    first = tl.program_id(0).to(tl.int64) * SIZE
    total = tl.zeros((BLOCK,), tl.int32)
    for start in tl.range(0, SIZE, BLOCK, num_stages=1, loop_unroll_factor=4):
        total += tl.load(words + first + start + tl.arange(0, BLOCK))
    tl.store(sums + tl.program_id(0), tl.sum(total))
