# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""indexer-tune: what it enumerates, and all of it on a driver that computes on the CPU."""

import json
import math
import re
import sys

import pytest
from conftest import BUILD
from programs import BENCHMARKS, run_benchmark

ROOT = BENCHMARKS.parent
TUNE = ROOT / "tools" / "indexer-tune"
TABLE = ROOT / "lib" / "Schedule" / "MeasuredSchedules.inc"
sys.path.insert(0, str(TUNE))

from timing.plan import MODEL, Shape  # noqa: E402
from tuning import candidates, table  # noqa: E402
from tuning.candidates import Schedule  # noqa: E402
from tuning.run import Problem  # noqa: E402

WIDE = Schedule("cp_async_wgmma", 64, 64, 128, 1, 128, 3)
NARROW = Schedule("register_mma", 8, 8, 448, 8)


def tune(*arguments, **options):
    """Runs the program; returns what it prints."""
    return run_benchmark(TUNE / "indexer-tune", *map(str, arguments), **options)


def tile_of(schedule):
    """The tile and how CTAs share it, but not how they copy it."""
    return schedule._replace(threads=0, tile_d=0, stages=0)


def test_what_was_fastest_is_a_candidate_by_what_is_known_or_by_the_estimate():
    rows = table.read_known(TABLE.read_text())
    found = candidates.enumerate_schedules(MODEL)
    by_estimate = 0
    of_model = [row for row in rows if row.shape == MODEL]
    for row in of_model:
        tokens = min(row.last, 65536)
        assert row.schedule in found
        likely = candidates.most_likely(found, MODEL, tokens, 8, rows)
        assert row.schedule in likely
        assert len(likely) < 60
        estimated = candidates.most_likely(found, MODEL, tokens, 160)
        by_estimate += tile_of(row.schedule) in map(tile_of, estimated)
    # The end of a row is not always what was measured.
    assert by_estimate >= 0.8 * len(of_model)


def test_more_heads_have_wider_tiles():
    rows = table.read_known(TABLE.read_text())
    wide = Shape(192, 7168)
    found = candidates.enumerate_schedules(wide)
    likely = candidates.most_likely(found, wide, 8448, 8, rows)
    assert any(s.tile_t == 192 and s.threads == 416 for s in likely)


def test_more_heads_have_tiles_of_all_of_them():
    rows = table.read_known(TABLE.read_text())
    for heads, tile_h in ((96, 128), (160, 192), (192, 192)):
        shape = Shape(heads, 7168)
        found = candidates.enumerate_schedules(shape)
        likely = candidates.most_likely(found, shape, 65536, 40, rows)
        whole = [s for s in likely if s.family == "tma_wgmma" and s.tile_h == tile_h]
        # With the weight for one CTA and for two, and with and without a next tile.
        assert {(s.multicast, bool(s.max_ctas)) for s in whole} == {
            (multicast, is_persistent)
            for multicast in (1, 2)
            for is_persistent in (False, True)
        }
        assert all(s.threads == 2 * tile_h + 128 and s.stages >= 3 for s in whole)
    assert all(s.tile_h <= 64 for s in candidates.enumerate_schedules(MODEL))


def test_candidates_divide_the_shape():
    for shape in (Shape(8, 512), Shape(160, 6144), Shape(64, 4288)):
        found = candidates.enumerate_schedules(shape)
        assert len(found) == len(set(found)) > 0
        for schedule in found:
            if schedule.family == "register_mma":
                assert shape.heads % schedule.tile_h == 0
                assert shape.hidden % (schedule.threads * schedule.cluster) == 0


def test_attribute():
    assert WIDE.attribute("static") == (
        "#indexer.schedule<family = cp_async_wgmma, tile_t = 64, tile_h = 64, "
        "threads = 128, tile_d = 128, stages = 3, weights = static>"
    )
    tma = Schedule("tma_wgmma", 64, 64, 160, 2, 128, 3, 2, 132)
    assert "cluster = 2, tile_d = 128, stages = 3, multicast = 2, max_ctas = 132" in (
        tma.attribute("dependent")
    )


