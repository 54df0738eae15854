# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every launch of a bundle runs under every tool; what a tool finds is reported."""

import os
import re

import gpu_sanitize
import pytest
from programs import run_benchmark


@pytest.fixture
def sanitizer(tmp_path):
    """A compute-sanitizer that finds what the environment's FINDS says, and whose
    program dies at the launch number DIES of the first process."""
    program = tmp_path / "bin" / "compute-sanitizer"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nshift 6\n"
        'case "${DIES:-none}, $*" in\n'
        '  [0-9]*--first\\ 0) "$@" | head -n $DIES; exit 1 ;;\n'
        "esac\n"
        '"$@" || exit 1\n'
        'echo "========= ERROR SUMMARY: ${FINDS:-0} errors"\n'
    )
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def sanitize(bundles, driver, path, output, expected=0, **environment):
    run_benchmark(
        "gpu_sanitize.py",
        str(bundles),
        *("--output", str(output), "--tools", "memcheck"),
        expected=expected,
        INDEXER_LIBCUDA=str(driver),
        FAKE_WRONG="1",
        PATH=path,
        **environment,
    )
    return (output / "sanitizer.md").read_text()


def test_clean(small_bundles, fake_driver, sanitizer, tmp_path):
    page = sanitize(small_bundles, fake_driver, sanitizer, tmp_path)
    for bundle in ("8_512", "8_512_static", "8_512_invariant"):
        row = rf"\| {bundle} \| memcheck \| \d\d \| ERROR SUMMARY: 0 errors \|  \|"
        assert re.search(row, page)
    assert "3 runs, 0 not clean." in page


def test_what_a_tool_finds_is_kept(small_bundles, fake_driver, sanitizer, tmp_path):
    page = sanitize(
        small_bundles, fake_driver, sanitizer, tmp_path, expected=1, FINDS="2"
    )
    assert "| ERROR SUMMARY: 2 errors | something was found |" in page
    assert "3 runs, 3 not clean." in page
    assert "plain" in (tmp_path / "sanitizer.log").read_text()


def test_goes_on_behind_an_error(small_bundles, fake_driver, sanitizer, tmp_path):
    page = sanitize(
        small_bundles, fake_driver, sanitizer, tmp_path, expected=1, DIES="3"
    )
    assert page.count("| memcheck | 3 |") == 3
    assert page.count("| ended in ") == 3
    assert "6 runs, 3 not clean." in page


def test_a_program_that_fails_is_not_clean(small_bundles, sanitizer, tmp_path):
    page = sanitize(small_bundles, "/nonexistent.so", sanitizer, tmp_path, expected=1)
    assert page.count("| ended in its start |") == 3


@pytest.mark.parametrize(
    "line, expected",
    [
        ("ERROR SUMMARY: 0 errors", True),
        ("ERROR SUMMARY: 10 errors", False),
        ("RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)", True),
        ("RACECHECK SUMMARY: 1 hazard displayed (0 errors, 1 warning)", False),
        ("all launched", False),
    ],
)
def test_counts_nothing(line, expected):
    assert gpu_sanitize.counts_nothing(line) == expected


@pytest.mark.parametrize(
    "first, last, tile, expected",
    [(73, 120, 8, 73), (65, 2**63 - 1, 8, 65), (32, 64, 8, 33), (1, 1, 1, 1)],
)
def test_the_last_tile_is_partial(first, last, tile, expected):
    launch = {"min_tokens": first, "max_tokens": last, "tile_t": tile}
    assert gpu_sanitize.choose_tokens(launch) == expected
