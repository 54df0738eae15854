#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every kernel of every bundle under compute-sanitizer's four tools.

    python3 benchmarks/gpu_bundles.py DIR     # where the compiler is: makes DIR
    python3 benchmarks/gpu_sanitize.py DIR --output OUT [--seconds 200]

DIR holds bundles, named H_E.idxb or H_E_static.idxb, and libindexer_runtime.so. For each
bundle and tool a process of its own launches each entry of the bundle's table once, at the
smallest T of its range whose last tile is partial; tensors are allocated to the byte. The
processes run side by side. OUT gets sanitizer.md, a table of the tools' last lines, and
sanitizer.log with the whole output of those that are not clean. The exit code is 1 when one
is not. Needs compute-sanitizer and the driver; no torch.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np

from timing import bundle_kernel, machine, measuring
from timing.driver import Driver

RUNTIME = "libindexer_runtime.so"
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
#: The tools' exit code when they find something.
FOUND = 9
#: Processes at a time.
PARALLEL = max(1, (os.cpu_count() or 1) // 2)


def choose_tokens(launch):
    """The smallest T that a launch serves and whose last tile is partial."""
    first = max(1, launch["min_tokens"])
    is_partial = first % launch["tile_t"] != 0
    return first if is_partial else min(first + 1, launch["max_tokens"])


def random_bf16(elements, random):
    """Normal numbers as the bytes of bf16."""
    bits = random.standard_normal(elements, np.float32).view(np.uint32)
    return (bits >> 16).astype(np.uint16).tobytes()


class Tensors:
    """A call's tensors in allocations of exactly their size."""

    def __init__(self, driver, tokens, heads, hidden, is_aligned):
        random = np.random.default_rng(tokens)
        # Unaligned: 2 bytes off, and one more element a row.
        row = hidden if is_aligned else hidden + 1
        offset = 0 if is_aligned else 2
        uniform = random.random((tokens, heads), np.float32).tobytes()
        self._driver = driver
        self._memory = []
        x = self._make(offset + 2 * tokens * row, random_bf16(1 << 20, random))
        weight = self._make(2 * heads * hidden, random_bf16(1 << 20, random))
        q_scale = self._make(4 * tokens * heads, uniform)
        # Not initialised: a kernel only writes it.
        out = self._make(4 * tokens * heads, b"")
        tensor = bundle_kernel.make_tensor
        bf16, f32 = bundle_kernel.BF16, bundle_kernel.F32
        self.operands = [
            tensor(x + offset, bf16, (tokens, hidden), (row, 1)),
            tensor(weight, bf16, (heads, hidden)),
            tensor(q_scale, f32, (tokens, heads, 1)),
        ]
        self.result = tensor(out, f32, (tokens, heads, 1))

    def _make(self, size, data):
        address = self._driver.allocate(size)
        self._memory.append(address)
        if data:
            self._driver.fill(address, size, data)
        return address

    def free(self):
        """Gives the memory back."""
        for address in self._memory:
            self._driver.free(address)


def launch_all(folder, bundle):
    """Launches each entry of a bundle's table, twice in a row."""
    driver = Driver()
    kernel = bundle_kernel.BundleKernel(str(folder / RUNTIME), bundle)
    heads, hidden = map(int, bundle.stem.split("_")[:2])
    stream = driver.make_stream()
    for launch in kernel.description["kernels"][0]["launches"]:
        tokens = choose_tokens(launch)
        is_aligned = launch.get("alignment", 0) != 0
        print(f"{launch['kernel']}, T = {tokens}", flush=True)
        tensors = Tensors(driver, tokens, heads, hidden, is_aligned)
        arguments = kernel.arguments(
            tensors.operands, (heads**-0.5, measuring.scalars()[1])
        )
        for _ in range(2):
            kernel.launch(arguments, tensors.result, stream)
        driver.synchronize()
        tensors.free()
    print("all launched", flush=True)


def sanitize(folder, bundle, tool, limit):
    """Runs one tool on one bundle: its last line, whether that is clean, all output."""
    command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", str(FOUND)]
    command += ["--print-limit", "20", sys.executable, __file__, str(folder)]
    command += ["--launch", str(bundle)]
    start = time.monotonic()
    try:
        result = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
        )
        output, code = result.stdout, result.returncode
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode() + "\nstopped: the time was over"
        code = -1
    except OSError as error:
        output, code = str(error), -1
    lines = [line.strip("= ") for line in output.splitlines() if line.strip("= ")]
    last = lines[-1] if lines else "no output"
    is_clean = code == 0 and "all launched" in output and counts_nothing(last)
    return last, is_clean, f"{time.monotonic() - start:.0f}", output


def counts_nothing(line):
    """True for a tool's last line in which each number is 0: racecheck's warnings do
    not show in its exit code."""
    return "SUMMARY" in line and not re.search(r"[1-9]", line)


def write_page(path, commit, rows, failed):
    """Writes the table."""
    lines = ["# Every kernel under compute-sanitizer", ""]
    lines += [machine.sentence(machine.describe(commit)), ""]
    lines += ["Command: `python3 benchmarks/gpu_sanitize.py DIR`, bundles by "]
    lines[-1] += "`python3 benchmarks/gpu_bundles.py DIR`."
    lines += ["", "| bundle | tool | last line | clean | seconds |"]
    lines += ["|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", f"{len(rows)} runs, {failed} not clean.", ""]
    path.write_text("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="bundles and runtime library")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument(
        "--tools", type=lambda text: text.split(","), default=TOOLS, help="default: all"
    )
    parser.add_argument(
        "--seconds", type=float, default=600, help="stop what runs then"
    )
    parser.add_argument("--commit", help="commit, where there is no git")
    parser.add_argument("--launch", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch:
        launch_all(options.folder, options.launch)
        return 0
    if not options.output:
        parser.error("--output is missing: the folder of the results")
    # Those of the models first: a run may be cut off.
    bundles = sorted(
        options.folder.glob("*.idxb"),
        key=lambda path: ("64_7168" not in path.stem, path.stem),
    )
    if not bundles:
        parser.error(
            f"'{options.folder}' has no bundles; benchmarks/gpu_bundles.py makes them"
        )
    options.output.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.seconds
    rows, failed = [], 0
    log = options.output / "sanitizer.log"
    log.write_text("")

    def work(job):
        bundle, tool = job
        limit = max(1.0, deadline - time.monotonic())
        return job, sanitize(options.folder, bundle, tool, limit)

    jobs = [(bundle, tool) for bundle in bundles for tool in options.tools]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for (bundle, tool), (last, is_clean, seconds, output) in pool.map(work, jobs):
            failed += not is_clean
            rows.append([bundle.stem, tool, last, "yes" if is_clean else "NO", seconds])
            print(" | ".join(rows[-1]), flush=True)
            if not is_clean:
                with log.open("a") as file:
                    file.write(f"## {bundle.stem}, {tool}\n{output[-100000:]}\n")
            write_page(options.output / "sanitizer.md", options.commit, rows, failed)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