def test_attributes_are_read_as_they_are_written():
    tma = Schedule("tma_wgmma", 128, 192, 512, 2, 64, 5, 2, 132)
    text = "\n".join(f"name {s.attribute('static')}" for s in (WIDE, NARROW, tma))
    assert candidates.read_schedules(text) == [WIDE, NARROW, tma]


def test_just_the_schedules_of_a_file(tmp_path):
    if not (BUILD / "bin" / "indexer-compile").exists():
        pytest.skip("needs the build folder")
    chosen = tmp_path / "chosen"
    chosen.write_text(WIDE.attribute("dependent"))
    arguments = ["--heads", 64, "--hidden", 7168, "--build", BUILD]
    output = tune("generate", tmp_path, *arguments, "--schedules", chosen)
    assert "H 64, E 7168, dependent: 1 new bundles, 0 rejected" in output
    assert (tmp_path / f"64x7168_dependent_{WIDE.name()}.idxb").exists()


def test_rows_are_the_fastest_with_few_changes():
    rows = table.choose_rows(
        {
            1: {NARROW: 2.0, WIDE: 3.0},
            8: {NARROW: 2.02, WIDE: 2.01},  # Noise: nothing changes.
            64: {NARROW: 4.0, WIDE: 3.0},
            128: {NARROW: 9.0, WIDE: 5.0},
        }
    )
    assert [(row.schedule, row.max_tokens) for row in rows] == [
        (NARROW, 8),
        (WIDE, None),
    ]
    assert rows[0].times == {1: 2.0, 8: 2.02}


def test_what_cannot_be_measured_is_no_row():
    assert table.choose_rows({1: {NARROW: float("inf")}}) == []


def test_blocks_are_replaced_and_others_stay():
    problem = Problem(MODEL, "dependent")
    rows = [table.Row(WIDE, None, {1: 2.5, 65536: 300.0})]
    before = TABLE.read_text()
    after = table.replace_blocks(before, {problem: rows}, "a card")
    heading = "// H = 64, E = 7168, weights = dependent: a card\n"
    line = (
        "INDEXER_MEASURED(64, 7168, Dependent, CpAsyncWgmma, 64, 64, 128, 1, 128, 3, "
        "1, 0, unboundedTokens) // us at T 1: 2.50, 65536: 300.00\n"
    )
    assert heading + line + "\n" in after
    assert after.count("// H = 64, E = 7168, weights = dependent") == 1
    static = before[before.index("// H = 64, E = 7168, weights = static") :]
    assert after.endswith(static)
    # Twice is the same as once; a new problem goes to the end.
    assert table.replace_blocks(after, {problem: rows}, "a card") == after
    other = Problem(Shape(32, 6144), "static")
    assert table.replace_blocks(after, {other: rows}, "a card").startswith(after)


