# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The whole program, on a driver that computes on the CPU."""

import json

from programs import run_benchmark


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
