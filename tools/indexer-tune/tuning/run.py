# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times candidates, where the GPU is.

Each time is that of `benchmarks/gpu_times.py`: a graph of many calls with cold weights, the
median of replays, the GPU to itself, the result checked. The candidates of a problem and a T
are first compared with each other in one process; the best of them are then timed in fresh
processes of their own, and only these times go into the table. DIR/times.jsonl gets each time
as it is measured; what it has already is not measured again.
"""

from __future__ import annotations

import pathlib
import statistics
import time
from typing import NamedTuple, Sequence

from timing import plan, processes, records
from timing.plan import Shape
from tuning.candidates import Known, Schedule, most_likely
from tuning.generate import RUNTIME, Candidate, read_manifest
from tuning.progress import progress

TIMES = "times.jsonl"
#: Times of each of the best.
REPEATS = 2
#: Candidates that share a process.
GROUP = 16


class Timing(NamedTuple):
    """One measurement: in a process with others where `repeat` is 0, else alone."""

    file: str
    tokens: int
    repeat: int

    @property
    def is_alone(self) -> bool:
        """False: timings are prepared side by side (plan.batches)."""
        return False


class Group(NamedTuple):
    """Candidates that are compared in one process."""

    files: tuple[str, ...]
    tokens: int

    @property
    def is_alone(self) -> bool:
        """False: as for Timing."""
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
    """The median of a bundle's times in processes of its own; infinite without any."""
    found = [
        times[timing]
        for repeat in range(1, REPEATS + 1)
        if (timing := Timing(file, tokens, repeat)) in times
    ]
    return statistics.median(found) if found else float("inf")


class Tuner:
    """One run over a folder; ends when its time is over."""

    def __init__(
        self,
        folder: pathlib.Path,
        machine: dict,
        seconds: float,
        rows: Sequence[Known],
    ) -> None:
        self._folder, self._rows = folder, rows
        self._deadline = time.monotonic() + seconds
        self._times = read_times(folder)
        self._log = records.Records(folder / TIMES)
        self._log.start_run(machine, "indexer-tune run")
        self._runner = processes.Runner()

    def _run(self, tasks: list, problem: Problem, label: str) -> bool:
        """Runs the processes of `tasks` and writes their times down; False when the
        time is over first."""
        batches = list(plan.batches(tasks, problem.shape))
        for batch in progress(batches, len(batches), label) if batches else ():
            if time.monotonic() > self._deadline:
                return False
            jobs = [self._job(task, problem) for task in batch]
            for outcome in self._runner.run(jobs):
                self._keep(outcome)
        return True

    def _job(self, task: Group | Timing, problem: Problem) -> processes.Job:
        # Needs NumPy, which the other commands do without.
        from timing import ours

        library = str(self._folder / RUNTIME)
        if isinstance(task, Group):
            bundles = [self._folder / file for file in task.files]
            prepare, what = ours.prepare_many, bundles
        else:
            prepare, what = ours.prepare, self._folder / task.file
        arguments = (task.tokens, library, what, problem.shape)
        return processes.Job(task, prepare, arguments, "fork")

    def _keep(self, outcome: processes.Outcome) -> None:
        """Writes down what a process measured."""
        task, result = outcome.task, outcome.result
        failure = {"error": outcome.error}
        if isinstance(task, Timing):
            return self._keep_one(task, result or failure)
        for file in task.files:
            timing = Timing(file, task.tokens, 0)
            self._keep_one(timing, result[file] if result else failure)

    def _keep_one(self, timing: Timing, result: dict) -> None:
        kind = "time" if "us" in result else "failure"
        self._times[timing] = result.get("us", float("inf"))
        self._log.add(kind, **{**timing._asdict(), **result})

    def tune(self, tokens: list[int], limit: int, keep: int) -> bool:
        """Finds the fastest for each problem and T; False when the time is over."""
        try:
            return all(
                self._tune_one(problem, files, tokens, limit, keep)
                for problem, files in by_problem(self._folder).items()
            )
        finally:
            self._runner.finish()

    def _tune_one(
        self,
        problem: Problem,
        files: dict[Schedule, str],
        tokens: list[int],
        limit: int,
        keep: int,
    ) -> bool:
        label = f"H {problem.shape.heads}, E {problem.shape.hidden}, {problem.weights}"
        chosen = {
            count: [
                files[schedule]
                for schedule in most_likely(
                    files, problem.shape, count, limit, self._rows
                )
            ]
            for count in tokens
        }
        groups = []
        for count, names in chosen.items():
            missing = [n for n in names if Timing(n, count, 0) not in self._times]
            for first in range(0, len(missing), GROUP):
                groups.append(Group(tuple(missing[first : first + GROUP]), count))
        if not self._run(groups, problem, label):
            return False
        # In turns, so that a change of the card meets all of them.
        again = [
            timing
            for count, names in chosen.items()
            for repeat in range(1, REPEATS + 1)
            for name in self._fastest(names, count)[:keep]
            if (timing := Timing(name, count, repeat)) not in self._times
        ]
        return self._run(again, problem, label + ", the best again")

    def _fastest(self, names: list[str], tokens: int) -> list[str]:
        """Those that were compared without failing, the fastest first."""
        us = {name: self._times[Timing(name, tokens, 0)] for name in names}
        right = [name for name in names if us[name] != float("inf")]
        return sorted(right, key=lambda name: us[name])
