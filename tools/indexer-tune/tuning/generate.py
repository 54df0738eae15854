# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles candidates, where the compiler is: a folder that the GPU machine needs.

DIR/candidates.jsonl has a line for each: shape, weights, schedule, and its bundle in DIR or
why it has none. A line that is there is not made again.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
from typing import Iterator, NamedTuple, Optional, Sequence

from gate_text import gate_text
from timing.plan import Shape
from tuning.candidates import Known, Schedule, enumerate_schedules, most_likely
from tuning.progress import progress

MANIFEST, RUNTIME = "candidates.jsonl", "libindexer_runtime.so"
#: What takes operands of any layout; never timed.
PLAIN = "#indexer.schedule<family = plain, tile_t = 1, tile_h = 1, threads = 32>"


class Candidate(NamedTuple):
    """One schedule of one problem."""

    shape: Shape
    weights: str
    schedule: Schedule
    #: Bundle in the folder; None where the compiler rejects it.
    file: Optional[str] = None
    rejected: str = ""

    def key(self) -> tuple:
        """What it is, made or not."""
        return self.shape, self.weights, self.schedule


class Choice(NamedTuple):
    """Which schedules are made: the most likely for each T, or just these."""

    tokens: Sequence[int]
    limit: int
    schedules: Sequence[Schedule] = ()


def read_manifest(folder: pathlib.Path) -> list[Candidate]:
    """The candidates of a folder."""
    path = folder / MANIFEST
    lines = path.read_text().splitlines() if path.exists() else []
    return [
        Candidate(
            Shape(*line["shape"]),
            line["weights"],
            Schedule(*line["schedule"]),
            line["file"],
            line["rejected"],
        )
        for line in map(json.loads, lines)
    ]


def _schedule_text(fused: str, candidate: Candidate) -> str:
    """The fused module with the schedules of a candidate on its gate."""
    attribute = candidate.schedule.attribute(candidate.weights)
    text, count = re.subn(
        r'(linalg\.generic .*"reduction"\].*) \{\n',
        rf"\1 attrs = {{indexer.schedules = [{attribute}, {PLAIN}]}} {{\n",
        fused,
    )
    assert count == 1, "the gate is one op"
    return text


class Generator:
    """Makes the bundles of a folder."""

    def __init__(
        self,
        folder: pathlib.Path,
        tools: pathlib.Path,
        chip: str,
        rows: Sequence[Known],
    ) -> None:
        self._folder, self._tools, self._chip = folder, tools, chip
        self._rows = rows
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(tools.parent / "lib" / RUNTIME, folder)
        known = read_manifest(folder)
        self._made = {candidate.key() for candidate in known if candidate.file}
        self._rejected = {candidate.key() for candidate in known if not candidate.file}

    def _wanted(self, shape: Shape, weights: str, choice: Choice) -> list[Candidate]:
        """What is not made yet of the choice, or of the most likely for each T that can
        be made."""
        schedules = [
            schedule
            for schedule in choice.schedules or enumerate_schedules(shape)
            if (shape, weights, schedule) not in self._rejected
        ]
        if not choice.schedules:
            schedules = [
                schedule
                for count in choice.tokens
                for schedule in most_likely(
                    schedules, shape, count, choice.limit, self._rows
                )
            ]
        chosen = dict.fromkeys(
            Candidate(shape, weights, schedule) for schedule in schedules
        )
        return [candidate for candidate in chosen if candidate.key() not in self._made]

    def _run(self, *command: str, text: str) -> subprocess.CompletedProcess:
        tool = str(self._tools / command[0])
        return subprocess.run(
            [tool, *command[1:]], input=text, capture_output=True, text=True
        )

    def _compile(self, candidate: Candidate, fused: str) -> Candidate:
        """The candidate with its bundle, or with the reason why it has none."""
        heads, hidden = candidate.shape
        name = f"{heads}x{hidden}_{candidate.weights}_{candidate.schedule.name()}.idxb"
        output = self._folder / name
        made = self._run(
            *("indexer-compile", "-", "--chips", self._chip, "-o", str(output)),
            text=_schedule_text(fused, candidate),
        )
        if made.returncode != 0:
            return candidate._replace(rejected=_reason(made.stderr))
        shown = self._run("indexer-bundle", "show", str(output), "--json", text="")
        launch = json.loads(shown.stdout)["kernels"][0]["launches"][0]
        spilled = launch["resources"]["spill_bytes"]
        if spilled:
            output.unlink()
            return candidate._replace(rejected=f"spills {spilled} bytes")
        return candidate._replace(file=name)

    def make(self, shape: Shape, weights: str, choice: Choice) -> list[Candidate]:
        """Compiles and writes down what is missing; returns it. What is rejected makes
        room for others."""
        made: list[Candidate] = []
        fused = self._run(
            "indexer-opt", "--indexer-fuse", text=gate_text(*shape)
        ).stdout
        while wanted := self._wanted(shape, weights, choice):
            label = f"H {shape.heads}, E {shape.hidden}, {weights}"
            for candidate in self._compile_all(wanted, fused, f"compiling {label}"):
                made.append(candidate)
                known = self._made if candidate.file else self._rejected
                known.add(candidate.key())
        return made

    def _compile_all(
        self, wanted: list[Candidate], fused: str, label: str
    ) -> Iterator[Candidate]:
        """Compiles in parallel, and writes each down as it is done."""
        with (
            (self._folder / MANIFEST).open("a") as manifest,
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            jobs = [
                pool.submit(self._compile, candidate, fused) for candidate in wanted
            ]
            done = concurrent.futures.as_completed(jobs)
            for job in progress(done, len(jobs), label):
                manifest.write(json.dumps(job.result()._asdict()) + "\n")
                manifest.flush()
                yield job.result()


def _reason(errors: str) -> str:
    """The first error of a compiler, without its place."""
    first = next((line for line in errors.splitlines() if "error:" in line), errors)
    return first.split("error:")[-1].strip()
