#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every kernel of every bundle under compute-sanitizer's four tools.

    python3 benchmarks/gpu_bundles.py DIR     # where the compiler is: makes DIR
    python3 benchmarks/gpu_sanitize.py DIR --output OUT [--seconds 200]

DIR holds bundles, named H_E.idxb with an ending such as _static before the dot, and
libindexer_runtime.so, and below merged/ those of a merged weight. For each bundle and tool a
process of its own launches each entry of the bundle's table at a small T, three tiles with the
last one partial, whatever T it serves in truth; tensors are allocated to the byte. The
processes run side by side; where an error ends one, another goes on behind that launch. OUT
gets sanitizer.md, a table of the tools' last lines, and sanitizer.log with the whole output of
those that are not clean. The exit code is 1 when one is not. Needs compute-sanitizer and the
driver; no torch.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import numpy as np

from timing import bundle_file, bundle_kernel, machine, measuring
from timing.driver import Driver

RUNTIME = "libindexer_runtime.so"
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
#: The tools' exit code when they find something.
FOUND = 9
#: What the launching process prints: before each launch, behind the last one.
LAUNCHING, ALL_LAUNCHED = "launching ", "all launched"
#: The last line of a process that was stopped.
TIME_OVER = "stopped: the time was over"
#: Bytes of shared memory that two CTAs of an SM cannot both have (sm_80 and later).
MORE_THAN_HALF_AN_SM = 116 << 10
#: Processes at a time.
PARALLEL = max(1, (os.cpu_count() or 1) // 2)


def narrow(bundle, tool):
    """The bundle with a T of its own for each launch of its table: three tiles, the
    last one partial, so that the slow tools come through; a kernel whose CTAs go on
    to a next tile by themselves gets one cluster to do them all. Under synccheck an
    SM gets one CTA of a cluster at a time: the tool ends programs in an illegal
    address where CTAs of several clusters of 16 share an SM, right ones too."""
    used = set()
    for launch in bundle.header["kernels"][0]["launches"]:
        tokens = 2 * launch["tile_t"] + 1
        while tokens in used:
            tokens += 1
        used.add(tokens)
        launch["min_tokens"] = launch["max_tokens"] = tokens
        if launch.get("max_ctas"):
            launch["max_ctas"] = launch["cluster"]
        if tool == "synccheck" and launch["cluster"] > 1:
            launch["dynamic_shared_bytes"] = max(
                launch["dynamic_shared_bytes"], MORE_THAN_HALF_AN_SM
            )
    return bundle


def random_bf16(elements, random):
    """Normal numbers as the bytes of bf16."""
    bits = random.standard_normal(elements, np.float32).view(np.uint32)
    return (bits >> 16).astype(np.uint16).tobytes()


class Tensors:
    """A call's tensors in allocations of exactly their size; `keys` of the heads, if
    any, have a result of their own, of type `keys_type`."""

    def __init__(
        self, driver, tokens, heads, hidden, is_aligned, keys=0, keys_type="f32"
    ):
        random = np.random.default_rng(tokens)
        # Unaligned: 2 bytes off, and one more element a row.
        row = hidden if is_aligned else hidden + 1
        offset = 0 if is_aligned else 2
        gates = heads - keys
        uniform = random.random((tokens, gates), np.float32).tobytes()
        self._driver = driver
        self._memory = []
        x = self._make(offset + 2 * tokens * row, random_bf16(1 << 20, random))
        weight = self._make(2 * heads * hidden, random_bf16(1 << 20, random))
        q_scale = self._make(4 * tokens * gates, uniform)
        # Not initialised: a kernel only writes it.
        out = self._make(4 * tokens * gates, b"")
        tensor = bundle_kernel.make_tensor
        bf16, f32 = bundle_kernel.BF16, bundle_kernel.F32
        self.operands = [
            tensor(x + offset, bf16, (tokens, hidden), (row, 1)),
            tensor(weight, bf16, (heads, hidden)),
            tensor(q_scale, f32, (tokens, gates, 1)),
        ]
        self.results = [tensor(out, f32, (tokens, gates, 1))]
        if keys:
            key_type, key_bytes = (bf16, 2) if keys_type == "bf16" else (f32, 4)
            key_out = self._make(key_bytes * tokens * keys, b"")
            self.results.insert(0, tensor(key_out, key_type, (tokens, keys)))

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


def launch_all(folder, bundle, first):
    """Launches each entry of a narrow bundle's table from number `first` on, twice in
    a row."""
    driver = Driver()
    kernel = bundle_kernel.BundleKernel(str(folder / RUNTIME), bundle)
    heads, hidden = map(int, bundle.stem.split("_")[:2])
    results = kernel.description["results"]
    keys = (results[0]["shape"][1], results[0]["type"]) if len(results) == 2 else ()
    stream = driver.make_stream()
    for launch in kernel.description["kernels"][0]["launches"][first:]:
        tokens = launch["min_tokens"]
        is_aligned = launch.get("alignment", 0) != 0
        print(f"{LAUNCHING}{launch['kernel']} at T = {tokens}", flush=True)
        tensors = Tensors(driver, tokens, heads, hidden, is_aligned, *keys)
        arguments = kernel.arguments(
            tensors.operands, (heads**-0.5, measuring.scalars()[1])
        )
        for _ in range(2):
            kernel.launch_all(arguments, tensors.results, stream)
        driver.synchronize()
        tensors.free()
    print(ALL_LAUNCHED, flush=True)


class Run(NamedTuple):
    """What one process under a tool came to."""

    bundle: str
    tool: str
    #: Kernels that were launched, the last one perhaps not to its end.
    launched: list
    is_complete: bool
    is_clean: bool
    last_line: str
    output: str


def run_tool(folder, bundle, tool, first, seconds):
    """Runs one tool on the launches of a bundle from number `first` on."""
    command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", str(FOUND)]
    command += ["--print-limit", "20", sys.executable, __file__, str(folder)]
    command += ["--launch", str(bundle), "--first", str(first)]
    try:
        result = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        output, code = result.stdout, result.returncode
    except subprocess.TimeoutExpired as error:
        output, code = (error.stdout or b"").decode() + f"\n{TIME_OVER}", -1
    except OSError as error:
        output, code = str(error), -1
    lines = [line.strip("= ") for line in output.splitlines() if line.strip("= ")]
    last = lines[-1] if lines else "no output"
    is_complete = ALL_LAUNCHED in lines
    return Run(
        bundle.stem,
        tool,
        [line[len(LAUNCHING) :] for line in lines if line.startswith(LAUNCHING)],
        is_complete,
        code == 0 and is_complete and counts_nothing(last),
        last,
        output,
    )


def sanitize(folder, bundle, tool, deadline):
    """Runs one tool on a bundle. An error ends a process and its context, so another
    one goes on behind the launch that was the last."""
    runs = []
    first = 0
    while time.monotonic() < deadline:
        seconds = deadline - time.monotonic()
        runs.append(run_tool(folder, bundle, tool, first, seconds))
        if runs[-1].is_complete or not runs[-1].launched:
            break
        first += len(runs[-1].launched)
    return runs


def counts_nothing(line):
    """True for a tool's last line in which each number is 0: racecheck's warnings do
    not show in its exit code."""
    return "SUMMARY" in line and not re.search(r"[1-9]", line)


class Page:
    """The table and the log, rewritten after each run."""

    def __init__(self, folder, commit):
        self._folder = folder
        self._machine = machine.sentence(machine.describe(commit))
        self._rows = []
        self.failed = 0
        (folder / "sanitizer.log").write_text("")

    def add(self, run):
        """Adds a run; one that is not clean goes to the log as well."""
        self.failed += not run.is_clean
        problem = "" if run.is_clean else "something was found"
        if run.is_complete and run.last_line == TIME_OVER:
            problem = "the time was over behind the last launch"
        if not run.is_complete:
            problem = f"ended in {(run.launched or ['its start'])[-1]}"
        cells = [run.bundle, run.tool, str(len(run.launched)), run.last_line, problem]
        self._rows.append("| " + " | ".join(cells) + " |")
        print(self._rows[-1], flush=True)
        if not run.is_clean:
            with (self._folder / "sanitizer.log").open("a") as file:
                file.write(f"## {run.bundle}, {run.tool}\n{run.output[-100000:]}\n")
        self.write()

    def write(self):
        """Writes the table."""
        lines = ["# Every kernel under compute-sanitizer", "", self._machine, ""]
        lines += ["Command: `python3 benchmarks/gpu_sanitize.py DIR`, bundles by "]
        lines[-1] += "`python3 benchmarks/gpu_bundles.py DIR`. A run that an error"
        lines += ["ended goes on behind it in the next row.", ""]
        lines += ["| bundle | tool | kernels | last line | not clean |"]
        lines += ["|---|---|---|---|---|", *sorted(self._rows)]
        lines += ["", f"{len(self._rows)} runs, {self.failed} not clean.", ""]
        (self._folder / "sanitizer.md").write_text("\n".join(lines))


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
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch:
        launch_all(options.folder, options.launch, options.first)
        return 0
    if not options.output:
        parser.error("--output is missing: the folder of the results")
    # Those of the model first: a run may be cut off.
    bundles = sorted(
        options.folder.glob("*.idxb"),
        key=lambda path: ("64_7168" not in path.stem, path.stem),
    )
    # Two kernels (_apart) are two gates.
    bundles += sorted(
        path
        for path in (options.folder / "merged").glob("*.idxb")
        if not path.stem.endswith("_apart")
    )
    if not bundles:
        parser.error(
            f"'{options.folder}' has no bundles; benchmarks/gpu_bundles.py makes them"
        )
    options.output.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.seconds
    page = Page(options.output, options.commit)
    missing = 0
    with (
        tempfile.TemporaryDirectory() as temporary,
        concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool,
    ):
        futures = []
        for bundle in bundles:
            for tool in options.tools:
                copy = pathlib.Path(temporary) / tool / bundle.name
                copy.parent.mkdir(exist_ok=True)
                bundle_file.write(copy, narrow(bundle_file.read(bundle), tool))
                futures.append(
                    pool.submit(sanitize, options.folder, copy, tool, deadline)
                )
        for future in concurrent.futures.as_completed(futures):
            runs = future.result()
            missing += not runs
            for run in runs:
                page.add(run)
    print(f"{page.failed} runs not clean, {missing} not begun when the time was over")
    return page.failed + missing != 0


if __name__ == "__main__":
    sys.exit(main())