def test_rows_for_tokens_that_were_not_timed_stay():
    def row(tile, end):
        fields = f"64, 7168, Dependent, CpAsyncWgmma, {tile}, 64, 128, 1, 128, 3, 1, 0"
        return f"INDEXER_MEASURED({fields}, {end})"

    heading = "// H = 64, E = 7168, weights = dependent: an old card"
    old = [row(8, 10), row(16, 20), row(24, 40), row(32, "unboundedTokens")]
    before = "\n".join([heading, *old, "", "// another\n"])
    rows = [
        table.Row(NARROW, 20, {20: 2.0}),
        table.Row(WIDE, None, {30: 3.0}),
    ]
    problem = Problem(MODEL, "dependent")
    after = table.replace_blocks(before, {problem: rows}, "a card")
    lines = after.splitlines()
    assert lines[:3] == [heading, "// T = 20 to 30: a card", old[0]]
    assert lines[3].endswith(", 20) // us at T 20: 2.00")
    assert lines[4].endswith(", 30) // us at T 30: 3.00")
    assert lines[5:] == [old[2], old[3], "", "// another"]
    known = table.read_known(after)
    assert [(k.first, k.last) for k in known] == [
        (1, 10),
        (11, 20),
        (21, 30),
        (31, 40),
        (41, math.inf),
    ]
    # The last row goes on where the tokens do.
    rows = [table.Row(WIDE, None, {20: 2.0, 50: 3.0})]
    last = table.replace_blocks(before, {problem: rows}, "a card").splitlines()[3]
    assert ", unboundedTokens)" in last


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A folder of candidates for one and nine tokens."""
    if not (BUILD / "bin" / "indexer-compile").exists():
        pytest.skip("needs the build folder")
    folder = tmp_path_factory.mktemp("tune")
    arguments = ["--heads", "64", "--hidden", "7168", "--tokens", "1,9", "--limit", "6"]
    output = tune("generate", folder, *arguments, "--build", BUILD)
    assert re.search(
        r"H 64, E 7168, dependent: (\d+) new bundles, \d+ rejected", output
    )
    again = tune("generate", folder, *arguments, "--build", BUILD)
    assert "dependent: 0 new bundles, 0 rejected" in again
    return folder


def times_of(folder):
    """Times and failures, but of kernels with tensor maps: the driver computes none."""
    lines = map(json.loads, (folder / "times.jsonl").read_text().splitlines())
    return [
        line
        for line in lines
        if line["kind"] in ("time", "failure") and "tma_wgmma" not in line["file"]
    ]


def test_generate_run_table(generated, fake_driver, tmp_path):
    options = ["--limit", "6", "--keep", "2"]
    driver = {"INDEXER_LIBCUDA": str(fake_driver)}
    output = tune(
        "run", generated, "--tokens", "1,9", "--seconds", "0", *options, **driver
    )
    assert "the time was over first; the same command goes on" in output
    tune("run", generated, "--tokens", "1", *options, **driver)
    first = times_of(generated)
    assert {line["tokens"] for line in first} == {1}
    assert all(line["us"] > 0 and line["error"] < 1e-6 for line in first)
    assert sum(line["repeat"] > 0 for line in first) == 4
    tune("run", generated, "--tokens", "1,9", *options, **driver)
    rest = times_of(generated)[len(first) :]
    assert {line["tokens"] for line in rest} == {9}

    written = tmp_path / "table.inc"
    written.write_text(TABLE.read_text())
    output = tune("table", generated, "--output", written)
    assert "H = 64, E = 7168, weights = dependent" in output
    rows = [r for r in table.read_known(written.read_text()) if r.shape == MODEL]
    assert rows[0].schedule.tile_t <= 16
    assert "weights = static: NVIDIA H100" in written.read_text()


def test_a_wrong_result_has_no_time(generated, fake_driver, tmp_path):
    tune(
        *("run", generated, "--tokens", "4", "--limit", "3", "--keep", "1"),
        INDEXER_LIBCUDA=str(fake_driver),
        FAKE_WRONG="1",
    )
    wrong = [line for line in times_of(generated) if line["tokens"] == 4]
    assert wrong and all("the result is wrong" in line["error"] for line in wrong)


def test_errors(tmp_path):
    for arguments, status, message in (
        (["run", tmp_path], 1, "has no candidates.jsonl; 'generate' makes it"),
        (["generate", tmp_path, "--hidden", "64"], 2, "required: --heads"),
        (
            ["generate", tmp_path, "--heads", "0", "--hidden", "64"],
            2,
            "got '0'; accepted are numbers above 0",
        ),
        (
            [
                "generate",
                tmp_path,
                "--heads",
                "8",
                "--hidden",
                "64",
                "--build",
                tmp_path,
            ],
            1,
            "has no bin/indexer-compile",
        ),
        (
            ["generate", tmp_path, "--heads", "8", "--hidden", "64", "--weights", "x"],
            2,
            "got 'x'; accepted are dependent, static",
        ),
        (
            [
                *("generate", tmp_path, "--heads", "8", "--hidden", "64"),
                *("--schedules", TABLE),
            ],
            2,
            "has no '#indexer.schedule'",
        ),
    ):
        assert message in tune(*arguments, expected=status)
    (tmp_path / "candidates.jsonl").write_text("")
    assert "has no times; 'run' makes them" in tune("table", tmp_path, expected=1)
