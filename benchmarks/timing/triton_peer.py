# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tuning and timing of the Triton kernel in peers/triton_gate.py.

Three steps, each in processes of its own: compile every configuration once and drop what is
not right; time those that fit a token count side by side in one process, which is unfair by
0.3 us to nobody since all have been warmed up before; time the best few in fresh processes,
as everything else is.
"""

from __future__ import annotations

import ast
import math
from typing import Any

from peers import triton_space
from timing import measuring, plan, torch_peers
from timing.processes import Measure

#: Configurations of a token count that get a process of their own.
FINALISTS = 3
#: Calls of a graph while tuning.
TUNING_CALLS = 48
#: Tokens of the first run of a configuration: several tiles, the last one partial.
TRIAL_TOKENS = 200


def parse(text: str) -> triton_space.Configuration:
    """The configuration that `variant` wrote."""
    return triton_space.Configuration(*ast.literal_eval(text))


def variant(configuration: triton_space.Configuration) -> str:
    """A configuration as text, for a task or a record."""
    return repr(tuple(configuration))


def all_configurations(tokens: list[int]) -> list[str]:
    """Every configuration that is tried for any of these token counts, once."""
    found: dict[str, None] = {}
    for count in tokens:
        found.update((variant(one), None) for one in triton_space.configurations(count))
    return list(found)


def _poisoned(torch: Any, inputs: tuple) -> Any:
    """A result in which what is not written shows."""
    return torch.full_like(inputs[2], math.nan)


def _make_call(configuration, inputs: tuple, scratch: Any, out: Any):
    """A function that launches the gate."""
    from peers import triton_gate

    x, weight, q_scale = inputs[:3]
    scale = measuring.scale()
    return lambda: triton_gate.gate(
        configuration, x, weight, q_scale, scale, out, scratch
    )


def compile_all(variants: list[str]) -> Measure:
    """Compiles configurations into Triton's cache and runs each; the result names
    those that are right, with their errors, and the others, with the reason."""
    import torch

    from peers import triton_gate

    torch.cuda.init()
    inputs = torch_peers.make_inputs(torch, TRIAL_TOKENS, 0)
    right: dict[str, float] = {}
    dropped: dict[str, str] = {}
    for text in variants:
        configuration = parse(text)
        scratch = triton_gate.make_scratch(
            torch, configuration, TRIAL_TOKENS, plan.HEADS
        )
        out = _poisoned(torch, inputs)
        try:
            _make_call(configuration, inputs, scratch, out)()
            torch.cuda.synchronize()
            right[text] = torch_peers.check(inputs, out, True)
        except Exception as error:  # Too much shared memory, too few registers.
            dropped[text] = f"{type(error).__name__}: {error}".split("\n")[0][:200]
    return lambda: {"right": right, "dropped": dropped}


def tune(tokens: int, variants: list[str]) -> Measure:
    """Times configurations for T tokens in one process, all warmed up first; the
    result has microseconds a call by configuration."""
    import torch

    from peers import triton_gate

    torch.cuda.init()
    count = min(TUNING_CALLS, plan.call_count(tokens))
    inputs = [torch_peers.make_inputs(torch, tokens, seed) for seed in range(count)]
    outs = [_poisoned(torch, values) for values in inputs]
    measures = {}
    scratches = []  # Alive as long as the graphs that write to them.
    for text in variants:
        configuration = parse(text)
        scratch = triton_gate.make_scratch(torch, configuration, tokens, plan.HEADS)
        scratches.append(scratch)
        calls = [
            _make_call(configuration, values, scratch, out)
            for values, out in zip(inputs, outs)
        ]
        try:
            calls[0]()
            measures[text] = torch_peers.prepare_calls(calls)
        except RuntimeError:  # Out of memory: not the kernel for this T.
            continue

    def measure() -> dict:
        assert scratches
        return {"times": {text: one()["us"] for text, one in measures.items()}}

    return measure


def finalists(times: dict[str, float]) -> list[str]:
    """The fastest configurations."""
    return sorted(times, key=times.__getitem__)[:FINALISTS]


def prepare(task: plan.Task) -> Measure:
    """The graph of one configuration, the task's variant."""
    import torch

    from peers import triton_gate

    torch.cuda.init()
    configuration = parse(task.variant)
    count = plan.call_count(task.tokens)
    inputs = [
        torch_peers.make_inputs(torch, task.tokens, seed) for seed in range(count)
    ]
    scratch = triton_gate.make_scratch(torch, configuration, task.tokens, plan.HEADS)
    outs = [_poisoned(torch, values) for values in inputs]
    calls = [
        _make_call(configuration, values, scratch, out)
        for values, out in zip(inputs, outs)
    ]
    for call in calls[:2]:
        call()
    error = torch_peers.check(inputs[0], outs[0], True)
    measure = torch_peers.prepare_calls(calls)
    return lambda: {"error": error, **measure()}
