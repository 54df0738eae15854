# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The peers that PyTorch has: the chain as engines write it, and its GEMM alone."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from timing import measuring, plan
from timing.processes import Measure


def chain(x, weight, q_scale, head_scale, softmax_scale):
    """The head gate as sglang's logits_head_gate_pcg spells it."""
    import torch

    logits = torch.mm(x, weight.t(), out_dtype=torch.float32)
    weights = logits * head_scale
    return weights.unsqueeze(-1) * q_scale * softmax_scale


def gemm(x, weight, q_scale, head_scale, softmax_scale):
    """The chain's GEMM alone, f32 out: not the gate."""
    import torch

    return torch.mm(x, weight.t(), out_dtype=torch.float32)


def make_inputs(torch: Any, tokens: int, seed: int) -> tuple:
    """x [T, E] and weight [H, E] in bf16, q_scale [T, H, 1] in f32, both scalars."""
    generator = torch.Generator("cuda").manual_seed(seed)

    def normal(*shape):
        data = torch.empty(*shape, dtype=torch.bfloat16, device="cuda")
        return data.normal_(generator=generator)

    q_scale = torch.rand(tokens, plan.HEADS, 1, generator=generator, device="cuda")
    return (
        normal(tokens, plan.HIDDEN),
        normal(plan.HEADS, plan.HIDDEN),
        q_scale + 0.05,
        *measuring.scalars(),
    )


def check(inputs: tuple, gate: Any, is_scaled: bool) -> float:
    """Relative error of a call's result against float64; raises where it is wrong."""
    x, weight, q_scale = inputs[:3]
    if not is_scaled:
        q_scale = q_scale.new_full(q_scale.shape, 1 / measuring.scale())

    def rows(tensor: Any) -> np.ndarray:
        ranges = measuring.checked_rows(tensor.shape[0])
        parts = [tensor[first:end].double().cpu().numpy() for first, end in ranges]
        return np.concatenate(parts)

    tokens = x.shape[0]
    error = measuring.relative_error(
        rows(gate.reshape(tokens, plan.HEADS)),
        rows(x),
        weight.double().cpu().numpy(),
        rows(q_scale[..., 0]),
    )
    measuring.require_right(error, measuring.PEER_TOLERANCE)
    return error


def timer(work: Callable[[], None]) -> Callable[[], float]:
    """A function that does `work` on the GPU and returns its microseconds."""
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def timed() -> float:
        start.record()
        work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) * 1e3

    return timed


def prepare_calls(calls: list[Callable[[], None]]) -> Measure:
    """The function that times a graph of these calls, which have all been warmed
    up where capture is not allowed: compilation, lazy loading."""
    import torch

    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    replay = timer(graph.replay)
    return lambda: measuring.time_graph(replay, len(calls))


def prepare(task: plan.Task) -> Measure:
    """Compiles what the task's column names, checks it and makes its graph."""
    import torch

    torch.cuda.init()
    if task.column == "mm_lt":
        torch.backends.cuda.preferred_blas_library("cublaslt")
    function = gemm if task.column in ("mm", "mm_lt") else chain
    if task.column == "torch_compile":
        function = torch.compile(chain, dynamic=True)
    count = plan.call_count(task.tokens)
    inputs = [make_inputs(torch, task.tokens, seed) for seed in range(count)]
    for values in inputs[1:3]:
        function(*values)
    error = check(inputs[0], function(*inputs[0]), function is not gemm)
    measure = prepare_calls([lambda v=values: function(*v) for values in inputs])
    return lambda: {"error": error, **measure()}
