# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Our kernel, out of a bundle, with the runtime library and the driver alone."""

from __future__ import annotations

import functools
import pathlib
from typing import Callable, NamedTuple, Sequence

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
    """Tensors of many calls in device memory, each call with its own."""

    def __init__(
        self, driver: Driver, tokens: int, count: int, shape: plan.Shape = plan.MODEL
    ) -> None:
        self.count = count
        self._driver, self._tokens, self._shape = driver, tokens, shape
        self._layout = lay_out(tokens, shape)
        self._start = driver.allocate(self._layout.size * count)
        normal, uniform = random_data()
        driver.fill(self._start, self._layout.size * count, normal)
        for call in range(count):
            start = self._start + call * self._layout.size
            driver.fill(
                start + self._layout.q_scale, 4 * tokens * self._shape.heads, uniform
            )

    def bind(self, kernel: bundle_kernel.BundleKernel) -> list[tuple]:
        """Arguments and result of each call, to be launched with `kernel`."""
        return [self._bind_one(kernel, call) for call in range(self.count)]

    def _bind_one(self, kernel: bundle_kernel.BundleKernel, call: int) -> tuple:
        start = self._start + call * self._layout.size
        tensor = bundle_kernel.make_tensor
        tokens, (heads, hidden) = self._tokens, self._shape
        tensors = [
            tensor(start + self._layout.x, bundle_kernel.BF16, (tokens, hidden)),
            tensor(start + self._layout.weight, bundle_kernel.BF16, (heads, hidden)),
            tensor(
                start + self._layout.q_scale, bundle_kernel.F32, (tokens, heads, 1)
            ),
        ]
        result = tensor(
            start + self._layout.out, bundle_kernel.F32, (tokens, heads, 1)
        )
        return kernel.arguments(tensors, measuring.scalars()), result

    def clear_first(self) -> None:
        """Fills the first call's result with what is not a number, so that what is
        not written shows."""
        self._driver.set_bytes(
            self._start + self._layout.out, 0xFF, 4 * self._tokens * self._shape.heads
        )

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


def _prepare_graph(
    driver: Driver, calls: Calls, library: str, bundle: pathlib.Path
) -> Measure:
    """Loads the bundle, checks the result of a launch, and makes the graph."""
    kernel = bundle_kernel.BundleKernel(library, bundle)
    bound = calls.bind(kernel)
    stream, start, end = driver.make_stream(), driver.make_event(), driver.make_event()
    calls.clear_first()
    # One only: processes that had launched all of them before, with few others beside
    # them, were slower by 0.2 to 0.35 us a call.
    kernel.launch(*bound[0], stream)
    error = calls.error()
    measuring.require_right(error, measuring.OUR_TOLERANCE)

    def launch_all() -> None:
        for arguments, result in bound:
            kernel.launch(arguments, result, stream)

    graph = driver.capture(stream, launch_all)

    def replay() -> float:
        driver.record(start, stream)
        driver.replay(graph, stream)
        driver.record(end, stream)
        return driver.elapsed_us(start, end)

    return lambda: {"error": error, **measuring.time_graph(replay, calls.count)}


def prepare(
    tokens: int, library: str, bundle: pathlib.Path, shape: plan.Shape = plan.MODEL
) -> Measure:
    """Loads the bundle, makes the graph of its calls and checks the result."""
    driver = Driver()
    calls = Calls(driver, tokens, plan.call_count(tokens, shape), shape)
    return _prepare_graph(driver, calls, library, bundle)


def prepare_many(
    tokens: int, library: str, bundles: Sequence[pathlib.Path], shape: plan.Shape
) -> Callable[[], dict]:
    """As `prepare`, for bundles that share a process and the tensors. Its results, by
    the names of the bundles, are to be compared with each other only: in a process that
    has launched much, kernels are slower. A bundle that fails has an "error" that is a
    text."""
    driver = Driver()
    calls = Calls(driver, tokens, plan.call_count(tokens, shape), shape)

    def attempt(step: Callable[[], Measure | dict]) -> Measure | dict:
        try:
            return step()
        except RuntimeError as failure:
            return {"error": str(failure)}

    graphs = {
        bundle.name: attempt(lambda: _prepare_graph(driver, calls, library, bundle))
        for bundle in bundles
    }
    return lambda: {
        name: graph if isinstance(graph, dict) else attempt(graph)
        for name, graph in graphs.items()
    }
