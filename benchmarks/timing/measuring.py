# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How a graph of calls is timed, and how a result is judged."""

from __future__ import annotations

import statistics
import time
from typing import Any, Callable

import numpy as np

from timing import plan

#: Largest relative error (norm, against float64) of our kernels, and of the peers,
#: whose single long sum of f32 reaches 8e-6.
OUR_TOLERANCE, PEER_TOLERANCE = 1e-6, 1e-4


def time_graph(replay: Callable[[], float], calls: int) -> dict:
    """`replay` runs a graph of `calls` calls and returns its microseconds. Returns
    microseconds a call: the median over replays and the extremes, and the median
    over as many replays some milliseconds later, when a process may be slower."""
    start = time.perf_counter()

    def timed() -> list[float]:
        return sorted(replay() / calls for _ in range(plan.TIMED_REPLAYS))

    for _ in range(plan.WARMUP_REPLAYS):
        replay()
    times = timed()
    while time.perf_counter() - start < plan.LATE_SECONDS:
        replay()
    return {
        "us": statistics.median(times),
        "low": times[0],
        "high": times[-1],
        "late": statistics.median(timed()),
        "calls": calls,
    }


def widen(data: bytes) -> np.ndarray:
    """bf16 as float64."""
    bits = np.frombuffer(data, np.uint16).astype(np.uint32) << 16
    return bits.view(np.float32).astype(np.float64)


def relative_error(gate: Any, x: Any, weight: Any, q_scale: Any) -> float:
    """Norm of the difference of `gate` [T, H] from float64, over the norm of the
    latter; x [T, E], weight [H, E] and q_scale [T, H] as float64 arrays."""
    expected = (x @ weight.T) * (q_scale * scale())
    difference = np.linalg.norm(np.asarray(gate, np.float64) - expected)
    return float(difference / np.linalg.norm(expected))


def scalars() -> tuple[float, float]:
    """head_scale and softmax_scale of DeepSeek-V3.2."""
    return plan.HEADS**-0.5, 128**-0.5


def scale() -> float:
    """Their product, each as f32."""
    head_scale, softmax_scale = scalars()
    return float(np.float64(np.float32(head_scale)) * np.float32(softmax_scale))


def require_right(error: float, tolerance: float) -> None:
    """Raises RuntimeError where the result is wrong: its time means nothing."""
    # Written so that a NaN fails.
    if not error <= tolerance:
        raise RuntimeError(
            f"the result is wrong: relative error {error:.2e}, accepted is {tolerance}"
        )


def checked_rows(tokens: int) -> list[tuple[int, int]]:
    """Ranges of tokens whose result is checked: the first and the last ones."""
    if tokens <= 64:
        return [(0, tokens)]
    return [(0, 32), (tokens - 32, tokens)]
