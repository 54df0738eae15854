# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operator head_gate in C++: that it loads, what it leaves to Python, and what
becomes of a call when it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dsa_indexer
from dsa_indexer import _head_gate, _operator

torch = pytest.importorskip("torch")

import dsa_indexer.torch as operators  # noqa: E402 - needs torch.

E, H = 96, 32

needs_library = pytest.mark.skipif(
    not _operator.LIBRARY.exists(), reason="the package was built without torch's headers"
)


def make(device: str = "cpu"):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(5, E, generator=random).bfloat16()
    weight = torch.randn(H, E, generator=random).bfloat16()
    return [t.to(device) for t in (x, weight, torch.rand(5, H, 1, generator=random))]


@needs_library
def test_unknown_kernels_are_pythons():
    """In a process of its own, as it makes the C++ implementation the CPU's: with
    no kernel of a GPU, every call is handed on, whatever its arguments."""
    script = """
import torch, dsa_indexer.torch
from dsa_indexer import _head_gate, _operator
assert _operator.load("CPU") is not None
seen = []
run = _head_gate.run
_head_gate.run = lambda *arguments: seen.append(arguments[3:5]) or run(*arguments)
x, weight, q_scale = torch.randn(5, 96), torch.randn(8, 96), torch.rand(5, 8, 1)
op = torch.ops.dsa_indexer.head_gate
wanted = (x @ weight.t() * 0.25).unsqueeze(-1) * q_scale * 0.5
torch.testing.assert_close(op(x, weight, q_scale, 0.5, 0.25), wanted)
batch = op(x[None], weight, q_scale[None, ..., 0], 0.5, 0.25)
torch.testing.assert_close(batch, wanted[None])
op(x.half(), weight.bfloat16(), q_scale.mT.contiguous().mT, 1.0)
assert seen == [(0.5, 0.25)] * 3 + [(1.0, None)], seen  # A batch is two calls.
weight.requires_grad_()
op(x, weight, q_scale, 0.5).sum().backward()
assert weight.grad is not None and weight.grad.shape == weight.shape
try:
    op(x, weight[:, :5], q_scale, 0.5)
except (ValueError, RuntimeError) as error:
    assert "'weight' is float32 [8, 5], expected" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd="/")


def test_a_library_that_does_not_load(tmp_path, caplog):
    broken = tmp_path / "libdsa_indexer_torch.so"
    assert _operator.load("CUDA", broken) is None and not caplog.records
    broken.write_text("no library")
    assert _operator.load("CUDA", broken) is None
    (record,) = caplog.records
    message = record.getMessage()
    assert "head_gate is Python's, as libdsa_indexer_torch.so does not load" in message


@needs_library
@pytest.mark.gpu
def test_known_kernels_run_without_python(monkeypatch):
    assert operators._compiled_operator is not None
    x, weight, q_scale = make("cuda")
    expected = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=0.5)

    def fails(*arguments):
        raise AssertionError("Python was called")

    monkeypatch.setattr(_head_gate, "run", fails)
    op = torch.ops.dsa_indexer.head_gate
    for scale in (q_scale, q_scale[..., 0], q_scale.mT.contiguous().mT):
        assert torch.equal(op(x, weight, scale, 0.5), expected)
    assert torch.equal(op(x, weight, q_scale, 0.5, H**-0.5), expected)
    assert op(x[:0], weight, q_scale[:0], 0.5).shape == (0, H, 1)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        gate = op(x * 2, weight, q_scale, 0.5)
    stream.synchronize()
    torch.testing.assert_close(gate, expected * 2)
    with pytest.raises(RuntimeError, match="Python was called"):
        op(x.half(), weight, q_scale, 0.5)
