# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every launch of a bundle runs under every tool; what a tool finds is reported."""

import os
import re

import gpu_sanitize
import pytest
from programs import run_benchmark
from timing import bundle_file


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


def test_each_launch_has_a_small_t_of_its_own(small_bundles):
    path = small_bundles / "8_512.idxb"
    before = bundle_file.read(path).header["kernels"][0]["launches"]
    after = gpu_sanitize.narrow(bundle_file.read(path), "memcheck").header["kernels"][
        0
    ]["launches"]
    assert [one["kernel"] for one in after] == [one["kernel"] for one in before]
    tokens = [one["min_tokens"] for one in after]
    assert tokens == [one["max_tokens"] for one in after]
    assert len(set(tokens)) == len(tokens) and max(tokens) < 200
    assert all(2 * one["tile_t"] < one["min_tokens"] for one in after)


def test_persistent_kernels_do_several_tiles():
    launch = {"tile_t": 64, "cluster": 2, "max_ctas": 132}
    bundle = bundle_file.BundleFile(2, {"kernels": [{"launches": [launch]}]}, b"")
    gpu_sanitize.narrow(bundle, "memcheck")
    assert (launch["min_tokens"], launch["max_ctas"]) == (129, 2)


def test_a_bundle_is_written_as_it_was_read(small_bundles, tmp_path):
    bundle = bundle_file.read(small_bundles / "8_512.idxb")
    bundle_file.write(tmp_path / "copy.idxb", bundle)
    assert bundle_file.read(tmp_path / "copy.idxb") == bundle


@pytest.mark.parametrize(
    "tool, cluster, shared",
    [("memcheck", 16, 0), ("synccheck", 1, 0), ("synccheck", 16, 116 << 10)],
)
def test_one_cta_of_a_cluster_an_sm_under_synccheck(tool, cluster, shared):
    launch = {"tile_t": 8, "cluster": cluster, "dynamic_shared_bytes": 0}
    header = {"kernels": [{"launches": [launch]}]}
    gpu_sanitize.narrow(bundle_file.BundleFile(1, header, b""), tool)
    assert launch["dynamic_shared_bytes"] == shared


def test_a_run_that_only_lacks_its_summary_has_found_nothing(tmp_path):
    page = gpu_sanitize.Page(tmp_path, "a commit")
    over = gpu_sanitize.TIME_OVER
    page.add(gpu_sanitize.Run("8_512", "initcheck", ["plain"], True, False, over, ""))
    page.add(gpu_sanitize.Run("8_512", "memcheck", ["plain"], False, False, over, ""))
    table = (tmp_path / "sanitizer.md").read_text()
    assert f"| {over} | the time was over behind the last launch |" in table
    assert f"| {over} | ended in plain |" in table
