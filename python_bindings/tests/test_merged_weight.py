# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keys and gate of one weight: two results, and one kernel that makes both."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from conftest import ROOT

import dsa_indexer
from dsa_indexer._bundle import BundleView, ResultShapes

ENGINES = ["sglang-s4-merged", "tensorrt-llm", "frontends/torch-merged"]


def make(tokens, weight_type, scale_rank, seed=0):
    random = np.random.default_rng(seed)
    weight = random.standard_normal((192, 7168)).astype(weight_type)
    q_scale = random.random((tokens, 64, 1)[:scale_rank], dtype=np.float32)
    return random.standard_normal((tokens, 7168)).astype(ml_dtypes.bfloat16), weight, q_scale


@pytest.fixture(scope="module", params=ENGINES)
def kernel(request):
    text = (ROOT / "test" / "Inputs" / f"{request.param}.mlir").read_text()
    return dsa_indexer.from_mlir(text, chip="sm_90a")


def test_both_results_are_right(kernel):
    weight_type = np.float32 if kernel.arguments[1].dtype == "f32" else ml_dtypes.bfloat16
    for tokens in (1, 5):
        arguments = make(tokens, weight_type, len(kernel.arguments[2].shape))
        results = kernel(*arguments)
        expected = dsa_indexer.reference(kernel, *arguments)
        assert isinstance(results, tuple) and len(results) == 2
        assert results[0].shape == (tokens, 128) and results[0].dtype == ml_dtypes.bfloat16
        assert results[1].size == tokens * 64 and results[1].dtype == np.float32
        for got, values, bounds in zip(results, expected.values, expected.bounds):
            difference = np.abs(got.astype(np.float64) - values)
            assert (difference <= bounds).all()


def test_the_bundle_knows_the_shapes_of_both(kernel):
    view = BundleView(kernel.bundle)
    last = (1,) * (len(view.results[1].shape) - 2)
    for tokens in (0, 5):
        arguments = make(tokens, np.float32, len(view.arguments[2].shape))
        assert ResultShapes(view.description).of(arguments) == [(tokens, 128), (tokens, 64, *last)]


def test_one_module_of_kernels_makes_both(kernel):
    text = kernel.asm["kernel"]
    assert text.count("gpu.module @") == 1
    assert text.count("indexer.heads") == 1


torch = pytest.importorskip("torch")


def keys_and_gate(x, weight, q_scale):
    sums = torch.nn.functional.linear(x, weight)
    return sums[:, :128], sums[:, 128:].float() * q_scale * 0.125


def test_jit_gives_the_bits_of_eager():
    def integers(rows):
        """Their sums are exact, in whatever order."""
        return torch.randint(-3, 4, (rows, 512)).bfloat16()

    compiled = dsa_indexer.jit(keys_and_gate)
    weight = integers(192)
    for tokens in (1, 7):
        arguments = (integers(tokens), weight, torch.rand(tokens, 64))
        results = compiled(*arguments)
        assert isinstance(results, tuple)
        for got, wanted in zip(results, keys_and_gate(*arguments), strict=True):
            assert got.dtype == wanted.dtype and torch.equal(got, wanted)


def test_a_traced_function_has_one_module_of_kernels():
    arguments = (torch.randn(5, 512).bfloat16(), torch.randn(192, 512).bfloat16())
    kernel = dsa_indexer.from_torch(
        keys_and_gate, *arguments, torch.rand(5, 64), chip="sm_90a"
    ).kernel
    assert kernel.asm["kernel"].count("gpu.module @") == 1
