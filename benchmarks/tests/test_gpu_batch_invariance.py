# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The check on a driver that computes on the CPU, in one order."""

from programs import run_benchmark


def check(bundles, driver, *arguments, **keywords):
    return run_benchmark(
        "gpu_batch_invariance.py",
        str(bundles / "64_7168_invariant.idxb"),
        "--tokens",
        "1,5",
        *arguments,
        INDEXER_LIBCUDA=str(driver),
        **keywords,
    )


def test_rows_are_the_same(bundles, fake_driver):
    output = check(bundles, fake_driver)
    assert "T = 1, from token 4: 1 of 1 rows are the same" in output
    assert "every row has the same bits in every batch" in output


def test_rows_that_differ_are_counted(bundles, fake_driver):
    output = check(bundles, fake_driver, expected=1, FAKE_UNEVEN="1")
    assert "T = 5, from token 0: 5 of 5 rows are the same" in output
    assert "2 rows differ" in output
