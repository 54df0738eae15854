# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `dsa-indexer bench` measures: the head gate on this machine, beside the
same chain in torch where torch is installed."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

from ._head_gate import head_gate

__all__ = ["Measured", "measure"]

SOFTMAX_SCALE = 128**-0.5
#: Seconds that one number may take, and calls of one CUDA graph.
_SECONDS, _GRAPH_CALLS = 0.5, 20


class Measured(NamedTuple):
    """One number of tokens."""

    tokens: int
    #: Microseconds of one call: the median. On a GPU those of the device, in a
    #: CUDA graph of calls with the same tensors, whose weights stay in L2.
    ours: float
    #: Of torch's chain, and the relative difference of both results (the norm
    #: of the difference); None without torch.
    torch: Optional[float]
    difference: Optional[float]


def measure(
    tokens: Sequence[int], heads: int, hidden: int, device: Optional[str]
) -> tuple[str, list[Measured]]:
    """Where it ran, and the times. `device` is "cpu" or "cuda"; None: a GPU
    where torch finds one. Raises ValueError for "cuda" without one."""
    if importlib.util.find_spec("torch") is None:
        if device == "cuda":
            raise ValueError("bench: 'cuda' needs torch, which is not installed")
        return "CPU, NumPy", [_measure_numpy(count, heads, hidden) for count in tokens]
    import torch

    found = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and found == "cpu":
        raise ValueError(f"bench: torch {torch.__version__} finds no CUDA device")
    device = device or found
    place = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    where = f"{place}, torch {torch.__version__}"
    if device == "cpu":
        where += f", {torch.get_num_threads()} threads; its chain widens x and weight"
    with torch.no_grad():
        return where, [_measure_torch(count, heads, hidden, device) for count in tokens]


def _measure_torch(tokens: int, heads: int, hidden: int, device: str) -> Measured:
    import torch

    torch.manual_seed(0)
    x = torch.randn(tokens, hidden, device=device).bfloat16()
    weight = torch.randn(heads, hidden, device=device).bfloat16()
    q_scale = torch.rand(tokens, heads, 1, device=device)

    def ours() -> Any:
        return head_gate(x, weight, q_scale, softmax_scale=SOFTMAX_SCALE)

    def chain() -> Any:
        if device == "cuda":
            logits = torch.mm(x, weight.t(), out_dtype=torch.float32)
        else:
            # mm with out_dtype has no CPU kernel.
            logits = x.float() @ weight.float().t()
        return (logits * heads**-0.5).unsqueeze(-1) * q_scale * SOFTMAX_SCALE

    expected = chain()
    difference = float((ours() - expected).norm() / expected.norm()) if tokens else 0.0
    time_of = _time_on_gpu if device == "cuda" else _time_on_cpu
    return Measured(tokens, time_of(ours), time_of(chain), difference)


def _measure_numpy(tokens: int, heads: int, hidden: int) -> Measured:
    import numpy

    random = numpy.random.default_rng(0)
    x = random.standard_normal((tokens, hidden), dtype=numpy.float32)
    weight = random.standard_normal((heads, hidden), dtype=numpy.float32)
    q_scale = random.random((tokens, heads, 1), dtype=numpy.float32)
    return Measured(
        tokens,
        _time_on_cpu(lambda: head_gate(x, weight, q_scale, softmax_scale=SOFTMAX_SCALE)),
        None,
        None,
    )


def _time_on_cpu(call: Callable[[], Any]) -> float:
    call()
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 1000):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def _time_on_gpu(call: Callable[[], Any]) -> float:
    import torch

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(_GRAPH_CALLS):
            call()
    times: list[float] = []
    for _ in range(20):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / _GRAPH_CALLS)
    return statistics.median(times)
