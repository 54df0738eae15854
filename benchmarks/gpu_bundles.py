#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the folder that the benchmarks on a GPU machine need: bundles and the runtime.

    python3 benchmarks/gpu_bundles.py DIR [--build build] [--shapes 64x7168,32x6144]

DIR/H_E.idxb serves any T; DIR/H_E_static.idxb is compiled with weights = static, so that its
kernels start before the one in front of them has ended; DIR/H_E_invariant.idxb gives a row the
same bits whatever T is. DIR/libindexer_runtime.so loads them.
The GPU machine needs neither the compiler nor the build folder.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: H and E of the models in the wild, and what exercises the other kernels.
SHAPES = "64x7168,32x6144,16x4096,160x6144,48x1000,8x512"
#: Options of indexer-compile by the ending of a bundle's name.
VARIANTS = {
    "": [],
    "_static": ["--weights", "static"],
    "_invariant": ["--batch-invariant"],
}


def make_bundles(compiler: pathlib.Path, folder: pathlib.Path, shape: str) -> None:
    """All bundles of a shape, "HxE"; ends the program where the compiler fails."""
    heads, hidden = shape.split("x")
    for suffix, flags in VARIANTS.items():
        output = folder / f"{heads}_{hidden}{suffix}.idxb"
        command = [str(compiler), "--heads", heads, "--hidden", hidden, *flags]
        command += ["--chips", "sm_90a", "-o", str(output)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"gpu_bundles.py: error: {compiler} failed:\n{result.stderr}")
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
        make_bundles(options.build / "bin" / "indexer-compile", options.folder, shape)
    return 0


if __name__ == "__main__":
    sys.exit(main())
