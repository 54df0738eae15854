# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Processes of a batch measure one at a time, when all are ready."""

import os
import time

import pytest

from timing import processes


def prepare(name, seconds=0.0):
    time.sleep(seconds)
    ready = time.monotonic()

    def measure():
        start = time.monotonic()
        time.sleep(0.05)
        end = time.monotonic()
        return {"name": name, "pid": os.getpid(), "span": (ready, start, end)}

    return measure


def fail_to_prepare():
    raise ValueError("not this one")


def die():
    os._exit(7)


def fail_to_measure():
    def measure():
        raise ValueError("not now")

    return measure


def run(*jobs, method="fork"):
    runner = processes.Runner()
    found = list(
        runner.run(
            [
                processes.Job(number, job[0], job[1:], method)
                for number, job in enumerate(jobs)
            ]
        )
    )
    runner.finish()
    return found


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_all_are_ready_before_the_first_measures(method):
    outcomes = run(
        (prepare, "slow", 0.5), (prepare, "fast"), (prepare, "other"), method=method
    )
    results = [outcome.result for outcome in outcomes]
    assert [result["name"] for result in results] == ["slow", "fast", "other"]
    assert len({result["pid"] for result in results} | {os.getpid()}) == 4
    spans = [result["span"] for result in results]
    assert max(ready for ready, _, _ in spans) <= min(start for _, start, _ in spans)
    for (_, _, end), (_, start, _) in zip(spans, spans[1:]):
        assert end <= start


def test_failures_leave_the_others_alone():
    outcomes = run((fail_to_prepare,), (prepare, "right"), (die,), (fail_to_measure,))
    errors = {outcome.task: outcome.error for outcome in outcomes}
    assert errors[0] == "ValueError: not this one"
    assert errors[1] == ""
    assert errors[2] == "the process ended with code 7"
    assert errors[3] == "ValueError: not now"
    assert sum(outcome.result is not None for outcome in outcomes) == 1


def test_a_process_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(processes, "PREPARE_LIMIT", 0.5)
    outcomes = run((prepare, "hangs", 60), (prepare, "right"))
    assert [outcome.error for outcome in outcomes] == ["no answer in time", ""]
