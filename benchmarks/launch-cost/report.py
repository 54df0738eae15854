#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes docs/results/<card>-runtime.md from what measure.sh has left.

    python3 benchmarks/launch-cost/report.py launch-cost.tar [--folder docs/results]

What a step that did not end would have told is left out; the list of steps says so.
"""

import argparse
import collections
import datetime
import json
import pathlib
import re
import subprocess
import tempfile

RESULTS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "results"
#: What a first call takes; the other stages are parts of these, or come later.
WHOLES = {"parse", "from there to loaded", "first launch"}


def card_of(device: str) -> str:
    """'h200' for 'NVIDIA H200'."""
    found = re.search(r"\b[A-Z]+[0-9]+\w*", device)
    return found[0].lower() if found else "gpu"


def head(device: str, driver: int, measured: datetime.date, commit: str) -> str:
    return f"""# Loading and launching a bundle

{device}, driver {driver}, {measured}, commit {commit}. Made by
`benchmarks/launch-cost/carry.sh FOLDER`, `bash FOLDER/measure.sh OUT` on the machine with the
GPU, and `benchmarks/launch-cost/report.py OUT/launch-cost.tar`. The chain is the seed's, H = 64,
E = 7168, bf16.
"""


def start_section(start: dict) -> str:
    return f"""
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
"""


def launch_section(rows: list, checked_rows: list) -> str:
    text = """
## Host time of a launch

Microseconds, the median of many launches; "driver alone" is the same `cuLaunchKernelEx` without
the runtime, for the bundle's kernel and for an empty one with the same parameters. Tensor maps are
made at the first launch with the same operands, and kept.

| T | kernel | tensor maps | runtime | driver alone | added | added with `INDEXER_CHECK_POINTERS=1` |
|---|---|---|---|---|---|---|
"""
    checked = {row["tokens"]: row for row in checked_rows}
    for row in rows:
        for name, title in (("kernel", "the bundle's"), ("null", "empty")):
            got, tokens = row[name], row["tokens"]
            text += (
                f"| {tokens} | {title} | {got['tensor_maps']} | {got['runtime_us']:.2f} "
                f"| {got['driver_us']:.2f} | {got['added_us']:.2f} | "
            )
            text += f"{checked[tokens][name]['added_us']:.2f} |\n" if tokens in checked else "|\n"
    return text


def floor_section(ways: list) -> str:
    text = """
## What the driver alone takes

Microseconds for an empty kernel, grid 8, 128 threads. "Cluster in PTX": `.reqnctapercluster` and
`.reqntid` say the sizes. "Early start": programmatic stream serialization.

| parameters | tensor maps | cluster in PTX | call | us |
|---|---|---|---|---|
"""
    for way in ways:
        text += (
            f"| {way['parameters']} | {way['tensor_maps']} "
            f"| {'yes' if way['cluster_in_ptx'] else ''} | {way['how']} | {way['us']:.2f} |\n"
        )
    return text


def soak_section(soak: dict) -> str:
    return f"""
## Soak

{soak["launches"]:,} launches of {soak["threads"]} threads in {soak["seconds"]:.0f} s. Resident
memory, KiB, before and after each tenth: {", ".join(map(str, soak["resident_kib"]))}.
"""


def read_runs(text: str) -> "tuple[dict[str, list[dict[str, float]]], set[str]]":
    """Milliseconds by stage of each run, by the heading of the run; the assemblers."""
    runs: dict[str, list[dict[str, float]]] = collections.defaultdict(list)
    assemblers = set()
    stages: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("== "):
            stages = {}
            runs[line.removeprefix("== ")].append(stages)
        elif match := re.fullmatch(r"([a-z][a-z0-9_. ]*?)\s+([0-9.]+) ms", line):
            stages[match[1]] = float(match[2])
        elif match := re.search(r"first launch ([0-9.]+) ms", line):
            stages["first launch"] = float(match[1])
        elif line.startswith("assembler: "):
            assemblers.add(line.removeprefix("assembler: "))
    # A run that was cut off.
    ended = {what: [run for run in got if "first launch" in run] for what, got in runs.items()}
    return {what: got for what, got in ended.items() if got}, assemblers


def compile_section(text: str) -> str:
    """A row for each module: of its runs the one with the smallest sum."""
    runs, assemblers = read_runs(text)
    names = list(dict.fromkeys(stage for run in runs.values() for r in run for stage in r))
    result = f"""
## Compiling at run time

Milliseconds by stage, the best of the runs, each in a process of its own; `cubin` is the sum of
its two parts, and of little else; "from there to loaded" has all stages but `parse`, and loading.
"background" is the whole bundle, which the first call does not wait for. Assembler:
{", ".join(sorted(assemblers))}.

| module | {" | ".join(names)} | to the end of the first launch |
"""
    result += "|---" * (len(names) + 2) + "|\n"
    for what, repeats in runs.items():
        sums = [sum(t for stage, t in run.items() if stage in WHOLES) for run in repeats]
        total = min(sums)
        best = repeats[sums.index(total)]
        cells = [f"{best[stage]:.1f}" if stage in best else "" for stage in names]
        result += f"| {what} | {' | '.join(cells)} | {total:.1f} |\n"
    return result


def first_calls_section(text: str) -> str:
    return f"""
## First calls in one process

By `first_calls.py`: whether a graph can capture calls whose kernels are not there yet; from the
text to the end of a first call, a second one with another T right after it, how much longer the
rest takes, and whether the bits are those of the whole bundle.

{text.rstrip()}
"""


def report(out: pathlib.Path) -> "tuple[str, str]":
    """The card, and the text of its file."""

    def read(name):
        path = out / name
        return path.read_text() if path.exists() else ""

    plain = json.loads(read("launch-cost.json"))
    checked = json.loads(read("launch-cost-checked.json") or "{}")
    measured = datetime.date.fromtimestamp((out / "steps.txt").stat().st_mtime)
    text = head(plain["device"], plain["driver"], measured, read("commit").strip())
    text += start_section(plain["start"])
    text += launch_section(plain["launch"], checked.get("launch", []))
    text += floor_section(plain["floor"]) + soak_section(plain["soak"])
    if compiled := read("cold.txt") + read("cached.txt"):
        text += compile_section(compiled)
    if first := read("first-calls.txt"):
        text += first_calls_section(first)
    text += "\n## Steps\n\n" + "".join(f"- {line}\n" for line in read("steps.txt").splitlines())
    return card_of(plain["device"]), text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tar", type=pathlib.Path, help="what measure.sh has written")
    parser.add_argument("--folder", type=pathlib.Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["tar", "-xf", options.tar, "-C", out], check=True)
        card, text = report(pathlib.Path(out))
    path = options.folder / f"{card}-runtime.md"
    path.write_text(text)
    print(path)


if __name__ == "__main__":
    main()
