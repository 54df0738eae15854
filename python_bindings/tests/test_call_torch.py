# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls with torch tensors, on the CPU and, where there is one, on a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import E, H, assert_close, make_arguments

import dsa_indexer

torch = pytest.importorskip("torch")


def to_torch(values, device="cpu"):
    """The same arguments as torch tensors."""
    tensors = []
    for value in values:
        if isinstance(value, np.ndarray):
            is_bf16 = value.dtype.name == "bfloat16"
            value = torch.from_numpy(value.view(np.int16) if is_bf16 else value)
            value = (value.view(torch.bfloat16) if is_bf16 else value).to(device)
        tensors.append(value)
    return tensors


@pytest.mark.parametrize("tokens", [0, 1, 3, 129])
def test_cpu(kernel, tokens):
    arguments = make_arguments(tokens, seed=tokens)
    x, weight, q_scale, *scalars = to_torch(arguments)
    # A transposed view of the weight, and rows that are apart.
    apart = torch.zeros((tokens, E + 8), dtype=x.dtype)
    apart[:, :E] = x
    gate = kernel(apart[:, :E], weight.T.contiguous().T, q_scale, *scalars)
    assert isinstance(gate, torch.Tensor) and gate.dtype == torch.float32
    assert gate.device.type == "cpu" and gate.is_contiguous()
    assert_close(gate.numpy(), dsa_indexer.reference(kernel, *arguments))


def test_reference_reads_torch_tensors(kernel):
    arguments = make_arguments(3)
    expected = dsa_indexer.reference(kernel, *arguments)
    got = dsa_indexer.reference(kernel, *to_torch(arguments))
    np.testing.assert_array_equal(got.values, expected.values)
    np.testing.assert_array_equal(got.bounds, expected.bounds)


def test_cpu_out(kernel):
    arguments = to_torch(make_arguments(3))
    out = torch.empty(3, 2 * H, 1)[:, ::2]
    assert kernel(*arguments, out=out) is out
    assert torch.equal(out, kernel(*arguments))


def test_parameters_and_mixed_frameworks(kernel):
    arguments = make_arguments(3)
    x, weight, *rest = to_torch(arguments)
    weight = torch.nn.Parameter(weight)
    gate = kernel(x, weight, arguments[2], *rest[1:])
    assert isinstance(gate, torch.Tensor) and not gate.requires_grad
    assert_close(gate.numpy(), dsa_indexer.reference(kernel, *arguments))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: x.half(), ValueError, r"is f16 \[3, 7168\], expected"),
        (lambda x: x[:, :5], ValueError, r"is bf16 \[3, 5\], expected"),
        (lambda x: x.int(), TypeError, "has dtype torch.int32, accepted are bfloat16"),
        (lambda x: x.to("meta"), ValueError, "is on device 'meta', accepted are 'cpu' and 'cuda'"),
        (lambda x: x.to_sparse(), TypeError, "has no memory that can be read: "),
        (
            lambda x: torch.complex(x.float(), x.float()).conj().imag,
            ValueError,
            "has its negative bit set",
        ),
    ],
    ids=["dtype", "shape", "int32", "meta", "sparse", "negative-bit"],
)
def test_wrong_tensor(kernel, change, error, message):
    x, *rest = to_torch(make_arguments(3))
    with pytest.raises(error, match=rf"^head_gate\(\): argument 0 \('x'\) {message}"):
        kernel(change(x), *rest)


@pytest.mark.gpu
class TestGpu:
    @pytest.mark.parametrize("tokens", [0, 1, 3, 64, 129])
    def test_matches_reference(self, kernel, tokens):
        arguments = make_arguments(tokens, seed=tokens)
        gate = kernel(*to_torch(arguments, "cuda"))
        assert gate.is_cuda and gate.shape == (tokens, H, 1)
        assert_close(gate.cpu().numpy(), dsa_indexer.reference(kernel, *arguments))

    def test_odd_strides(self, kernel):
        arguments = make_arguments(3)
        x, weight, q_scale, *scalars = to_torch(arguments, "cuda")
        apart = torch.zeros((3, E + 1), dtype=x.dtype, device="cuda")
        apart[:, 1:] = x
        gate = kernel(apart[:, 1:], weight.T.contiguous().T, q_scale, *scalars)
        assert_close(gate.cpu().numpy(), dsa_indexer.reference(kernel, *arguments))

    def test_out(self, kernel):
        arguments = to_torch(make_arguments(3), "cuda")
        out = torch.empty(3, 2 * H, 1, device="cuda")[:, ::2]
        assert kernel(*arguments, out=out) is out
        assert torch.equal(out, kernel(*arguments))

    def test_loaded_bundle(self, kernel):
        arguments = to_torch(make_arguments(3), "cuda")
        loaded = dsa_indexer.load_bundle(kernel.bundle)
        assert torch.equal(loaded(*arguments), kernel(*arguments))

    def test_runs_on_the_current_stream(self, kernel):
        arguments = to_torch(make_arguments(3), "cuda")
        expected = kernel(*arguments)
        torch.cuda.synchronize()
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            # The call must wait for this copy, which only its own stream does.
            x = torch.zeros_like(arguments[0])
            torch.cuda._sleep(50_000_000)
            x.copy_(arguments[0])
            gate = kernel(x, *arguments[1:])
        stream.synchronize()
        assert torch.equal(gate, expected)

    def test_graph(self, kernel):
        arguments = to_torch(make_arguments(3), "cuda")
        kernel.load(0)
        expected = kernel(*arguments)
        x = torch.zeros_like(arguments[0])
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            gate = kernel(x, *arguments[1:])
        x.copy_(arguments[0])
        graph.replay()
        assert torch.equal(gate, expected)

    def test_mixed_devices(self, kernel):
        x, weight, *rest = to_torch(make_arguments(3), "cuda")
        with pytest.raises(
            ValueError,
            match=r"argument 1 \('weight'\) is on cpu, but argument 0 \('x'\) is on cuda:0",
        ):
            kernel(x, weight.cpu(), *rest)

    @pytest.mark.parametrize(
        ("index", "change", "message"),
        [
            (0, lambda x: x.half(), r"0 \('x'\) has type f16, expected bf16"),
            (0, lambda x: x[:, :5], r"0 \('x'\) has shape \[3, 5\], expected"),
            (0, lambda x: x[0], r"0 \('x'\) has shape \[7168\], expected"),
            (2, lambda q: q[:2], r"2 \('q_scale'\) has shape \[2, 64, 1\], expected"),
            (3, lambda _: torch.zeros((), device="cuda"), r"3 \('head_scale'\) is a tensor"),
        ],
        ids=["dtype", "shape", "rank", "tokens", "tensor-for-scalar"],
    )
    def test_wrong_tensor(self, kernel, index, change, message):
        arguments = to_torch(make_arguments(3), "cuda")
        arguments[index] = change(arguments[index])
        with pytest.raises(ValueError, match=rf"^head_gate\(\): argument {message}"):
            kernel(*arguments)

    def test_reference_wants_the_host(self, kernel):
        with pytest.raises(ValueError, match=r"cuda:0; use tensor.cpu\(\)"):
            dsa_indexer.reference(kernel, *to_torch(make_arguments(1), "cuda"))
