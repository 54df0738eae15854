# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What was measured, one JSON object a line, written as it comes.

Kinds of lines:

- "run": a start of the program: number, machine, command
- "time": one measurement: run, the task, "us" and what else `measuring.time_graph`
  returns, "error", and for ours the bundle's checksum
- "failure": a task and why it has no time; it is tried again by the next run
- "batch": how long a group of processes took, and was expected to
- "read-ceiling": bytes_per_second that the GPU reads at best
- "triton-right", "triton-times": configurations that are right, and tuning times by T
"""

from __future__ import annotations

import json
import pathlib
from typing import Any, Iterator, Optional

from timing import plan


class Records:
    """The lines of a file; a line that was cut off is dropped."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self.lines: list[dict] = []
        self._run = 0
        self._header: dict = {}
        if path.exists():
            for text in path.read_text().splitlines():
                try:
                    self.lines.append(json.loads(text))
                except json.JSONDecodeError:
                    continue
            # A line that was cut off must not swallow the next one.
            self._rewrite()

    def _rewrite(self) -> None:
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        self._path.write_text(text)

    def _append(self, line: dict) -> None:
        self.lines.append(line)
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def of(self, kind: str) -> Iterator[dict]:
        """The lines of one kind, oldest first."""
        return (line for line in self.lines if line["kind"] == kind)

    def floor_us(self, tokens: int) -> float:
        """The byte floor of T tokens, by the newest read ceiling."""
        ceilings = [line["bytes_per_second"] for line in self.of("read-ceiling")]
        return plan.floor_us(tokens, *ceilings[-1:])

    def start_run(self, machine: dict, command: str) -> None:
        """Begins a run; a run that measures nothing leaves no line."""
        self._run = sum(1 for _ in self.of("run"))
        self._header = {"machine": machine, "command": command}

    def add(self, kind: str, **values: Any) -> None:
        """Adds a line of this run and writes it at once."""
        if self._header:
            self._append({"kind": "run", "run": self._run, **self._header})
            self._header = {}
        self._append({"kind": kind, "run": self._run, **values})

    def add_outcome(
        self, task: plan.Task, result: Optional[dict], error: str, **more: Any
    ) -> None:
        """Adds what came of a task."""
        if result is None:
            self.add("failure", **task._asdict(), error=error)
        else:
            self.add("time", **{**task._asdict(), **result, **more})

    def done(self, bundles: dict[str, str]) -> set[plan.Task]:
        """Tasks that have a time; of a column in `bundles` with that bundle only."""
        return {
            task_of(line)
            for line in self.of("time")
            if line.get("bundle") == bundles.get(line["column"], line.get("bundle"))
        }

    def failures(self) -> list[dict]:
        """Lines of tasks that have no time to this day, the last line of each."""
        done = self.done({})
        last = {task_of(line): line for line in self.of("failure")}
        return [line for task, line in last.items() if task not in done]


def task_of(line: dict) -> plan.Task:
    """The task of a "time" or a "failure"."""
    return plan.Task(*(line[field] for field in plan.Task._fields))
