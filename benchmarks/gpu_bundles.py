#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the folder that the benchmarks on a GPU machine need: bundles and the runtime.

    python3 benchmarks/gpu_bundles.py DIR [--build build] [--shapes 64x7168,32x6144]

DIR/H_E.idxb serves any T; DIR/H_E_static.idxb is compiled with weights = static, so that its
kernels start before the one in front of them has ended, DIR/H_E_invariant.idxb with
batch-invariant, so that a row's bits do not depend on T. DIR/libindexer_runtime.so loads them.
The GPU machine needs neither the compiler nor the build folder.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "head_gate.mlir"
#: H and E of the models in the wild, and what exercises the other kernels.
SHAPES = "64x7168,32x6144,16x4096,160x6144,48x1000,8x512"


def gate_text(heads: int, hidden: int) -> str:
    """The example's chain for H heads and E hidden elements."""
    extents = {"64": str(heads), "7168": str(hidden)}
    # An extent of a type, or of the shape that tensor.empty and the like are given.
    pattern = r"(?<=[<x])(64|7168)(?=x)|(?<=%tokens, )(64)(?=, 1\])"
    return re.sub(pattern, lambda found: extents[found[0]], EXAMPLE.read_text())


def run(*command: str, text: str = "") -> str:
    """Output of a command; ends the program with its errors where it fails."""
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"gpu_bundles.py: error: {command[0]} failed:\n{result.stderr}")
    return result.stdout


def make_bundles(tools: pathlib.Path, folder: pathlib.Path, shape: str) -> None:
    """The bundles of a shape, "HxE"."""
    heads, hidden = map(int, shape.split("x"))
    text = gate_text(heads, hidden)
    for options, suffix in (
        ((), ""),
        (("--weights", "static"), "_static"),
        (("--batch-invariant",), "_invariant"),
    ):
        output = folder / f"{heads}_{hidden}{suffix}.idxb"
        run(
            str(tools / "indexer-compile"),
            *("-", "--chips", "sm_90a", "-o", str(output)),
            *options,
            text=text,
        )
        print(f"{output}: {output.stat().st_size} bytes", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--shapes", default=SHAPES, help=f"default: {SHAPES}")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(options.build / "lib" / "libindexer_runtime.so", options.folder)
    for shape in options.shapes.split(","):
        make_bundles(options.build / "bin", options.folder, shape)
    return 0


if __name__ == "__main__":
    sys.exit(main())
