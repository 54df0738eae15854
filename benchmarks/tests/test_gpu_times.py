# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The whole program, on a driver that computes on the CPU."""

import argparse
import json

import gpu_times
from programs import run_benchmark
from timing import plan, processes, triton_peer


def lines_of(folder, kind):
    text = (folder / "records.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line["kind"] == kind]


def measure(bundles, driver, output, *arguments, **environment):
    return run_benchmark(
        "gpu_times.py",
        str(bundles),
        "--output",
        str(output),
        "--columns",
        "ours,ours_pdl",
        *arguments,
        INDEXER_LIBCUDA=str(driver),
        **environment,
    )


def test_measures_then_goes_on(bundles, fake_driver, tmp_path):
    output = measure(bundles, fake_driver, tmp_path, "--tokens", "1")
    assert "4 of 4 measured" in output
    times = lines_of(tmp_path, "time")
    # 2 ms, as the driver says, by 96 calls.
    assert {round(line["us"], 2) for line in times} == {20.83}
    assert all(line["error"] < 1e-7 for line in times)
    output = measure(bundles, fake_driver, tmp_path, "--tokens", "1,2")
    assert "T = [1]" not in output and "2 of 2 measured" in output
    assert [line["tokens"] for line in lines_of(tmp_path, "time")[len(times) :]] == [
        2,
        2,
    ]


def test_a_wrong_result_has_no_time(bundles, fake_driver, tmp_path):
    output = measure(bundles, fake_driver, tmp_path, "--tokens", "2", FAKE_WRONG="1")
    assert "ours, T = 2: RuntimeError: the result is wrong" in output
    assert lines_of(tmp_path, "time") == []


def test_ends_before_the_time_is_over(bundles, fake_driver, tmp_path):
    output = measure(bundles, fake_driver, tmp_path, "--seconds", "6")
    assert "the time was over first; the same command goes on" in output


def test_dry_run_says_how_long():
    output = run_benchmark("gpu_times.py", "--dry-run", "--columns", "ours")
    assert "144 token counts from 1 to 65536" in output
    assert "in all about" in output


def test_errors(tmp_path):
    for arguments, message in (
        (["--columns", "mine"], "unknown column 'mine'; accepted are ours, "),
        ([str(tmp_path)], "--output is missing"),
        (["--output", str(tmp_path)], "the folder of bundles is missing"),
        (
            [str(tmp_path), "--output", str(tmp_path)],
            f"'{tmp_path}' has no 64_7168.idxb; benchmarks/gpu_bundles.py makes it",
        ),
    ):
        assert message in run_benchmark("gpu_times.py", *arguments, expected=2)


class TritonRunner:
    """Stands for the processes that compile, tune and time Triton's kernel."""

    def __init__(self):
        self.jobs = []

    def run(self, jobs):
        self.jobs += jobs
        for job in jobs:
            if job.prepare is triton_peer.compile_all:
                wrong, *right = job.arguments[0]
                result = {"right": dict.fromkeys(right, 1e-7), "dropped": {wrong: "no"}}
            elif job.prepare is triton_peer.tune:
                # The later in the list, the faster.
                result = {"times": {v: -i for i, v in enumerate(job.arguments[1])}}
            else:
                result = {"us": 3, "low": 3, "high": 3, "late": 3, "error": 1e-7}
            if job.prepare is triton_peer.tune and job.task == 4:
                yield processes.Outcome(job.task, None, "no memory")
            else:
                yield processes.Outcome(job.task, result)

    def finish(self):
        pass


def test_triton_is_compiled_tuned_and_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "preload", lambda _: None)
    monkeypatch.setattr(processes, "start_server", lambda: None)
    options = argparse.Namespace(
        seconds=1e6,
        folder=tmp_path,
        columns=["triton"],
        output=tmp_path,
        commit="abc",
        tokens=[1, 4, 512],
    )
    runners = []
    for _ in range(2):
        benchmark = gpu_times.Benchmark(options)
        benchmark._runner = TritonRunner()
        runners.append(benchmark._runner)
        assert benchmark.measure()
    timed = [job.task for job in runners[0].jobs if isinstance(job.task, plan.Task)]
    assert [task.tokens for task in timed] == [1, 1, 1, 512, 512, 512]
    dropped = {
        text for line in lines_of(tmp_path, "triton-right") for text in line["dropped"]
    }
    best = [
        text
        for text in triton_peer.all_configurations([512])[::-1]
        if text not in dropped
    ][:3]
    assert [task.variant for task in timed[3:]] == best
    # What failed is tried again, nothing else.
    assert [job.task for job in runners[1].jobs] == [4]
