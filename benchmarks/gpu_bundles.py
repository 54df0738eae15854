#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the folder that the benchmarks on a GPU machine need: bundles and the runtime.

    python3 benchmarks/gpu_bundles.py DIR [--build build] [--shapes 64x7168,32x6144]

DIR/H_E.idxb serves any T; DIR/H_E_static.idxb is compiled with weights = static, so that its
kernels start before the one in front of them has ended; DIR/H_E_invariant.idxb gives a row the
same bits whatever T is. DIR/merged/R_E_keysK_TYPE.idxb, with the same endings, has the keys,
K of the R rows of a merged weight, and the gate in one kernel; _apart before the dot: in two.
DIR/libindexer_runtime.so loads them.
The GPU machine needs neither the compiler nor the build folder.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

from merged_text import merged_text

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: H and E of the models in the wild, and what exercises the other kernels.
SHAPES = "64x7168,32x6144,16x4096,160x6144,48x1000,8x512"
#: Merged weights: rows of keys, heads of the gate, E, type of the keys, and the variants;
#: "_apart" is two kernels to compare with.
MERGED = (
    (128, 64, 7168, "bf16", ("", "_static", "_invariant", "_apart")),
    (128, 64, 7168, "f32", ("",)),
    (128, 32, 7168, "bf16", ("",)),
    (128, 32, 7168, "f32", ("", "_static")),
)
#: Options of indexer-compile by the ending of a bundle's name.
VARIANTS = {
    "": [],
    "_static": ["--weights", "static"],
    "_invariant": ["--batch-invariant"],
}


def compile_bundle(
    compiler: pathlib.Path, output: pathlib.Path, source: list[str]
) -> None:
    """Compiles what `source` says; ends the program where that fails."""
    command = [str(compiler), *source, "--chips", "sm_90a", "-o", str(output)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"gpu_bundles.py: error: {compiler} failed:\n{result.stderr}")
    print(f"{output}: {output.stat().st_size} bytes", flush=True)


def make_bundles(compiler: pathlib.Path, folder: pathlib.Path, shape: str) -> None:
    """All bundles of a shape, "HxE"."""
    heads, hidden = shape.split("x")
    for suffix, flags in VARIANTS.items():
        output = folder / f"{heads}_{hidden}{suffix}.idxb"
        compile_bundle(compiler, output, ["--heads", heads, "--hidden", hidden, *flags])


def make_merged(compiler: pathlib.Path, folder: pathlib.Path) -> None:
    """The bundles of merged weights."""
    folder.mkdir(exist_ok=True)
    for keys, heads, hidden, keys_type, variants in MERGED:
        stem = f"{keys + heads}_{hidden}_keys{keys}_{keys_type}"
        for suffix in variants:
            output = folder / f"{stem}{suffix}.idxb"
            source = output.with_suffix(".mlir")
            text = merged_text(keys, heads, hidden, keys_type, apart=suffix == "_apart")
            source.write_text(text)
            compile_bundle(compiler, output, [str(source), *VARIANTS.get(suffix, [])])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--shapes", default=SHAPES, help=f"default: {SHAPES}; '': none")
    parser.add_argument(
        "--merged",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also those of merged weights",
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(options.build / "lib" / "libindexer_runtime.so", options.folder)
    for shape in filter(None, options.shapes.split(",")):
        make_bundles(options.build / "bin" / "indexer-compile", options.folder, shape)
    if options.merged:
        make_merged(
            options.build / "bin" / "indexer-compile", options.folder / "merged"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
