# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What measure.sh runs and reports, on the fake driver."""

import os
import subprocess
import tarfile

import pytest
from conftest import BUILD
from programs import BENCHMARKS, run_benchmark

FIRST_CALLS = "launch-cost/first_calls.py"


@pytest.fixture
def first_calls(fake_driver):
    """Runs first_calls.py for one number of tokens, without a cache."""
    if not (BUILD / "lib" / "libindexer.so").exists():
        pytest.skip("needs the build folder")

    def run(*arguments, **options):
        return run_benchmark(
            FIRST_CALLS,
            str(BENCHMARKS.parent / "examples" / "head_gate.mlir"),
            *("--library", str(BUILD / "lib" / "libindexer.so"), "--tokens", "1", *arguments),
            INDEXER_LIBCUDA=str(fake_driver),
            INDEXER_CACHE_DIR="off",
            **options,
        )

    return run


# The fake driver computes what is launched, and its graphs run nothing.
def test_first_calls_are_compared_with_all_kernels(first_calls):
    output = first_calls(expected=1)
    for mode in ("global", "thread-local", "relaxed"):
        assert f"| {mode} | runs, bits DIFFER for T of [1] |" in output
    assert output.splitlines()[-1].endswith(" | equal |")


def test_first_calls_that_compute_nothing_are_found(first_calls):
    output = first_calls("--no-graphs", expected=1, FAKE_WRONG="1")
    assert output.splitlines()[-1].endswith(" | DIFFER |")


@pytest.fixture
def measured(tmp_path, bundles):
    """A folder with the figures of launches, as measure.sh leaves it."""
    fake = BUILD / "test" / "Unit" / "Runtime" / "libfake_cuda.so"
    folder = tmp_path / "measured"
    folder.mkdir()
    bundle = bundles / "64_7168.idxb"
    command = [BUILD / "bin" / "indexer-launch-cost", bundle, "--tokens", "1,2048"]
    command += ["--launches", "60", "--soak", "1000", "--json", folder / "launch-cost.json"]
    environment = {**os.environ, "INDEXER_LIBCUDA": str(fake), "FAKE_CUDA_COUNTS": "1"}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    (folder / "steps.txt").write_text("launch-cost: status 0, 1 s of at most 60\n")
    (folder / "commit").write_text("0123abc\n")
    return folder


def write_report(folder, tmp_path):
    """What report.py makes of `folder`."""
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(folder, ".")
    printed = run_benchmark(
        "launch-cost/report.py", str(tmp_path / "all.tar"), "--folder", str(tmp_path)
    )
    assert printed.strip() == str(tmp_path / "h100-runtime.md")
    return (tmp_path / "h100-runtime.md").read_text()


def test_the_report_is_named_for_the_card_and_leaves_out_what_did_not_run(measured, tmp_path):
    text = write_report(measured, tmp_path)
    assert "Fake H100, driver 13000, " in text and "commit 0123abc" in text
    assert "| 2048 | the bundle's | 2 | " in text
    assert "Compiling at run time" not in text and "First calls" not in text
    assert text.endswith("- launch-cost: status 0, 1 s of at most 60\n")


RUN = """== any T, first 5, cold
assembler: ptxas 13.0
parse       {parse} ms
from there to loaded 70.0 ms
T = 5: x, first launch 2.0 ms
"""


def test_the_report_has_the_best_run_that_ended(measured, tmp_path):
    cut_off = "== any T, first 5, cold\nparse       0.5 ms\n"
    (measured / "cold.txt").write_text(RUN.format(parse=9.0) + RUN.format(parse=3.0) + cut_off)
    (measured / "first-calls.txt").write_text("| 1 | 2.0 | 3.0 | equal |\n")
    text = write_report(measured, tmp_path)
    assert "| any T, first 5, cold | 3.0 | 70.0 | 2.0 | 75.0 |\n" in text
    assert "Assembler:\nptxas 13.0." in text and "| 1 | 2.0 | 3.0 | equal |\n" in text
