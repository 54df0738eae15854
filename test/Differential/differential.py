#!/usr/bin/env python3
"""Compares random chains before and after fusion, bit for bit.

Both sides are lowered and run by stock mlir-opt and mlir-runner, not by our code.

Usage: differential.py --libraries DIR [--chains N] [--batch N] [--seed N]
                       [--passes TEXT ...]
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

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
                 f"{result.stderr[:2000]}")
    return result.stdout, result.stderr


def execute(text, libraries):
    """What the module prints, a list of lines for each printed tensor."""
    lowered, _ = run(["mlir-opt", f"--pass-pipeline={LOWER}"], text)
    printed, _ = run(["mlir-runner", "-e", "main", "--entry-point-result=void", "-O0",
                      f"--shared-libs={libraries}"], lowered)
    tensors = re.split(r"Unranked Memref base@[^\n]*\n", printed)
    return tensors[1:]


def main():
    """Runs the batches; fails at the first difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chains", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--libraries", required=True, help="LLVM's lib folder")
    parser.add_argument("--passes", nargs="+",
                        default=["indexer-fuse", "indexer-fuse-scales"],
                        help="our passes, without the leading dashes")
    options = parser.parse_args()
    libraries = ",".join(
        str(pathlib.Path(options.libraries) / f"libmlir_{name}utils.so")
        for name in ("runner_", "c_runner_"))
    fused = declined = outputs = 0
    reasons = {}
    for start in range(0, options.chains, options.batch):
        seed = f"{options.seed}.{start}"
        text = chains.module(seed, min(options.batch, options.chains - start))
        after, remarks = run(
            ["indexer-opt", *("--" + name for name in options.passes),
             "--remarks-filter=indexer-.*", "--remark-format=emitRemark"], text)
        fused += len(re.findall(r"remark: \[Passed\] FuseHeadGate", remarks))
        for reason in re.findall(r'remark: \[Missed\].*Reason="([^:]*):', remarks):
            declined += 1
            reasons[reason] = reasons.get(reason, 0) + 1
        with concurrent.futures.ThreadPoolExecutor() as pool:
            expected, actual = pool.map(lambda side: execute(side, libraries),
                                        (text, after))
        outputs += len(expected)
        if expected != actual:
            with tempfile.NamedTemporaryFile("w", suffix=".mlir",
                                             delete=False) as file:
                file.write(text)
            where = [index for index, (a, b) in enumerate(zip(expected, actual))
                     if a != b]
            sys.exit(f"differential.py: error: seed {seed}: printed tensors {where} "
                     f"differ, first {expected[where[0]]} and {actual[where[0]]}; "
                     f"module in {file.name}")
    print(f"{options.chains} chains, {outputs} results with the same bits; "
          f"{fused} fused ops, {declined} declined: {reasons}")


if __name__ == "__main__":
    main()
