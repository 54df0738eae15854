# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our kernel, out of a bundle, with the runtime library and the driver alone."""

from __future__ import annotations

import functools
import pathlib
from typing import NamedTuple

import numpy as np

from timing import bundle_kernel, measuring, plan
from timing.driver import Driver
from timing.processes import Measure

#: Tensors start at multiples of this many bytes, as torch's do.
ALIGNMENT = 512
#: Elements of the random data that memory is filled with, over and over.
RANDOM_ELEMENTS = 1 << 22


class Layout(NamedTuple):
    """Offsets in bytes of one call's tensors, and the size of all of them."""

    x: int
    weight: int
    q_scale: int
    out: int
    size: int


def lay_out(tokens: int, shape: plan.Shape) -> Layout:
    """The tensors of a call, one behind the other."""
    offsets = [0]
    for size in (
        2 * tokens * shape.hidden,
        2 * shape.heads * shape.hidden,
        4 * tokens * shape.heads,
        4 * tokens * shape.heads,
    ):
        offsets.append(-(-(offsets[-1] + size) // ALIGNMENT) * ALIGNMENT)
    return Layout(*offsets)


@functools.lru_cache(maxsize=None)
def random_data() -> tuple[bytes, bytes]:
    """Normal bf16 for x and weight, f32 from 0.05 to 1.05 for q_scale."""
    random = np.random.default_rng(0)
    normal = random.standard_normal(RANDOM_ELEMENTS, np.float32)
    upper = (normal.view(np.uint32) >> 16).astype(np.uint16)
    uniform = random.random(RANDOM_ELEMENTS // 4, np.float32) + np.float32(0.05)
    return upper.tobytes(), uniform.tobytes()


class Calls:
    """Calls of a kernel, each with tensors of its own in device memory."""

    def __init__(
        self,
        driver: Driver,
        kernel: bundle_kernel.BundleKernel,
        tokens: int,
        count: int,
        shape: plan.Shape = plan.MODEL,
    ) -> None:
        self._driver, self._kernel, self._shape = driver, kernel, shape
        self._tokens, self._layout = tokens, lay_out(tokens, shape)
        self._start = driver.allocate(self._layout.size * count)
        normal, uniform = random_data()
        driver.fill(self._start, self._layout.size * count, normal)
        for call in range(count):
            start = self._start + call * self._layout.size
            driver.fill(
                start + self._layout.q_scale, 4 * tokens * self._shape.heads, uniform
            )
            # Not a number, so that what is not written shows.
            driver.set_bytes(
                start + self._layout.out, 0xFF, 4 * tokens * self._shape.heads
            )
        self._calls = [self._bind(call) for call in range(count)]

    def _bind(self, call: int) -> tuple:
        """Arguments and result of a call."""
        start = self._start + call * self._layout.size
        tensor = bundle_kernel.make_tensor
        tokens = self._tokens
        tensors = [
            tensor(
                start + self._layout.x, bundle_kernel.BF16, (tokens, self._shape.hidden)
            ),
            tensor(
                start + self._layout.weight,
                bundle_kernel.BF16,
                (self._shape.heads, self._shape.hidden),
            ),
            tensor(
                start + self._layout.q_scale,
                bundle_kernel.F32,
                (tokens, self._shape.heads, 1),
            ),
        ]
        result = tensor(
            start + self._layout.out, bundle_kernel.F32, (tokens, self._shape.heads, 1)
        )
        return self._kernel.arguments(tensors, measuring.scalars()), result

    def launch_first(self, stream) -> None:
        """Launches the first call, whose result `error` looks at."""
        self._kernel.launch(*self._calls[0], stream)

    def launch_all(self, stream) -> None:
        """Launches all calls in a row."""
        for arguments, result in self._calls:
            self._kernel.launch(arguments, result, stream)

    def error(self) -> float:
        """Relative error of the first call's result; waits for it."""
        self._driver.synchronize()

        def rows(offset: int, row_bytes: int) -> bytes:
            return b"".join(
                self._driver.download(
                    self._start + offset + first * row_bytes,
                    (end - first) * row_bytes,
                )
                for first, end in measuring.checked_rows(self._tokens)
            )

        weight = self._driver.download(
            self._start + self._layout.weight,
            2 * self._shape.heads * self._shape.hidden,
        )
        x = measuring.widen(rows(self._layout.x, 2 * self._shape.hidden))
        q_scale = np.frombuffer(
            rows(self._layout.q_scale, 4 * self._shape.heads), np.float32
        )
        gate = np.frombuffer(rows(self._layout.out, 4 * self._shape.heads), np.float32)
        return measuring.relative_error(
            gate.reshape(-1, self._shape.heads),
            x.reshape(-1, self._shape.hidden),
            measuring.widen(weight).reshape(self._shape.heads, self._shape.hidden),
            q_scale.reshape(-1, self._shape.heads).astype(np.float64),
        )


def prepare(
    tokens: int, library: str, bundle: pathlib.Path, shape: plan.Shape = plan.MODEL
) -> Measure:
    """Loads the bundle, makes the graph of its calls and checks the result."""
    driver = Driver()
    kernel = bundle_kernel.BundleKernel(library, bundle)
    count = plan.call_count(tokens, shape)
    calls = Calls(driver, kernel, tokens, count, shape)
    stream, start, end = driver.make_stream(), driver.make_event(), driver.make_event()
    # One only: processes that had launched all of them before, with few others beside
    # them, were slower by 0.2 to 0.35 us a call.
    calls.launch_first(stream)
    error = calls.error()
    measuring.require_right(error, measuring.OUR_TOLERANCE)
    graph = driver.capture(stream, lambda: calls.launch_all(stream))

    def replay() -> float:
        driver.record(start, stream)
        driver.replay(graph, stream)
        driver.record(end, stream)
        return driver.elapsed_us(start, end)

    return lambda: {"error": error, **measuring.time_graph(replay, count)}
