# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the fastest schedules down: rows of lib/Schedule/MeasuredSchedules.inc.

A block of rows is one problem; blocks of problems that were not timed stay as they are, and so
do rows for fewer or more tokens than were timed.
"""

from __future__ import annotations

import math
import pathlib
import re
from typing import NamedTuple

from timing import records
from timing.plan import Shape
from tuning.candidates import Known, Schedule
from tuning.run import TIMES, Problem, by_problem, median_us, read_times

#: A schedule is kept for the next T as well when it is at most so much slower than the best:
#: fewer kernels, and no change on noise.
TOLERANCE = 1.01
FAMILIES = {
    "dot": "Dot",
    "register_mma": "RegisterMma",
    "cp_async_wgmma": "CpAsyncWgmma",
    "tma_wgmma": "TmaWgmma",
}


def read_known(text: str) -> list[Known]:
    """The rows of a table."""
    names = {value: name for name, value in FAMILIES.items()}
    found, before = [], None
    for values in re.findall(r"^INDEXER_MEASURED\((.*?)\)", text, re.MULTILINE):
        heads, hidden, weights, family, *fields, end = values.split(", ")
        block = heads, hidden, weights
        first = found[-1].last + 1 if block == before else 1
        last = math.inf if end == "unboundedTokens" else int(end)
        schedule = Schedule(names[family], *map(int, fields))
        found.append(Known(Shape(int(heads), int(hidden)), schedule, first, last))
        before = block
    return found


class Row(NamedTuple):
    """A schedule, the tokens that it serves, and its times at the counts among them."""

    schedule: Schedule
    #: None: without an end.
    max_tokens: int | None
    times: dict[int, float]


def choose_rows(times_by_tokens: dict[int, dict[Schedule, float]]) -> list[Row]:
    """The fastest schedules in ascending order of tokens. Counts that were timed are the
    ends of ranges: what serves one is known to be right for it, and nearly so below."""
    rows: list[Row] = []
    for tokens, times in sorted(times_by_tokens.items()):
        best = min(times, key=lambda schedule: times[schedule])
        if times[best] == float("inf"):
            continue
        if rows:
            before = rows[-1].schedule
            if times.get(before, float("inf")) <= TOLERANCE * times[best]:
                best = before
        if rows and rows[-1].schedule == best:
            last = rows.pop()
            rows.append(Row(best, tokens, {**last.times, tokens: times[best]}))
        else:
            rows.append(Row(best, tokens, {tokens: times[best]}))
    if rows:
        rows[-1] = rows[-1]._replace(max_tokens=None)
    return rows


def tune_results(folder: pathlib.Path) -> dict[Problem, list[Row]]:
    """Rows of each problem that has times. Only times of a process of its own count."""
    times = read_times(folder)
    results = {}
    for problem, files in by_problem(folder).items():
        by_tokens: dict[int, dict[Schedule, float]] = {}
        for tokens in sorted({timing.tokens for timing in times}):
            found = {
                schedule: median_us(times, file, tokens)
                for schedule, file in files.items()
            }
            found = {s: us for s, us in found.items() if us != float("inf")}
            if found:
                by_tokens[tokens] = found
        if by_tokens:
            results[problem] = choose_rows(by_tokens)
    return results


def _heading(problem: Problem) -> str:
    heads, hidden = problem.shape
    return f"// H = {heads}, E = {hidden}, weights = {problem.weights}:"


def _row_text(problem: Problem, row: Row) -> str:
    schedule = row.schedule
    values = [
        *problem.shape,
        problem.weights.capitalize(),
        FAMILIES[schedule.family],
        *schedule[1:],
        "unboundedTokens" if row.max_tokens is None else row.max_tokens,
    ]
    times = ", ".join(f"{tokens}: {us:.2f}" for tokens, us in row.times.items())
    text = ", ".join(map(str, values))
    return f"INDEXER_MEASURED({text}) // us at T {times}"


def machine_of(folder: pathlib.Path) -> str:
    """Card, driver, date and commit of the last run."""
    runs = [line["machine"] for line in records.Records(folder / TIMES).of("run")]
    if not runs:
        return "unknown"
    last = runs[-1]
    return f"{last['card']}, driver {last['driver']}, {last['date']}, {last['commit']}"


class Block(NamedTuple):
    """The lines of a problem in the table."""

    heading: str
    #: Which tokens were measured again on what, oldest first.
    notes: list[str]
    rows: list[str]


def _kept(rows: list[str], first: int, last: int) -> tuple[list[str], list[str]]:
    """Of a table's rows those for fewer than `first` tokens, and those for more than
    `last`; a row without an end only where it begins behind `last`."""
    below, above, served = [], [], 0
    for row, known in zip(rows, read_known("\n".join(rows))):
        if known.last < first:
            below.append(row)
        elif served >= last or last < known.last < math.inf:
            above.append(row)
        served = known.last
    return below, above


def _merge(problem: Problem, rows: list[Row], old: Block, machine: str) -> str:
    """The block of a problem: the new rows for the tokens that were timed, the old
    ones for fewer and more."""
    counts = [tokens for row in rows for tokens in row.times]
    first, last = min(counts), max(counts)
    below, above = _kept(old.rows, first, last)
    if above:
        rows = [*rows[:-1], rows[-1]._replace(max_tokens=last)]
    heading, notes = f"{_heading(problem)} {machine}", []
    if below or above:
        heading = old.heading
        notes = [*old.notes, f"// T = {first} to {last}: {machine}"]
    new = [_row_text(problem, row) for row in rows]
    return "\n".join([heading, *notes, *below, *new, *above, ""])


def replace_blocks(text: str, results: dict[Problem, list[Row]], machine: str) -> str:
    """The table with the blocks of these problems in the place of older ones."""
    for problem, rows in results.items():
        pattern = re.compile(
            rf"^({re.escape(_heading(problem))}.*)\n((?:// T = .*\n)*)"
            r"((?:INDEXER_MEASURED.*\n)*)",
            re.MULTILINE,
        )
        match = pattern.search(text)
        if match:
            old = Block(match[1], match[2].splitlines(), match[3].splitlines())
            block = _merge(problem, rows, old, machine)
            text = text[: match.start()] + block + text[match.end() :]
        else:
            block = _merge(problem, rows, Block("", [], []), machine)
            text = text.rstrip("\n") + "\n\n" + block
    return text


def print_results(results: dict[Problem, list[Row]]) -> None:
    """The rows, for people."""
    for problem, rows in results.items():
        print(_heading(problem)[3:-1])
        for row in rows:
            schedule = row.schedule
            tile = f"{schedule.tile_t}x{schedule.tile_h}"
            end = "inf" if row.max_tokens is None else row.max_tokens
            times = ", ".join(f"{t}: {us:.2f}" for t, us in row.times.items())
            print(
                f"  to {end:>6}  {schedule.family:14} {tile:>6}  {schedule.threads:4} "
                f"threads  cluster {schedule.cluster:2}  {schedule.tile_d:3} x "
                f"{schedule.stages:2} stages  multicast {schedule.multicast}  at most "
                f"{schedule.max_ctas or 'all'} CTAs  us at T {times}"
            )
