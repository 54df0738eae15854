# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measurements in processes of their own, prepared together, measured one by one.

Late in a process every launch of a CUDA graph gets slower by about 0.3 us, so a measurement
needs a fresh process, and a fresh process takes a hundred times as long to start as to
measure. The processes of a batch therefore start, compile, allocate and warm up side by side;
only when all are ready, and the processes of the batch before are gone, they measure in turn,
each with the GPU to itself. They stay alive, idle, until the last one has measured: the end
of a process keeps the GPU busy as well.

The function that prepares runs in the new process and returns the function that measures.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from multiprocessing import connection
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence

#: Seconds after which a process is given up: until it is ready; while it measures.
PREPARE_LIMIT, MEASURE_LIMIT = 90.0, 30.0

Measure = Callable[[], dict]


class Job(NamedTuple):
    """One process."""

    #: What the caller knows it by.
    task: Any
    #: Runs in the process; returns the function that measures.
    prepare: Callable[..., Measure]
    arguments: tuple
    #: "fork" copies this process; "forkserver" one that has imported `preload`.
    start_method: str


class Outcome(NamedTuple):
    """What a job came to: a result, or why there is none."""

    task: Any
    result: Optional[dict]
    error: str = ""


def preload(modules: Sequence[str]) -> None:
    """Names the modules that every process of method "forkserver" starts with.
    None of them may initialise CUDA when it is imported."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))


def start_server() -> None:
    """Starts the process that imports the preloaded modules; returns at once."""
    from multiprocessing import forkserver

    forkserver.ensure_running()


def _serve(
    channel: connection.Connection, prepare: Callable[..., Measure], arguments: tuple
) -> None:
    """Life of a process: prepare, say so, wait, measure, send, wait, end."""
    try:
        measure = prepare(*arguments)
        channel.send(("ready", None))
        channel.recv()
        channel.send(("result", measure()))
        channel.recv()
    except EOFError:
        pass
    except BaseException as error:  # The parent is to hear of everything.
        text = f"{type(error).__name__}: {error}"
        if os.environ.get("GPU_TIMES_TRACEBACK"):
            text += "\n" + traceback.format_exc()
        try:
            channel.send(("error", text))
        except OSError:
            pass
    # No clean-up: the driver does it faster than the libraries.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Worker:
    """A started job."""

    def __init__(self, job: Job) -> None:
        self.task = job.task
        context = multiprocessing.get_context(job.start_method)
        self._channel, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other, job.prepare, job.arguments), daemon=True
        )
        self._process.start()
        other.close()

    def answer(self, limit: float) -> tuple[str, Any]:
        """The next message, waited for until time `limit`; a process that is late
        or has died answers with an error."""
        try:
            if not self._channel.poll(max(0.0, limit - time.monotonic())):
                self._process.kill()
                return "error", "no answer in time"
            return self._channel.recv()
        except (EOFError, OSError):
            self._process.join(5)
            return "error", f"the process ended with code {self._process.exitcode}"

    def tell(self) -> None:
        """Lets the process go on."""
        try:
            self._channel.send(None)
        except OSError:
            pass

    def join(self) -> None:
        """Waits for the end of the process."""
        self._channel.close()
        self._process.join(20)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join(20)


class Runner:
    """Runs batches of jobs; the end of one overlaps the preparation of the next."""

    def __init__(self) -> None:
        self._ending: list[_Worker] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Yields the outcome of each job: those that failed to prepare first, then
        the others in the order of `jobs`."""
        workers = [_Worker(job) for job in jobs]
        self.finish()
        ready = []
        limit = time.monotonic() + PREPARE_LIMIT
        for worker in workers:
            kind, value = worker.answer(limit)
            if kind == "ready":
                ready.append(worker)
            else:
                yield Outcome(worker.task, None, value)
        try:
            for worker in ready:
                worker.tell()
                kind, value = worker.answer(time.monotonic() + MEASURE_LIMIT)
                is_result = kind == "result"
                yield Outcome(
                    worker.task,
                    value if is_result else None,
                    "" if is_result else value,
                )
        finally:
            for worker in ready:
                worker.tell()
            self._ending = workers

    def finish(self) -> None:
        """Waits for the processes of the batch before."""
        for worker in self._ending:
            worker.join()
        self._ending = []
