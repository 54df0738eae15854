# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The indexer of examples/indexer_module.py with and without our gate: the same
tokens, or ones whose scores differ by less than rounding explains."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

torch = pytest.importorskip("torch")

sys.path.insert(0, str(ROOT / "examples"))
import indexer_module as example  # noqa: E402

SIZES = {"hidden": 512, "heads": 32, "top_k": 16}


def assert_same(expected, got):
    count, worst = example.compare(expected, got)
    assert count <= expected.tokens.numel() // 100 and worst <= 1


@pytest.fixture
def cpu():
    with torch.no_grad():
        yield example.make("cpu", tokens=80, **SIZES)


def test_eager(cpu):
    plain, fused, inputs = cpu
    assert_same(plain(*inputs), fused(*inputs))


def test_compiled(cpu):
    plain, _, inputs = cpu
    compiled = torch.compile(plain, backend="indexer")
    assert_same(plain(*inputs), compiled(*inputs))


def test_a_wrong_gate_is_seen(cpu):
    plain, fused, inputs = cpu
    fused.gate = lambda *a: example.plain_gate(*a).roll(1, 1)
    count, worst = example.compare(plain(*inputs), fused(*inputs))
    assert count > 0 and worst > 1


@pytest.mark.gpu
class TestGpu:
    @pytest.fixture
    def modules(self):
        with torch.no_grad():
            yield example.make("cuda", tokens=256, hidden=7168, heads=64, top_k=64)

    def test_eager(self, modules):
        plain, fused, inputs = modules
        assert_same(plain(*inputs), fused(*inputs))

    def test_compiled(self, modules):
        plain, _, inputs = modules
        assert_same(plain(*inputs), torch.compile(plain, backend="indexer")(*inputs))

    def test_graph(self, modules):
        plain, fused, inputs = modules
        fused(*inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = fused(*inputs)
        for seed in (1, 2):
            torch.manual_seed(seed)
            for tensor in inputs:
                tensor.normal_()
            graph.replay()
            assert_same(plain(*inputs), captured)
