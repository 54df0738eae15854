# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What was measured survives a run that was cut off."""

from timing import plan, records

RESULT = {"us": 2.0, "low": 1.9, "high": 2.2, "late": 2.0, "calls": 96, "error": 1e-7}


def start(path):
    store = records.Records(path)
    store.start_run({"card": "a card"}, "a command")
    return store


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    path = tmp_path / "records.jsonl"
    store = start(path)
    store.add_outcome(plan.Task("mm", 1), RESULT, "")
    path.write_text(path.read_text() + '{"kind": "time", "us": 1')
    store = start(path)
    store.add_outcome(plan.Task("mm", 2), RESULT, "")
    assert [line["tokens"] for line in records.Records(path).of("time")] == [1, 2]
    assert [line["run"] for line in records.Records(path).of("run")] == [0, 1]


def test_a_run_that_measures_nothing_leaves_no_line(tmp_path):
    path = tmp_path / "records.jsonl"
    start(path)
    assert not path.exists()


def test_new_bundles_are_timed_anew(tmp_path):
    store = start(tmp_path / "records.jsonl")
    ours, peer = plan.Task("ours", 1), plan.Task("mm", 1)
    store.add_outcome(ours, RESULT, "", bundle="old")
    store.add_outcome(peer, RESULT, "")
    assert store.done({"ours": "old"}) == {ours, peer}
    assert store.done({"ours": "new"}) == {peer}


def test_a_failure_is_tried_again_and_forgotten(tmp_path):
    store = start(tmp_path / "records.jsonl")
    task = plan.Task("mm", 1)
    store.add_outcome(task, None, "no memory")
    assert store.done({}) == set()
    assert [line["error"] for line in store.failures()] == ["no memory"]
    store.add_outcome(task, RESULT, "")
    assert store.done({}) == {task}
    assert store.failures() == []
