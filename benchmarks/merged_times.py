#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times the keys and the gate of a merged weight: one kernel, two kernels, PyTorch.

    python3 benchmarks/gpu_bundles.py DIR     # where the compiler is: makes DIR
    python3 benchmarks/merged_times.py DIR --output OUT [--tokens 1,16,8192]

128 rows of keys in bf16 and 64 heads of a gate, E = 7168. Every number is the median over
graphs of calls in a row, each with its own x, weight and results, so that weights are cold.
Every column's result is compared with float64 first. OUT gets merged.md and merged.json.
Needs PyTorch with CUDA; all columns run in one process, one after the other.
"""

import argparse
import json
import pathlib
import sys
from ctypes import c_void_p

from timing import machine, measuring, plan, torch_peers
from timing.bundle_kernel import view
from timing.merged_kernel import MergedKernel

KEYS, HEADS, HIDDEN = 128, 64, 7168
STEM = f"{KEYS + HEADS}_{HIDDEN}_keys{KEYS}_bf16"
#: Bundles by the column's title.
BUNDLES = {
    "one kernel": STEM,
    "one kernel, PDL chain": f"{STEM}_static",
    "two kernels": f"{STEM}_apart",
}
TOKENS = (1, 4, 16, 64, 256, 1024, 2048, 4096, 8192, 16384, 65536)
#: Largest relative error of keys in bf16, and of the gate.
KEYS_TOLERANCE, GATE_TOLERANCE = 2.0**-8, measuring.PEER_TOLERANCE


def chain(x, weight, q_scale, head_scale, softmax_scale):
    """Keys and gate as engines write them, the gate without a rounding before it."""
    import torch

    sums = torch.mm(x, weight.t(), out_dtype=torch.float32)
    keys = sums[:, :KEYS].to(torch.bfloat16)
    weights = sums[:, KEYS:] * head_scale
    return keys, weights.unsqueeze(-1) * q_scale * softmax_scale


def make_inputs(torch, tokens, seed):
    """x [T, E] and weight [K + H, E] in bf16, q_scale [T, H, 1] in f32, both scalars."""
    generator = torch.Generator("cuda").manual_seed(seed)

    def normal(*shape):
        data = torch.empty(*shape, dtype=torch.bfloat16, device="cuda")
        return data.normal_(generator=generator)

    q_scale = torch.rand(tokens, HEADS, 1, generator=generator, device="cuda") + 0.05
    weight = normal(KEYS + HEADS, HIDDEN)
    return normal(tokens, HIDDEN), weight, q_scale, HEADS**-0.5, 128**-0.5


def check(title, inputs, keys, gate):
    """Raises where the results of a call are wrong."""
    x, weight, q_scale, head_scale, softmax_scale = inputs
    # As many rows as float64 takes no time for.
    first = slice(max(0, x.shape[0] - 512), None)
    sums = x[first].double() @ weight.double().T
    scaled = sums[:, KEYS:, None] * q_scale[first].double() * head_scale * softmax_scale
    for got, expected, tolerance in (
        (keys[first], sums[:, :KEYS], KEYS_TOLERANCE),
        (gate[first], scaled, GATE_TOLERANCE),
    ):
        error = ((got.double() - expected).norm() / expected.norm()).item()
        # Written so that a NaN fails.
        if not error <= tolerance:
            raise RuntimeError(f"{title}, T = {x.shape[0]}: the error is {error:.1e}")


def time_bundle(torch, title, kernel, all_inputs):
    """Microseconds of a call of a bundle."""
    calls, results = [], []
    for inputs in all_inputs:
        keys, gate = kernel.make_results(torch, inputs[0], HEADS)
        results.append((keys.fill_(float("nan")), gate.fill_(float("nan"))))
        arguments = kernel.bind(*inputs)
        outputs = [view(keys), view(gate)]

        def call(arguments=arguments, outputs=outputs):
            stream = c_void_p(torch.cuda.current_stream().cuda_stream)
            kernel.launch_all(arguments, outputs, stream)

        calls.append(call)
    calls[0]()
    check(title, all_inputs[0], *results[0])
    return torch_peers.prepare_calls(calls)()["us"]


def time_torch(title, function, all_inputs):
    """Microseconds of a call of the chain in PyTorch."""
    for inputs in all_inputs[1:3]:
        function(*inputs)
    check(title, all_inputs[0], *function(*all_inputs[0]))
    calls = [lambda inputs=inputs: function(*inputs) for inputs in all_inputs]
    return torch_peers.prepare_calls(calls)()["us"]


def measure(torch, kernels, tokens):
    """Microseconds by title."""
    count = plan.call_count(tokens, plan.Shape(KEYS + HEADS, HIDDEN))
    all_inputs = [make_inputs(torch, tokens, seed) for seed in range(count)]
    times = {
        title: time_bundle(torch, title, kernel, all_inputs)
        for title, kernel in kernels.items()
    }
    compiled = torch.compile(chain, dynamic=True)
    times["torch.compile"] = time_torch("torch.compile", compiled, all_inputs)
    times["torch eager"] = time_torch("torch eager", chain, all_inputs)
    return times


def write(folder, described, rows):
    """Writes the table and its data; `rows` are times by T."""
    titles = list(next(iter(rows.values())))
    ratio = "one kernel / torch.compile"
    lines = ["# Keys and gate of a merged weight", "", machine.sentence(described), ""]
    lines += [f"Microseconds of {KEYS} keys in bf16 and {HEADS} heads, E = {HIDDEN}."]
    lines += ["Command: `python3 benchmarks/merged_times.py DIR --output OUT`, bundles "]
    lines[-1] += "by `python3 benchmarks/gpu_bundles.py DIR`."
    lines += ["", f"| T | {' | '.join(titles)} | {ratio} |"]
    lines += ["|" + "---|" * (len(titles) + 2)]
    for tokens, times in rows.items():
        cells = [f"{times[title]:.2f}" for title in titles]
        share = times["one kernel"] / times["torch.compile"]
        lines.append(f"| {tokens} | {' | '.join(cells)} | {share:.2f} |")
    (folder / "merged.md").write_text("\n".join(lines) + "\n")
    data = {"machine": described, "us": rows}
    (folder / "merged.json").write_text(json.dumps(data, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="bundles and runtime library")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument(
        "--tokens",
        type=lambda text: tuple(map(int, text.split(","))),
        default=TOKENS,
        help="token counts, such as 1,16,8192",
    )
    parser.add_argument("--commit", help="commit, where there is no git")
    options = parser.parse_args()

    import torch

    if not torch.cuda.is_available():
        print("merged_times.py: error: no CUDA device", file=sys.stderr)
        return 1
    torch.cuda.init()
    options.output.mkdir(parents=True, exist_ok=True)
    library = str(options.folder / "libindexer_runtime.so")
    kernels = {
        title: MergedKernel(library, options.folder / "merged" / f"{stem}.idxb")
        for title, stem in BUNDLES.items()
    }
    described, rows = machine.describe(options.commit), {}
    for tokens in options.tokens:
        rows[tokens] = measure(torch, kernels, tokens)
        shown = ", ".join(f"{title} {us:.2f}" for title, us in rows[tokens].items())
        print(f"T = {tokens}: {shown}", flush=True)
        write(options.output, described, rows)
        torch.cuda.empty_cache()
    return 0


if __name__ == "__main__":
    sys.exit(main())
