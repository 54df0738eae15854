# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""MLIR of other frontends: torch-mlir's and JAX's own, where they are installed."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from conftest import EXAMPLE, assert_close, make_arguments

import dsa_indexer

E, H = 96, 32


def make(tokens: int, seed: int = 0):
    random = np.random.default_rng(seed)
    return (
        random.standard_normal((tokens, E)).astype(ml_dtypes.bfloat16),
        random.standard_normal((H, E)).astype(ml_dtypes.bfloat16),
        random.random((tokens, H, 1), dtype=np.float32),
    )


def fusions(kernel):
    return [(r.kind, r.text) for r in kernel.remarks if r.category == "indexer-fusion"]


class TestMlir:
    def test_text(self, text):
        kernel = dsa_indexer.from_mlir(text, entry="head_gate", chip="sm_90a")
        arguments = make_arguments(3)
        assert_close(kernel(*arguments), dsa_indexer.reference(kernel, *arguments))

    def test_a_module_of_bindings(self):
        class Module:
            operation = None

            def __str__(self):
                return EXAMPLE.read_text()

        assert dsa_indexer.from_mlir(Module()).entry == "head_gate"

    def test_something_else(self):
        with pytest.raises(TypeError, match="from_mlir.*got a 'int', expected MLIR text"):
            dsa_indexer.from_mlir(1)


class TestTorchMlir:
    @pytest.fixture(autouse=True)
    def torch(self):
        pytest.importorskip("torch_mlir")
        self.torch = pytest.importorskip("torch")

    def tensors(self, tokens, seed=0):
        torch = self.torch
        x, weight, q_scale = make(tokens, seed)
        return [torch.from_numpy(a.astype(np.float32)) for a in (x, weight, q_scale)]

    def bf16(self, tokens, seed=0):
        x, weight, q_scale = self.tensors(tokens, seed)
        return x.bfloat16(), weight.bfloat16(), q_scale

    @staticmethod
    def gate(x, weight, q_scale):
        logits = x.float() @ weight.float().t()
        return (logits * H**-0.5).unsqueeze(-1) * q_scale * 128**-0.5

    @pytest.mark.parametrize("example", [1, 5])
    def test_a_function(self, example):
        kernel = dsa_indexer.from_torch_mlir(self.gate, *self.bf16(example))
        assert [kind for kind, _ in fusions(kernel)] == ["passed"]
        for tokens in (1, 7):
            arguments = self.bf16(tokens, seed=tokens)
            got = kernel(*arguments)
            assert_close(got, dsa_indexer.reference(kernel, *arguments))
            self.torch.testing.assert_close(got, self.gate(*arguments), rtol=1e-5, atol=1e-5)

    def test_a_module(self):
        torch, gate = self.torch, self.gate

        class Gate(torch.nn.Module):
            def forward(self, x, weight, q_scale):
                return gate(x, weight, q_scale)

        kernel = dsa_indexer.from_torch_mlir(Gate(), *self.bf16(5))
        assert kernel.arguments[0].shape == (None, E)

    def test_parameters_are_an_error(self):
        module = self.torch.nn.Linear(E, H, bias=False)
        with pytest.raises(ValueError, match="the module holds 'weight', which torch-mlir"):
            dsa_indexer.from_torch_mlir(module, self.bf16(5)[0])

    def test_numbers_are_an_error(self):
        with pytest.raises(TypeError, match="all arguments must be tensors"):
            dsa_indexer.from_torch_mlir(lambda x, a: x * a, self.bf16(5)[0], 2.0)


class TestStablehlo:
    @pytest.fixture(autouse=True)
    def jax(self):
        pytest.importorskip("iree.compiler")
        self.jax = pytest.importorskip("jax")

    def gate(self, x, weight, q_scale):
        jnp = self.jax.numpy
        logits = self.jax.lax.dot_general(
            x, weight, (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32
        )
        return (logits * H**-0.5)[..., None] * q_scale * 128**-0.5

    def test_lowered(self):
        arguments = [self.jax.numpy.asarray(a) for a in make(5)]
        kernel = dsa_indexer.from_stablehlo(self.jax.jit(self.gate).lower(*arguments))
        assert [kind for kind, _ in fusions(kernel)] == ["passed"]
        got = kernel(*arguments)
        assert isinstance(got, self.jax.Array)
        assert_close(got, dsa_indexer.reference(kernel, *make(5)))
        np.testing.assert_allclose(got, self.jax.jit(self.gate)(*arguments), 1e-4, 1e-5)

    def test_text_and_exported(self):
        arguments = [self.jax.numpy.asarray(a) for a in make(5)]
        function = self.jax.jit(self.gate)
        lowered = function.lower(*arguments)
        for source in (lowered.as_text(), self.jax.export.export(function)(*arguments)):
            kernel = dsa_indexer.from_stablehlo(source)
            np.testing.assert_array_equal(
                kernel(*arguments), dsa_indexer.from_stablehlo(lowered)(*arguments)
            )

    def test_a_bf16_sum_is_declined(self):
        arguments = [self.jax.numpy.asarray(a) for a in make(5)]
        kernel = dsa_indexer.from_stablehlo(
            self.jax.jit(lambda x, w, q: (x @ w.T)[..., None] * q).lower(*arguments)
        )
        ((kind, text),) = fusions(kernel)
        assert kind == "missed" and "preferred_element_type" in text

    def export(self, function):
        """`function`, exported for a number of tokens that is left open."""
        (tokens,) = self.jax.export.symbolic_shape("tokens")
        arguments = [
            self.jax.ShapeDtypeStruct((tokens if i != 1 else H, *a.shape[1:]), a.dtype)
            for i, a in enumerate(make(5))
        ]
        return self.jax.export.export(self.jax.jit(function))(*arguments)

    def test_symbolic_tokens(self):
        kernel = dsa_indexer.from_stablehlo(self.export(self.gate))
        assert [argument.shape for argument in kernel.arguments][0] == (None, E)
        assert [kind for kind, _ in fusions(kernel)] == ["passed"]
        for tokens in (1, 5, 9):
            arguments = [self.jax.numpy.asarray(a) for a in make(tokens)]
            assert_close(kernel(*arguments), dsa_indexer.reference(kernel, *make(tokens)))
            wanted = self.jax.jit(self.gate)(*arguments)
            np.testing.assert_allclose(kernel(*arguments), wanted, 1e-4, 1e-5)
        x, weight, _ = make(5)
        with pytest.raises(ValueError, match=r"(?s)arguments do not fit together.*'arg2'"):
            kernel(x, weight, make(4)[2])

    def test_symbolic_tokens_that_cannot_be_lowered(self):
        def in_order(x, weight, q_scale):
            return self.jax.numpy.sort(self.gate(x, weight, q_scale), axis=0)

        with pytest.raises(dsa_indexer.CompileError) as caught:
            dsa_indexer.from_stablehlo(self.export(in_order))
        assert "sort" in str(caught.value) and "error: " in str(caught.value)

    def test_something_else(self):
        with pytest.raises(TypeError, match=r"got a 'int', expected jax.jit\(f\).lower"):
            dsa_indexer.from_stablehlo(1)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "iree", None)
    with pytest.raises(ImportError, match=r"pip install 'dsa-indexer\[stablehlo\]'"):
        dsa_indexer.from_stablehlo("module {}")
