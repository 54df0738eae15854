# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Table, JSON and plot of recorded measurements."""

import json

import pytest

from timing import plan, records, report

MACHINE = {
    "card": "a card",
    "driver": "1.2",
    "torch": "3.4",
    "triton": "5.6",
    "date": "a day",
    "commit": "abc",
}


def record(folder, *entries):
    """records.jsonl with (column, T, us), (column, T, us, other fields) entries."""
    store = records.Records(folder / "records.jsonl")
    store.start_run(MACHINE, "a command")
    for column, tokens, us, *more in entries:
        fields = {"repeat": 0, "is_alone": False, "variant": ""}
        fields.update(more[0] if more else {})
        store.add_outcome(
            plan.Task(column, tokens, **fields),
            {"us": us, "low": us, "high": us, "late": us + 0.1, "error": 1e-7},
            "",
        )
    return store


def test_table(tmp_path):
    record(
        tmp_path,
        ("ours", 16, 2.0),
        ("ours", 16, 2.2, {"repeat": 1}),
        ("ours_pdl", 16, 1.4),
        ("torch_compile", 16, 7.0),
        (
            "triton",
            16,
            5.0,
            {"variant": repr(("multiply", 1, 1, 8192, 1, 8, 1, False))},
        ),
        ("triton", 16, 4.0, {"variant": repr(("dot", 16, 32, 128, 7, 4, 3, True))}),
        ("ours", 16, 1.9, {"is_alone": True}),
        ("ours", 17, 2.3),
    )
    page = report.write(tmp_path)
    assert "| 16 | 0.37 | 2.10 | 2.35 | 1.40 | 1.40 | 0.30 | 0.32 |" in page
    assert "| 16 | 2.10 | 1.40 |  | 7.00 |  |  |  | 4.00 | 0.37 |" in page
    found = "dot 16x32x128, split 7, 4 warps, 3 stages, descriptors"
    assert f"| 16 | {found} |" in page
    assert "| ours | 16 | 1.90 | 2.10 | +0.20 |" in page
    assert "0 of the 1 measured" in page
    assert "largest difference between two repeats: 0.20 us" in page
    assert "a card, driver 1.2, torch 3.4, Triton 5.6, a day, commit abc" in page
    # The long table is in the file only.
    assert "| 17 |" not in page
    assert "| 17 | 2.30 |" in (tmp_path / "times.md").read_text()
    columns = json.loads((tmp_path / "times.json").read_text())["columns"]
    assert columns["ours"]["us"] == {"16": 2.1, "17": 2.3}
    assert columns["triton"]["us"] == {"16": 4.0}


def test_ratios_of_two_runs_are_marked(tmp_path):
    record(tmp_path, ("torch_compile", 16, 8.0))
    record(tmp_path, ("ours", 16, 2.0))
    page = report.write(tmp_path)
    assert "| 0.25* |" in page and "measured in two runs" in page


def test_a_new_bundle_replaces_the_old_ones_times():
    def line(us, run, bundle):
        task = plan.Task("ours", 1)._asdict()
        return {**task, "us": us, "late": us, "error": 0, "run": run, "bundle": bundle}

    times = report.Times([line(3, 0, "old"), line(2, 1, "new"), line(1, 2, "new")])
    assert times.us("ours", 1) == 1.5


def test_losses_and_steps_are_listed(tmp_path):
    store = record(
        tmp_path,
        ("ours", 1, 2.0),
        ("ours", 2, 2.2),
        ("ours", 3, 3.0),
        ("torch_compile", 2, 2.1),
        ("triton", 3, 3.1),
    )
    times = report.Times(list(store.of("time")))
    assert report.slower_than_peer(times) == [(2, 2.2, "torch_compile", 2.1)]
    assert [step[:2] for step in report.steep_steps(times, "ours")] == [(2, 3)]


def test_steps_that_the_bytes_explain_are_none(tmp_path):
    store = record(tmp_path, ("ours", 4096, 20.0), ("ours", 8192, 40.0))
    assert report.steep_steps(report.Times(list(store.of("time"))), "ours") == []


def test_failures_are_listed(tmp_path):
    store = record(tmp_path, ("ours", 1, 2.0))
    store.add_outcome(plan.Task("mm", 4), None, "no memory")
    assert "mm, T = 4: no memory" in report.write(tmp_path)


def test_pages_of_other_programs_become_sections(tmp_path):
    record(tmp_path, ("ours", 1, 2.0))
    (tmp_path / "launch-cost.txt").write_text("3 us\n")
    section = "## Host time of a launch\n\n```\n3 us\n```\n"
    assert section in report.write(tmp_path)
    assert "3 us" in (tmp_path / "times.md").read_text()


def test_plot(tmp_path):
    pytest.importorskip("matplotlib")
    entries = [
        (column.name, tokens, 2 + plan.floor_us(tokens))
        for column in plan.COLUMNS
        for tokens in (plan.sweep_tokens() if column.is_swept else plan.PEER_TOKENS)
    ]
    record(tmp_path, *entries)
    report.write(tmp_path)
    assert (tmp_path / "times.png").read_bytes().startswith(b"\x89PNG")


def test_the_floor_is_that_of_the_gpu_of_the_run(tmp_path):
    store = record(tmp_path, ("ours", 65536, 220.0))
    assert "| 65536 | 310.2 |" in report.write(tmp_path)
    store.add("read-ceiling", bytes_per_second=2 * plan.READ_BYTES_PER_SECOND)
    page = report.write(tmp_path)
    assert "| 65536 | 155.1 |" in page and "read at best, 6.28 TB/s" in page
