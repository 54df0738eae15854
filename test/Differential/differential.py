#!/usr/bin/env python3
"""Compares random chains before and after fusion.

Bit for bit, or in the modes that change bits within the bound of docs/numerics.md.
Both sides are lowered and run by stock mlir-opt and mlir-runner, not by our code.

Usage: differential.py --libraries DIR [--chains N] [--batch N] [--seed N]
                       [--mode keep|fold|allow-precision|both] [--bits]
                       [--seconds N]
"""

import argparse
import collections
import concurrent.futures
import math
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import chains  # pylint: disable=wrong-import-position

LOWER = (
    "builtin.module(func.func(convert-elementwise-to-linalg),"
    "one-shot-bufferize{bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map "
    "allow-return-allocs-from-loops},"
    "func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,"
    "arith-expand{include-bf16=true},convert-scf-to-cf,"
    "convert-math-to-llvm,convert-cf-to-llvm,finalize-memref-to-llvm,"
    "convert-arith-to-llvm,convert-index-to-llvm,convert-func-to-llvm,"
    "reconcile-unrealized-casts)")


def run(command, text):
    """Standard output and error of `command` with `text` as its input."""
    result = subprocess.run(command, input=text, capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        with tempfile.NamedTemporaryFile("w", suffix=".mlir", delete=False) as file:
            file.write(text)
        sys.exit(f"differential.py: error: {command[0]} failed on {file.name}: "
                 f"{result.stderr[-2000:]}")
    return result.stdout, result.stderr


def execute(text, libraries):
    """What the module prints: the bits of each tensor."""
    lowered, _ = run(["mlir-opt", f"--pass-pipeline={LOWER}"], text)
    printed, _ = run(["mlir-runner", "-e", "main", "--entry-point-result=void", "-O0",
                      f"--shared-libs={libraries}"], lowered)
    tensors = re.split(r"Unranked Memref base@[^\n]*\n", printed)
    return [[int(bits) for bits in re.findall(r"-?\d+", each)]
            for each in tensors[1:]]


def to_floats(bits):
    """The f32 numbers that have these bits."""
    return struct.unpack(f"{len(bits)}f", struct.pack(f"{len(bits)}i", *bits))


def bound(chain):
    """How far a result may be from the source's, relative to its magnitude; see
    docs/numerics.md."""
    wide, narrow = chain.roundings
    error = wide * 2.0**-24 + narrow * 2.0**-8
    if error >= 0.5:
        return math.inf
    gamma = error / (1 - error)
    return 2 * gamma / (1 - gamma)


def compare_bits(batch, source, fused, _):
    """The first result whose bits differ, as text."""
    for index, (expected, actual) in enumerate(zip(source, fused)):
        if expected != actual:
            return f"tensor {index} of {len(batch)} chains: {expected}, {actual}"
    return None


def compare_bound(batch, source, fused, magnitude):
    """The first result that is outside of its bound, as text. Where a magnitude
    is not finite, the source may overflow and is not compared."""
    allowed = [bound(chain) for chain in batch for _ in chain.results]
    for index, (limit, *tensors) in enumerate(zip(allowed, source, fused, magnitude)):
        for expected, actual, scale in zip(*map(to_floats, tensors)):
            if math.isfinite(limit * scale) and not (
                    abs(expected - actual) <= limit * scale):
                return (f"tensor {index}: {expected}, {actual} differ by more than "
                        f"{limit} * {scale}")
    return None


MODES = {
    "keep": ([], compare_bits),
    "fold": (["scalars=fold"], compare_bound),
    "allow-precision": (["allow-precision"], compare_bound),
    "both": (["scalars=fold", "allow-precision"], compare_bound),
}


def main():
    """Runs the batches; fails at the first difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chains", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=100, help="chains in a module")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--libraries", required=True, help="LLVM's lib folder")
    parser.add_argument("--mode", choices=MODES, default="keep",
                        help="options of the pass, compared as each allows")
    parser.add_argument("--bits", action="store_true",
                        help="compare bits in each mode")
    parser.add_argument("--seconds", type=float, default=math.inf,
                        help="stop before the next batch after this time")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    libraries = ",".join(
        str(pathlib.Path(options.libraries) / f"libmlir_{name}utils.so")
        for name in ("runner_", "c_runner_"))
    settings, compare = MODES[options.mode]
    if options.bits:
        compare = compare_bits
    narrow = ("bf16",) if compare is compare_bound else ("bf16", "bf16", "f16")
    totals = collections.Counter()
    reasons = collections.Counter()
    for start in range(0, options.chains, options.batch):
        if time.monotonic() > end:
            break
        seed = f"{options.seed}.{start}"
        count = min(options.batch, options.chains - start)
        text, batch = chains.module(seed, count, narrow)
        after, remarks = run(
            ["indexer-opt", f"--indexer-fuse-head-gate={' '.join(settings)}",
             "--indexer-fuse-scales", "--remarks-filter=indexer-.*",
             "--remark-format=emitRemark"], text)
        declined = collections.Counter(
            re.findall(r'remark: \[Missed\].*Reason="([^:]*):', remarks))
        sides = [text, after]
        if compare is compare_bound:
            sides.append(chains.magnitudes(text))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            source, fused, *magnitude = pool.map(
                lambda side: execute(side, libraries), sides)
        difference = compare(batch, source, fused, *(magnitude or [None]))
        # A sum in bf16 or f16 is never replaced without leave.
        sums = sum(chain.narrow_sum for chain in batch)
        expected = 0 if "allow-precision" in settings else sums
        if not difference and declined["bf16-accumulation"] != expected:
            difference = (f"{declined['bf16-accumulation']} chains declined for "
                          f"bf16-accumulation, expected {expected}")
        if difference:
            with tempfile.NamedTemporaryFile("w", suffix=".mlir",
                                             delete=False) as file:
                file.write(text)
            sys.exit(f"differential.py: error: seed {seed}: {difference}; "
                     f"module in {file.name}")
        reasons += declined
        totals["chains"] += len(batch)
        totals["results"] += len(source)
        totals["changed"] += sum(a != b for a, b in zip(source, fused))
        totals["fused"] += len(re.findall(r"remark: \[Passed\] FuseHeadGate",
                                          remarks))
    print(f"{totals['chains']} chains, {totals['results']} results, "
          f"{totals['changed']} of them with other bits; {totals['fused']} fused "
          f"ops, {reasons.total()} declined: {dict(reasons.most_common())}")


if __name__ == "__main__":
    main()
