#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether every kernel of every bundle is right and repeats bit for bit, on a GPU.

    python3 benchmarks/gpu_bundles.py DIR     # where the compiler is: makes DIR
    python3 benchmarks/gpu_checks.py DIR --output OUT [--seconds 120]

DIR holds bundles, named H_E.idxb with an ending such as _static before the dot, and
libindexer_runtime.so, and below merged/ those with the keys and the gate of a merged weight,
which are checked as one gate with the heads of both; OUT gets checks.md. Every launch of a
bundle's table is checked by itself:

- error: at the ends of its range of T and in between, on fresh random data: the norm of the
  difference from float64, relative, at most 1e-6; and each element inside the bound of
  docs/numerics.md. Launches without a condition on the layout get an unaligned pointer,
  which nothing else accepts.
- same bits: 10,000 launches in a row in CUDA graphs, all into memory that was filled with
  NaN before, compared on the GPU with the first one
- dependent: x is rewritten by another kernel between launches; a kernel that starts before
  the one in front of it has ended must not read x too early

Of bundles named H_E_invariant.idxb also whether a row's bits depend on T, or on its place
among the rows.

The exit code is 1 when a check fails. Needs PyTorch with CUDA.
"""

import argparse
import hashlib
import pathlib
import sys
import time

from timing import machine
from timing.merged_kernel import open_kernel

RUNTIME = "libindexer_runtime.so"
#: torch's name of where everything runs.
DEVICE = "cuda"
#: Largest error (norm, relative to float64).
TOLERANCE = 1e-6
#: No T beyond this, also where a launch serves more.
MAX_TOKENS = 66000
#: Bytes of the results of one graph.
GRAPH_BYTES = 1 << 30
#: Rows of which batch-invariant kernels are given more and more.
INVARIANT_TOKENS = 20011
#: Launches of one graph, and rounds of the dependent chain.
GRAPH_LAUNCHES, DEPENDENT_ROUNDS = 50, 200


def make_inputs(torch, tokens, heads, hidden, seed, is_aligned=True):
    """x [T, E] and weight [H, E] in bf16, q_scale [T, H, 1] in f32, both scalars; with
    is_aligned False x starts 2 bytes off and its rows are E + 1 elements apart."""
    generator = torch.Generator(DEVICE).manual_seed(seed)

    def normal(*shape):
        data = torch.empty(*shape, dtype=torch.bfloat16, device=DEVICE)
        return data.normal_(generator=generator)

    x = normal(tokens, hidden)
    if not is_aligned:
        memory = x.new_zeros(tokens * (hidden + 1) + 1)
        x = memory[1:].view(tokens, hidden + 1)[:, :hidden].copy_(x)
    q_scale = torch.rand(tokens, heads, 1, generator=generator, device=DEVICE) + 0.05
    return x, normal(heads, hidden), q_scale, heads**-0.5, 128**-0.5


def float64_gate(
    torch, x, weight, q_scale, head_scale, softmax_scale, keys=0, keys_type="f32"
):
    """The gate in float64, and the bound of docs/numerics.md for each element; the
    first `keys` heads are not scaled, and rounded to `keys_type`."""

    def f32(value):
        return torch.tensor(value, dtype=torch.float32).double().item()

    factors = q_scale[..., 0].double() * f32(head_scale) * f32(softmax_scale)
    factors[:, :keys] = 1
    gate = (x.double() @ weight.double().T) * factors
    magnitude = (x.double().abs() @ weight.double().abs().T) * factors.abs()
    roundings = x.shape[1] + 4
    bound = roundings * 2.0**-24 * magnitude
    if keys_type == "bf16":
        # Of the sum, which may be off itself, to 8 bits.
        bound[:, :keys] = bound[:, :keys] * 1.01 + gate[:, :keys].abs() * 2.0**-8
    return gate[..., None], bound[..., None]


def find_error(torch, kernel, inputs):
    """Relative norm of the error; infinite where an element is outside its bound."""
    keys, keys_type = getattr(kernel, "keys", 0), getattr(kernel, "keys_type", "f32")
    expected, bound = float64_gate(torch, *inputs, keys=keys, keys_type=keys_type)
    out = torch.full_like(inputs[2], float("nan"))
    kernel(*inputs, out=out)
    difference = (out.double() - expected).abs()
    # Written so that a NaN fails.
    if not bool((difference <= bound).all()):
        return float("inf")
    # Of keys in bf16 the bound is all that there is to check.
    first = keys if keys_type == "bf16" else 0
    return (difference[:, first:].norm() / expected[:, first:].norm()).item()


def capture(torch, function):
    """A CUDA graph of what `function` does."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph


