#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether a row's bits depend on what else is in the batch.

    python3 benchmarks/gpu_bundles.py DIR --shapes 64x7168
    python3 benchmarks/gpu_batch_invariance.py DIR/64_7168_invariant.idxb [--tokens 1,2,7]

Computes the gate of many tokens once, then of fewer: the first ones, and the last ones, which
lie at other places of other tiles. Prints how many of the rows have the bits that they had
among all; the exit code is 1 when some have not. Needs Python and NumPy, the bundle and
libindexer_runtime.so beside it.
"""

import argparse
import pathlib
import sys

from timing import environment

environment.apply()

import numpy as np  # noqa: E402

from timing import bundle_kernel, measuring, ours  # noqa: E402
from timing.driver import Driver  # noqa: E402
from timing.plan import Shape  # noqa: E402

#: Ends and beginnings of ranges of T among them.
TOKENS = "1,2,3,8,9,16,33,64,73,120,121,240,300,481,700,961,1201,1600,2113,2641,3169,"
TOKENS += "4225,6337,8449,10561,12673,16384"


class Gate:
    """x of `tokens` tokens, weight and q_scale in device memory, and a kernel."""

    def __init__(self, bundle, tokens):
        self.driver = Driver()
        library = bundle.parent / "libindexer_runtime.so"
        self.kernel = bundle_kernel.BundleKernel(str(library), bundle)
        extents = self.kernel.description["arguments"][1]["shape"]
        self.shape = Shape(*extents)
        self.layout = ours.lay_out(tokens, self.shape)
        self.start = self.driver.allocate(self.layout.size)
        normal, uniform = ours.random_data()
        self.driver.fill(self.start, self.layout.size, normal)
        scales = self.start + self.layout.q_scale
        self.driver.fill(scales, 4 * tokens * self.shape.heads, uniform)

    def rows(self, first, count):
        """The bits of the gate of `count` tokens from token `first` on."""
        heads, hidden = self.shape
        out = self.start + self.layout.out
        self.driver.set_bytes(out, 0xFF, 4 * count * heads)
        tensor = bundle_kernel.make_tensor
        x = self.start + self.layout.x + 2 * first * hidden
        q_scale = self.start + self.layout.q_scale + 4 * first * heads
        weight = self.start + self.layout.weight
        arguments = self.kernel.arguments(
            [
                tensor(x, bundle_kernel.BF16, (count, hidden)),
                tensor(weight, bundle_kernel.BF16, (heads, hidden)),
                tensor(q_scale, bundle_kernel.F32, (count, heads, 1)),
            ],
            measuring.scalars(),
        )
        result = tensor(out, bundle_kernel.F32, (count, heads, 1))
        self.kernel.launch(arguments, result, None)
        self.driver.synchronize()
        data = self.driver.download(out, 4 * count * heads)
        return np.frombuffer(data, np.uint32).reshape(count, heads)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("--tokens", default=TOKENS, help="token counts, by commas")
    options = parser.parse_args()
    tokens = sorted({int(word) for word in options.tokens.split(",")})
    most = tokens[-1]
    gate = Gate(options.bundle, most)
    expected = gate.rows(0, most)
    wrong = 0
    for count in tokens:
        for first in sorted({0, most - count}):
            rows = gate.rows(first, count)
            same = int((rows == expected[first : first + count]).all(axis=1).sum())
            wrong += count - same
            print(
                f"T = {count}, from token {first}: {same} of {count} rows are the same"
            )
    print(
        f"{wrong} rows differ"
        if wrong
        else "every row has the same bits in every batch"
    )
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
