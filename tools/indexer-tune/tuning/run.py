# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times candidates, where the GPU is.

Each time is that of `benchmarks/gpu_times.py`: a graph of many calls with cold weights, the
median of replays, a fresh process with the GPU to itself, the result checked. Every candidate
of a problem and a T is timed once, and the best of them again. DIR/times.jsonl gets each time
as it is measured; what it has already is not measured again.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from typing import NamedTuple

from timing import plan, processes, records
from timing.plan import Shape
from tuning.candidates import Schedule, most_likely
from tuning.generate import RUNTIME, Candidate, read_manifest
from tuning.progress import progress

TIMES = "times.jsonl"
#: Times of each of the best.
REPEATS = 3


class Timing(NamedTuple):
    """One measurement."""

    file: str
    tokens: int
    repeat: int

    @property
    def is_alone(self) -> bool:
        """False: timings are prepared side by side (plan.batches)."""
        return False


class Problem(NamedTuple):
    """What has a fastest schedule."""

    shape: Shape
    weights: str


def read_times(folder: pathlib.Path) -> dict[Timing, float]:
    """The microseconds of a folder; infinite for what cannot be measured."""
    found = {}
    log = records.Records(folder / TIMES)
    for kind in ("failure", "time"):
        for line in log.of(kind):
            timing = Timing(line["file"], line["tokens"], line["repeat"])
            found[timing] = line.get("us", float("inf"))
    return found


def by_problem(folder: pathlib.Path) -> dict[Problem, dict[Schedule, str]]:
    """Bundles by schedule, for each problem of a folder."""
    problems: dict[Problem, dict[Schedule, str]] = {}
    for candidate in read_manifest(folder):
        if candidate.file:
            problem = Problem(candidate.shape, candidate.weights)
            problems.setdefault(problem, {})[candidate.schedule] = candidate.file
    return problems


def median_us(times: dict[Timing, float], file: str, tokens: int) -> float:
    """The median of a bundle's times; infinite without any."""
    found = [
        times[timing]
        for repeat in range(REPEATS)
        if (timing := Timing(file, tokens, repeat)) in times
    ]
    return statistics.median(found) if found else float("inf")


class Tuner:
    """One run over a folder; ends when its time is over."""

    def __init__(self, folder: pathlib.Path, machine: dict, seconds: float) -> None:
        self._folder = folder
        self._deadline = time.monotonic() + seconds
        self._times = read_times(folder)
        self._log = records.Records(folder / TIMES)
        self._log.start_run(machine, "indexer-tune run")
        self._runner = processes.Runner()

    def _measure(self, problem: Problem, timings: list[Timing], label: str) -> bool:
        """Times what has no time; False when the time is over first."""
        # Needs NumPy, which the other commands do without.
        from timing import ours

        missing = [timing for timing in timings if timing not in self._times]
        batches = list(plan.batches(missing, problem.shape))
        for batch in progress(batches, len(batches), label) if batches else ():
            if time.monotonic() > self._deadline:
                return False
            library = str(self._folder / RUNTIME)
            jobs = [
                processes.Job(
                    timing,
                    ours.prepare,
                    (timing.tokens, library, self._folder / timing.file, problem.shape),
                    "fork",
                )
                for timing in batch
            ]
            for outcome in self._runner.run(jobs):
                timing = outcome.task
                if outcome.result is None:
                    self._times[timing] = float("inf")
                    self._log.add("failure", **timing._asdict(), error=outcome.error)
                else:
                    self._times[timing] = outcome.result["us"]
                    self._log.add("time", **{**timing._asdict(), **outcome.result})
        return True

    def tune(self, tokens: list[int], limit: int, keep: int) -> bool:
        """Finds the fastest for each problem and T; False when the time is over."""
        try:
            for problem, files in by_problem(self._folder).items():
                for count in tokens:
                    chosen = most_likely(files, problem.shape, count, limit)
                    if not self._tune_one(problem, files, chosen, count, keep):
                        return False
            return True
        finally:
            self._runner.finish()

    def _tune_one(
        self,
        problem: Problem,
        files: dict[Schedule, str],
        chosen: list[Schedule],
        tokens: int,
        keep: int,
    ) -> bool:
        label = (
            f"H {problem.shape.heads}, E {problem.shape.hidden}, {problem.weights}, "
            f"T {tokens}"
        )
        names = [files[schedule] for schedule in chosen]
        if not self._measure(problem, [Timing(n, tokens, 0) for n in names], label):
            return False
        names.sort(key=lambda name: self._times[Timing(name, tokens, 0)])
        # In turns, so that a change of the card meets all of them.
        again = [
            Timing(name, tokens, repeat)
            for repeat in range(1, REPEATS)
            for name in names[:keep]
        ]
        return self._measure(problem, again, label + ", the best again")
