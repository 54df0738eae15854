# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The README's three lines of Python, as they stand there."""

import pathlib
import re

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_three_lines(monkeypatch):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    assert len(block.strip().split("\n")) == 3
    monkeypatch.chdir(ROOT)
    random = np.random.default_rng(0)
    names = {
        "x": random.standard_normal((3, 7168)).astype(ml_dtypes.bfloat16),
        "weight": random.standard_normal((64, 7168)).astype(ml_dtypes.bfloat16),
        "q_scale": random.random((3, 64, 1), dtype=np.float32),
        "head_scale": 64**-0.5,
        "softmax_scale": 128**-0.5,
    }
    exec(block, names)
    gate = names["gate"]
    expected = names["dsa_indexer"].reference(
        names["kernel"], *(names[name] for name in list(names)[:5])
    )
    assert gate.shape == (3, 64, 1)
    assert np.all(np.abs(gate - expected.values) <= expected.bounds)
