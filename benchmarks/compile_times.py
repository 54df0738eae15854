#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile time of each kernel: MLIR, LLVM and ptxas apart.

    python3 benchmarks/compile_times.py [--build build] [--weights static] [--repeats 5]

Takes the module at the `kernel` stage, cuts it down to one kernel at a time, and compiles
that twice: to PTX, and to machine code. Milliseconds, the least of the repeats (other work
on the machine only adds):

- MLIR: from the `kernel` stage to the LLVM dialect
- LLVM: translation to LLVM IR, optimisation, code generation, to PTX
- ptxas: what machine code takes longer than PTX

The last row is the whole module as users compile it; generating all its kernels comes on top
(first line). Needs the build folder and ptxas; no GPU.
"""

import argparse
import json
import pathlib
import subprocess
import sys

from gate_text import gate_text

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: Passes of the stages, by their names in MLIR's timing report.
GENERATION = ("OutlineKernels", "GenerateKernels")
LOWERING = "'gpu.module' Pipeline"
SERIALIZATION = "SerializeKernels"
#: How a kernel begins and ends in the printed module.
KERNEL_START, KERNEL_END = "    gpu.func @", "    }"
#: Shared memory of a kernel.
GLOBAL = "llvm.mlir.global"


def run(tool, text, *options):
    """Output and MLIR's timing report of indexer-opt; ends the program on errors."""
    command = [str(tool), *options, "--mlir-timing", "--mlir-output-format=json"]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"compile_times.py: error: {tool} failed:\n{result.stderr}")
    report = json.loads(result.stderr[result.stderr.index("[") :])
    times = {}
    for entry in report:
        if entry:
            name = entry["name"]
            times[name] = times.get(name, 0) + entry["wall"]["duration"] * 1e3
    return result.stdout, times


def split_kernels(module):
    """Name and module of each kernel alone, with the shared memory that it names."""
    lines = module.split("\n")
    starts = [i for i, line in enumerate(lines) if line.startswith(KERNEL_START)]
    spans = [
        (i, next(j for j in range(i, len(lines)) if lines[j] == KERNEL_END))
        for i in starts
    ]
    inside = {i for start, end in spans for i in range(start, end + 1)}
    for start, end in spans:
        name = lines[start][len(KERNEL_START) :].split("(")[0]
        kept = [
            line
            for i, line in enumerate(lines)
            if start <= i <= end
            or i not in inside
            and (GLOBAL not in line or f"@{name}_" in line)
        ]
        yield name, "\n".join(kept)


def compile_times(tool, module, repeats):
    """Milliseconds of MLIR, LLVM and ptxas for a module of kernels."""
    mlir, llvm, machine_code = [], [], []
    for _ in range(repeats):
        for output_format, found in (("isa", llvm), ("bin", machine_code)):
            _, times = run(tool, module, f"--indexer-to-cubin=format={output_format}")
            mlir.append(times[LOWERING])
            found.append(times[SERIALIZATION])
    return min(mlir), min(llvm), min(machine_code) - min(llvm)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--heads", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=7168)
    parser.add_argument("--weights", default="dependent", help="dependent or static")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    tool = options.build / "bin" / "indexer-opt"
    scheduled, _ = run(
        tool,
        gate_text(options.heads, options.hidden),
        "--indexer-fuse",
        f"--indexer-select-schedule=chip=sm_90a weights={options.weights}",
    )
    module, times = run(tool, scheduled, "--indexer-to-kernel")
    kernels = list(split_kernels(module))
    generation = sum(times[name] for name in GENERATION)
    print(f"{len(kernels)} kernels, generated in {generation:.1f} ms\n")
    print("| kernel | MLIR, ms | LLVM, ms | ptxas, ms | all, ms |")
    print("|---|---|---|---|---|", flush=True)
    for name, text in [*kernels, ("all kernels in one module", module)]:
        parts = compile_times(tool, text, options.repeats)
        cells = " | ".join(f"{part:.1f}" for part in (*parts, sum(parts)))
        print(f"| {name} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
