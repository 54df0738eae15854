# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The order of measurements, and how they are grouped."""

import pytest

from peers import triton_space
from timing import plan


def test_sweep_has_all_small_counts_and_steps_of_a_tenth():
    tokens = plan.sweep_tokens()
    assert tokens[:64] == list(range(1, 65))
    assert tokens[-1] == 65536
    assert set(plan.PEER_TOKENS) <= set(tokens)
    for before, after in zip(tokens[64:], tokens[65:]):
        # Rounding adds up to half a token to a step.
        assert after <= 1.1 * before + 1
    assert sum(count % 2 for count in tokens[64:]) > 30


@pytest.mark.parametrize("count", [1, 2, 7, 132])
def test_coarse_to_fine_spreads_every_prefix(count):
    order = plan.coarse_to_fine(list(range(count)))
    assert sorted(order) == list(range(count))
    for size in range(2, count):
        prefix = sorted(order[:size])
        gaps = [b - a for a, b in zip(prefix, prefix[1:])]
        assert max(gaps) <= 4 * count / size


def test_goals_come_first():
    names = [column.name for column in plan.COLUMNS]
    first = plan.first_tasks(names)
    assert [task.tokens for task in first[:7]] == [1] * 7
    assert {task.tokens for task in first} == set(plan.GOAL_TOKENS)
    assert not any(task.column == "triton" for task in first)
    rest = plan.sweep_tasks(names)
    assert not set(first) & set(rest)
    swept = {(t.column, t.tokens) for t in [*first, *rest] if not t.is_alone}
    for column in plan.COLUMNS:
        counts = {tokens for name, tokens in swept if name == column.name}
        if column.name == "triton":
            assert not counts
        elif column.is_swept:
            assert counts == set(plan.sweep_tokens())
        else:
            assert counts == set(plan.PEER_TOKENS)


def test_batches_keep_order_and_limits():
    tasks = plan.first_tasks([column.name for column in plan.COLUMNS])
    groups = list(plan.batches(tasks))
    assert [task for group in groups for task in group] == tasks
    for group in groups:
        size = sum(
            plan.call_count(task.tokens) * plan.gate_bytes(task.tokens)
            for task in group
        )
        assert len(group) == 1 or size <= plan.BATCH_BYTES
        assert len(group) <= plan.BATCH_PROCESSES
        assert len(group) == 1 or not any(task.is_alone for task in group)


def test_weights_are_cold():
    """Between two uses of a weight more is read than the L2 cache holds."""
    for tokens in plan.sweep_tokens():
        assert plan.call_count(tokens) * plan.gate_bytes(tokens) > 80e6


def test_floor():
    # x, weight, q_scale and result of one token, at 3.14 TB/s.
    assert plan.gate_bytes(1) == 2 * 7168 + 2 * 64 * 7168 + 4 * 64 + 4 * 64
    assert round(plan.floor_us(1), 2) == 0.30
    assert round(plan.floor_us(65536), 1) == 310.2


def test_triton_configurations_can_run():
    for tokens in plan.PEER_TOKENS:
        found = triton_space.configurations(tokens)
        assert found and len(found) == len(set(found))
        for one in found:
            if one.form == "dot":
                assert plan.HIDDEN % (one.block_e * one.split) == 0
                assert plan.HEADS % one.block_h == 0