def count_same_bits(torch, kernel, inputs, launches):
    """How many launches in a row gave the bits of the first one, and their hash."""
    first = kernel(*inputs).view(torch.int32)
    size = first.numel() * first.element_size()
    batch = max(2, min(GRAPH_LAUNCHES, GRAPH_BYTES // size))
    outs = torch.empty((batch, *first.shape), device=DEVICE)
    same = torch.zeros((), dtype=torch.int64, device=DEVICE)

    def work():
        outs.fill_(float("nan"))
        for out in outs:
            kernel(*inputs, out=out)
        differs = (outs.view(torch.int32) != first).flatten(1).any(1)
        same.add_(batch - differs.sum())

    # Lazy loading is not allowed while capturing.
    work()
    same.zero_()
    graph = capture(torch, work)
    replays = -(-launches // batch)
    for _ in range(replays):
        graph.replay()
    digest = hashlib.sha256(first.cpu().numpy().tobytes()).hexdigest()[:12]
    return same.item(), replays * batch, digest


def count_dependent(torch, kernel, inputs, rounds):
    """How many launches saw the x that a kernel just in front of them had written."""
    sources = [inputs[0].clone() for _ in range(2)]
    sources[1].copy_(inputs[0].flip(0) * 1.5)
    expected = [kernel(source, *inputs[1:]).view(torch.int32) for source in sources]
    x = sources[0].clone()
    outs = [torch.empty_like(inputs[2]) for _ in sources]
    same = torch.zeros((), dtype=torch.int64, device=DEVICE)

    def work():
        for source, out, wanted in zip(sources, outs, expected):
            x.copy_(source)
            kernel(x, *inputs[1:], out=out)
            same.add_((out.view(torch.int32) == wanted).all())

    work()
    same.zero_()
    graph = capture(torch, work)
    for _ in range(rounds):
        graph.replay()
    return same.item(), rounds * len(sources)


def count_invariant(torch, kernel, shape):
    """How many calls on some of the rows of x, the first or the last ones, gave each
    row the bits that it has among all of them."""
    x, weight, q_scale, *scalars = make_inputs(torch, INVARIANT_TOKENS, *shape, seed=2)
    expected = kernel(x, weight, q_scale, *scalars).view(torch.int32)
    same = total = 0
    tokens = 1
    while tokens < INVARIANT_TOKENS:
        for rows in (slice(tokens), slice(INVARIANT_TOKENS - tokens, None)):
            gate = kernel(x[rows], weight, q_scale[rows], *scalars)
            same += torch.equal(gate.view(torch.int32), expected[rows])
            total += 1
        tokens = tokens * 3 // 2 + 1
    return same, total


def launch_tokens(launch):
    """Token counts at which a launch of the bundle's table is checked: the ends of
    its range and an odd number between."""
    first = max(1, launch["min_tokens"])
    last = min(MAX_TOKENS, launch["max_tokens"])
    return sorted({first, min(last, (first + last) // 2 | 1), last})


class Checks:
    """What has been checked, as a page that is rewritten after each launch."""

    def __init__(self, path, commit):
        self._path = path
        self._heading = machine.sentence(machine.describe(commit))
        self._rows = []
        self.failed = 0

    def add(self, name, launch, errors, same, dependent, digest):
        """Adds the outcome of one launch of a bundle's table."""
        error = max(errors.values())
        is_right = error <= TOLERANCE and same[0] == same[1]
        is_right = is_right and dependent[0] == dependent[1]
        self.failed += not is_right
        cells = [
            name,
            launch["kernel"],
            ", ".join(map(str, errors)),
            f"{error:.1e}",
            f"{same[0]} of {same[1]}",
            f"{dependent[0]} of {dependent[1]}",
            digest,
            "" if is_right else "FAILED",
        ]
        self._append(cells)

    def add_invariance(self, name, same, total):
        """Adds whether the bits of a bundle's rows depend on T."""
        is_right = same == total
        self.failed += not is_right
        text = f"rows have their bits at {same} of {total} T and places"
        self._append([name, text, *[""] * 5, "" if is_right else "FAILED"])

    def _append(self, cells):
        self._rows.append("| " + " | ".join(cells) + " |")
        print(" ".join(cells), flush=True)
        self.write("")

    def write(self, note):
        """Writes the page."""
        head = "bundle|kernel|T|largest error|same bits|dependent|hash of the first|"
        lines = ["# Checks of every kernel", "", self._heading, ""]
        lines += ["Command: `python3 benchmarks/gpu_checks.py DIR`, bundles by "]
        lines[-1] += "`python3 benchmarks/gpu_bundles.py DIR`."
        lines += ["", "| " + head.replace("|", " | ") + " |", "|" + "---|" * 8]
        lines += [*self._rows, "", f"{len(self._rows)} checks, {self.failed} failed."]
        if note:
            lines.append(note)
        self._path.write_text("\n".join(lines) + "\n")


def check_launch(torch, kernel, launch, shape, launches):
    """Errors by T, and same bits, dependence and hash at the range's smallest T."""
    is_aligned = launch.get("alignment", 0) != 0
    tokens = launch_tokens(launch)
    errors = {}
    for count in tokens:
        inputs = make_inputs(torch, count, *shape, seed=count, is_aligned=is_aligned)
        errors[count] = find_error(torch, kernel, inputs)
    inputs = make_inputs(torch, tokens[0], *shape, seed=1, is_aligned=is_aligned)
    same, total, digest = count_same_bits(torch, kernel, inputs, launches)
    dependent = count_dependent(torch, kernel, inputs, DEPENDENT_ROUNDS)
    return errors, (same, total), dependent, digest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="bundles and runtime library")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--launches", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=1e9, help="end cleanly then")
    parser.add_argument("--commit", help="commit, where there is no git")
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    # Those of the models first: a run may be cut off.
    bundles = sorted(
        options.folder.glob("*.idxb"), key=lambda p: ("64_7168" not in p.stem, p.stem)
    )
    bundles += sorted((options.folder / "merged").glob("*.idxb"))
    if not bundles:
        parser.error(
            f"'{options.folder}' has no bundles; benchmarks/gpu_bundles.py makes them"
        )

    import torch

    if not torch.cuda.is_available():
        print("gpu_checks.py: error: no CUDA device", file=sys.stderr)
        return 1
    torch.cuda.init()
    options.output.mkdir(parents=True, exist_ok=True)
    checks = Checks(options.output / "checks.md", options.commit)
    skipped = 0
    for path in bundles:
        shape = tuple(map(int, path.stem.split("_")[:2]))
        kernel = open_kernel(str(options.folder / RUNTIME), path)
        for launch in kernel.description["kernels"][0]["launches"]:
            if time.monotonic() > deadline:
                skipped += 1
                continue
            outcome = check_launch(torch, kernel, launch, shape, options.launches)
            checks.add(path.stem, launch, *outcome)
            torch.cuda.empty_cache()
        if path.stem.endswith("_invariant") and time.monotonic() < deadline:
            checks.add_invariance(path.stem, *count_invariant(torch, kernel, shape))
    note = f"The time was over: {skipped} launches were not checked." if skipped else ""
    checks.write(note)
    print(note or "all checked")
    return checks.failed != 0


if __name__ == "__main__":
    sys.exit(main())
