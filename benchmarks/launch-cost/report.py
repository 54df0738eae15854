#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints docs/results/runtime.md from what measure.sh has left.

    python3 benchmarks/launch-cost/report.py OUT > docs/results/runtime.md
"""

import collections
import datetime
import json
import pathlib
import re
import subprocess
import sys

#: What a first call takes; the other stages are parts of these, or come later.
WHOLES = {"parse", "from there to loaded", "first launch"}


def read_runs(path: pathlib.Path) -> dict[str, list[dict[str, float]]]:
    """Milliseconds by stage of each run, by the heading of the run."""
    runs: dict[str, list[dict[str, float]]] = collections.defaultdict(list)
    stages: dict[str, float] = {}
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            stages = {}
            runs[line.removeprefix("== ")].append(stages)
        elif match := re.fullmatch(r"([a-z][a-z0-9_. ]*?)\s+([0-9.]+) ms", line):
            stages[match[1]] = float(match[2])
        elif match := re.search(r"first launch ([0-9.]+) ms", line):
            stages["first launch"] = float(match[1])
        elif line.startswith("assembler: "):
            assemblers.add(line.removeprefix("assembler: "))
    return runs


def print_runs(runs: dict[str, list[dict[str, float]]]) -> None:
    """A row for each module: of its runs the one with the smallest sum."""
    names = list(dict.fromkeys(stage for run in runs.values() for r in run for stage in r))
    print("| module | " + " | ".join(names) + " | to the end of the first launch |")
    print("|---" * (len(names) + 2) + "|")
    for what, repeats in runs.items():
        sums = [sum(t for stage, t in run.items() if stage in WHOLES) for run in repeats]
        total = min(sums)
        best = repeats[sums.index(total)]
        cells = [f"{best[stage]:.1f}" if stage in best else "" for stage in names]
        print(f"| {what} | " + " | ".join(cells) + f" | {total:.1f} |")


out = pathlib.Path(sys.argv[1])
assemblers: set[str] = set()
plain = json.loads((out / "launch-cost.json").read_text())
checked = json.loads((out / "launch-cost-checked.json").read_text())
cold, cached = read_runs(out / "cold.txt"), read_runs(out / "cached.txt")
commit = subprocess.run(
    ["git", "log", "-1", "--format=%h"], capture_output=True, text=True, check=True
).stdout.strip()
start, soak = plain["start"], plain["soak"]

print(f"""# The runtime on a GPU

{plain["device"]}, driver {plain["driver"]}, {datetime.date.today()}, commit {commit}. Made by
`benchmarks/launch-cost/carry.sh FOLDER`, `bash FOLDER/measure.sh OUT` on the machine with the
GPU, and `benchmarks/launch-cost/report.py OUT`. The chain is the seed's, H = 64, E = 7168, bf16.

## From a shipped bundle to the end of the first launch

| | ms |
|---|---|
| open the file | {start["open_ms"]:.2f} |
| load the code | {start["load_ms"]:.2f} |
| first launch, T = 1, until it is done | {start["first_launch_ms"]:.2f} |
| **all three** | **{start["besides_context_ms"]:.2f}** |
| CUDA's own context, which comes on top once a process | {start["cuda_context_ms"]:.0f} |

Nothing is compiled and nothing is written: `test/Runtime/load-writes-nothing.test` watches the
system calls.

## Host time of a launch

Microseconds, the median of many launches; "driver alone" is the same `cuLaunchKernelEx` without
the runtime, for the bundle's kernel and for an empty one with the same parameters. "Maps kept": with
the thread's last two tensor maps copied instead of made, where the kernel takes some.

| T | kernel | runtime | driver alone | added | added, maps kept | added with `INDEXER_CHECK_POINTERS=1` |
|---|---|---|---|---|---|---|""")
for row, with_checks in zip(plain["launch"], checked["launch"]):
    for name, title in (("kernel", "the bundle's"), ("null", "empty")):
        got = row[name]
        print(
            f"| {row['tokens']} | {title} | {got['runtime_us']:.2f} | {got['driver_us']:.2f} "
            f"| {got['added_us']:.2f} | {got['added_remembered_us']:.2f} "
            f"| {with_checks[name]['added_us']:.2f} |"
        )
print("""
## What the driver alone takes

Microseconds for an empty kernel, grid 8, 128 threads. "Cluster in PTX": `.reqnctapercluster` and
`.reqntid` say the sizes. "Early start": programmatic stream serialization.

| parameters | tensor maps | cluster in PTX | call | us |
|---|---|---|---|---|""")
for way in plain["floor"]:
    print(
        f"| {way['parameters']} | {way['tensor_maps']} | {'yes' if way['cluster_in_ptx'] else ''} "
        f"| {way['how']} | {way['us']:.2f} |"
    )
print(f"""
## Soak

{soak["launches"]:,} launches of {soak["threads"]} threads in {soak["seconds"]:.0f} s. Resident
memory, KiB, before and after each tenth: {", ".join(map(str, soak["resident_kib"]))}.

## Compiling at run time

Milliseconds by stage, the best of three processes; `cubin` is the sum of its two parts, and of
little else; "from there to loaded" has all stages but `parse`, and loading. "background" is the
whole bundle, which the first call does not wait for. Assembler: {", ".join(sorted(assemblers))}.
""")
print_runs({**cold, **cached})
print("""
## First calls in one process

By `first_calls.py`: from the text to the end of a first call, how much longer the rest takes, and
whether the bits are those of the whole bundle; then whether such calls can be captured.
""")
print((out / "first-calls.txt").read_text().rstrip())
