"""Times of the example on the CPU beside PyTorch's own.

    python3 benchmarks/cpu_times.py [--tokens 1,16,256]

One thread each, warm, in turns; median of 30 calls in microseconds. The chain in PyTorch is
what the formula says on a CPU, where mm has no out_dtype: operands widened to f32
("float"), and once with bf16 operands and a bf16 result ("bf16", another rounding).
Needs dsa_indexer, NumPy and PyTorch.
"""

import argparse
import pathlib
import statistics
import time

import torch

import dsa_indexer

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples" / "head_gate.mlir"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokens", default="1,16,256")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kernel = dsa_indexer.compile(EXAMPLE.read_text())
    print("| T | ours, us | torch float, us | torch bf16, us |")
    print("|---|---|---|---|")
    for tokens in map(int, options.tokens.split(",")):
        x = torch.randn(tokens, 7168).to(torch.bfloat16)
        weight = torch.randn(64, 7168).to(torch.bfloat16)
        q_scale = torch.rand(tokens, 64, 1)
        a, b = 64**-0.5, 128**-0.5
        out = torch.empty(tokens, 64, 1)
        calls = [
            lambda: kernel(x, weight, q_scale, a, b, out=out),
            lambda: ((x.float() @ weight.float().t()) * a).unsqueeze(-1) * q_scale * b,
            lambda: ((x @ weight.t()).float() * a).unsqueeze(-1) * q_scale * b,
        ]
        times = [[] for _ in calls]
        for repeat in range(33):
            for call, taken in zip(calls, times):
                start = time.perf_counter()
                call()
                if repeat >= 3:
                    taken.append((time.perf_counter() - start) * 1e6)
        row = " | ".join(f"{statistics.median(taken):.0f}" for taken in times)
        print(f"| {tokens} | {row} |")


if __name__ == "__main__":
    main()
