# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Triton kernel in Triton's interpreter, where there is Triton."""

import pathlib
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import torch
from peers import triton_gate, triton_space

torch.manual_seed(0)
for form, block_t, block_h, block_e, split, tokens in (
    ("multiply", 1, 2, 512, 1, 3),
    ("dot", 16, 16, 64, 4, 17),
    ("dot", 32, 64, 128, 1, 65),
):
    one = triton_space.Configuration(form, block_t, block_h, block_e, split, 4, 2, False)
    # The interpreter multiplies bf16 as integers.
    x, weight = torch.randn(tokens, 512).half(), torch.randn(64, 512).half()
    q_scale = torch.rand(tokens, 64)
    tiles = triton_space.count_tiles(one, tokens, 64)
    scratch = torch.empty(tiles * split * block_t * block_h), torch.zeros(tiles).int()
    expected = (x.double() @ weight.double().T) * q_scale.double() * 0.25
    for _ in range(2):
        out = torch.full((tokens, 64), float("nan"))
        triton_gate.gate(one, x, weight, q_scale, 0.25, out, scratch)
        assert (out - expected).norm() <= 1e-6 * expected.norm(), one
    assert not scratch[1].any()
"""


def test_interpreted():
    pytest.importorskip("triton")
    pytest.importorskip("torch")
    numpy = pytest.importorskip("numpy")
    if numpy.lib.NumpyVersion(numpy.__version__) >= "2.4.0":
        pytest.skip("Triton's interpreter needs a NumPy before 2.4")
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "TRITON_INTERPRET": "1",
            "PYTHONPATH": str(pathlib.Path(__file__).resolve().parent.parent),
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
