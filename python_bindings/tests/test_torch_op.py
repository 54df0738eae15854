# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The head gate as an operator of PyTorch: torch.compile, export, gradients."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

import dsa_indexer
from dsa_indexer import _head_gate

torch = pytest.importorskip("torch")

import torch._dynamo.testing  # noqa: E402 - needs torch.

import dsa_indexer.torch  # noqa: E402 - needs torch.

#: Small: no test here is about a model's sizes. H = 32: its H ** -0.5 is not a
#: power of two.
E, H = 96, 32
HEADS, SOFTMAX = H**-0.5, 128**-0.5
OP = torch.ops.dsa_indexer.head_gate.default
OUT_OP = torch.ops.dsa_indexer.head_gate_out.default

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def make(*lead: int, device: str = "cpu", seed: int = 0):
    """x, weight and q_scale [..., H, 1]."""
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(*lead, E, generator=random).bfloat16()
    weight = torch.randn(H, E, generator=random).bfloat16()
    q_scale = torch.rand(*lead, H, 1, generator=random)
    return x.to(device), weight.to(device), q_scale.to(device)


def plain(x, weight, q_scale, softmax_scale=SOFTMAX, head_scale=H**-0.5):
    """The chain as sglang writes it, with the f32 matmul that every device has."""
    weights = (x.float() @ weight.float().t()) * head_scale
    return weights.unsqueeze(-1) * q_scale * softmax_scale


def gate(x, weight, q_scale):
    return dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX)


def assert_right(got, x, weight, q_scale):
    expected = plain(x.double(), weight.double(), q_scale.double())
    assert got.dtype == torch.float32 and got.device == x.device
    assert got.shape == expected.shape
    torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("lead", [(0,), (1,), (7,), (2, 3)], ids=str)
def test_result(device, lead):
    arguments = make(*lead, device=device)
    direct = gate(*arguments)
    assert_right(direct, *arguments)
    assert torch.equal(OP(*arguments, SOFTMAX), direct)
    assert torch.equal(OP(arguments[0], arguments[1], arguments[2][..., 0], SOFTMAX), direct)
    out = torch.full_like(direct, 7)
    assert OUT_OP(*arguments, SOFTMAX, out=out) is None
    assert torch.equal(out, direct)
    assert dsa_indexer.head_gate(*arguments, softmax_scale=SOFTMAX, out=out) is out


def test_strides():
    x, weight, q_scale = make(4, 3)
    arguments = x.transpose(0, 1), weight.t().contiguous().t(), q_scale.transpose(0, 1)
    assert_right(gate(*arguments), *arguments)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("lead", [(5,), (2, 3)], ids=str)
def test_opcheck(device, lead):
    arguments = make(*lead, device=device)
    wanted = ("test_schema", "test_autograd_registration", "test_faketensor",
              "test_aot_dispatch_dynamic")  # fmt: skip
    trained = tuple(a.detach().clone().requires_grad_() for a in arguments)
    for values in (arguments, trained, (*arguments[:2], arguments[2][..., 0])):
        assert torch.library.opcheck(OP, (*values, SOFTMAX)) == dict.fromkeys(wanted, "SUCCESS")
    out = {"out": torch.empty(*lead, H, 1, device=device)}
    done = torch.library.opcheck(OUT_OP, (*arguments, SOFTMAX, 0.5), out)
    assert done == dict.fromkeys(wanted, "SUCCESS")


@pytest.mark.parametrize("device", DEVICES)
@torch._dynamo.config.patch(error_on_recompile=True)
def test_compiled_once_for_all_tokens(device):
    """50 values of T, one graph of torch, one kernel."""
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(
        lambda *values: gate(*values) + 1, backend=counter, fullgraph=True, dynamic=True
    )
    _, weight, _ = make(1, device=device)
    compiled(*make(2, device=device))
    graphs, kernels = counter.frame_count, _head_gate.kernel_count()
    for tokens in range(2, 52):
        x, _, q_scale = make(tokens, device=device, seed=tokens)
        assert torch.equal(compiled(x, weight, q_scale), gate(x, weight, q_scale) + 1)
    assert counter.frame_count == graphs
    assert _head_gate.kernel_count() == kernels


def test_compiled_by_inductor():
    """The operator alone: no C++ of Inductor's own to wait for."""
    compiled = torch.compile(gate, fullgraph=True, dynamic=True)
    for tokens in (2, 5):
        arguments = make(tokens)
        assert torch.equal(compiled(*arguments), gate(*arguments))


def test_compiled_with_out():
    def write(x, weight, q_scale, out):
        return dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX, out=out)

    arguments = make(5)
    out = torch.zeros(5, H, 1)
    torch.compile(write, backend="aot_eager", fullgraph=True)(*arguments, out)
    assert torch.equal(out, gate(*arguments))


@pytest.mark.parametrize("build", ["", "torch._C._cuda_getDevice = lambda: 0"], ids=["own", "cuda"])
def test_compiled_in_a_fresh_process(build):
    """The operator registers itself while torch.compile looks at its first
    use; a torch with CUDA also makes the short way, which must not be seen."""
    script = f"""
import torch, dsa_indexer
{build}
def gate(x, weight, q_scale):
    return dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=0.5)
arguments = torch.ones(3, 8), torch.ones(2, 8), torch.ones(3, 2, 1)
compiled = torch.compile(gate, backend="aot_eager", fullgraph=True)(*arguments)
assert torch.equal(compiled, gate(*arguments))
from dsa_indexer import _head_gate
assert (_head_gate._short_calls is None) == (not hasattr(torch._C, "_cuda_getDevice"))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd="/")


def test_exports():
    class Gate(torch.nn.Module):
        def forward(self, x, weight, q_scale):
            return gate(x, weight, q_scale)

    tokens = {0: torch.export.Dim("tokens", min=0, max=4096)}
    program = torch.export.export(Gate(), make(5), dynamic_shapes=(tokens, None, tokens))
    calls = [node.target for node in program.graph.nodes if node.op == "call_function"]
    assert calls == [OP]
    arguments = make(9)
    assert torch.equal(program.module()(*arguments), gate(*arguments))


@pytest.mark.parametrize("device", DEVICES)
def test_gradient(device):
    arguments = [a.float().requires_grad_() for a in make(2, 3, device=device)]
    cotangent = torch.randn(2, 3, H, 1, device=device)
    got = torch.autograd.grad(gate(*arguments), arguments, cotangent)
    wanted = torch.autograd.grad(plain(*arguments), arguments, cotangent)
    for mine, theirs in zip(got, wanted):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_gradient_of_bfloat16_has_its_type():
    x, weight, q_scale = make(3)
    weight.requires_grad_()
    gate(x, weight, q_scale).sum().backward()
    assert weight.grad.dtype == torch.bfloat16 and x.grad is None


def test_no_gradient_where_none_is_wanted():
    x, weight, q_scale = make(3)
    weight = torch.nn.Parameter(weight)
    with torch.no_grad():
        assert not gate(x, weight, q_scale).requires_grad
    assert gate(x, weight, q_scale).requires_grad


def test_out_takes_no_gradient():
    x, weight, q_scale = make(3)
    with pytest.raises(ValueError, match="'out' takes no gradient"):
        dsa_indexer.head_gate(
            x, weight.requires_grad_(), q_scale, softmax_scale=1.0, out=torch.empty(3, H, 1)
        )


def test_fake_tensors():
    from torch._subclasses import FakeTensorMode

    with FakeTensorMode():
        x, weight, q_scale = torch.empty(7, E), torch.empty(H, E), torch.empty(7, H)
        assert gate(x, weight, q_scale).shape == (7, H, 1)
    x, weight, q_scale = (a.to("meta") for a in make(2, 3))
    assert gate(x, weight, q_scale).shape == (2, 3, H, 1)


@pytest.mark.parametrize(
    ("index", "change", "message"),
    [
        (0, lambda x: x[0], r"'x' is bfloat16 \[96\]"),
        (1, lambda w: w[:, :5], r"'weight' is bfloat16 \[32, 5\], expected \[H, 96\]"),
        (2, lambda q: q[:2], r"'q_scale' is float32 \[2, 32, 1\], expected \[3, 32, 1\]"),
        (2, lambda q: q[:, :2], r"'q_scale' is float32 \[3, 2, 1\], expected \[3, 32, 1\]"),
    ],
    ids=["rank", "hidden", "tokens", "heads"],
)
def test_wrong_shapes_are_found_without_memory(index, change, message):
    arguments = list(make(3))
    arguments[index] = change(arguments[index])
    with pytest.raises(RuntimeError, match=rf"head_gate\(\): {message}"):
        OP(*(a.to("meta") for a in arguments), SOFTMAX)
    with pytest.raises((ValueError, RuntimeError), match=r"head_gate\(\): '"):
        OP(*arguments, SOFTMAX)


def test_wrong_out_is_found_without_memory():
    arguments = [a.to("meta") for a in make(3)]
    for shape in ((3, H), (4, H, 1)):
        with pytest.raises(RuntimeError, match=r"'out' is float32 \[.*\], expected \[3, 32, 1\]"):
            OUT_OP(*arguments, SOFTMAX, out=torch.empty(shape, device="meta"))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_vmap():
    x, weight, q_scale = make(2, 3)
    got = torch.vmap(gate, (0, None, 0))(x, weight, q_scale)
    assert torch.equal(got, gate(x, weight, q_scale))


def test_mixed_frameworks():
    x, weight, q_scale = make(3)
    got = gate(x, weight, q_scale.numpy())
    assert isinstance(got, torch.Tensor)
    np.testing.assert_array_equal(got.numpy(), gate(x, weight, q_scale).numpy())


@pytest.mark.gpu
class TestGpu:
    def test_cuda_graph(self):
        arguments = make(7, device="cuda")
        expected = gate(*arguments)
        x = torch.zeros_like(arguments[0])
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = OP(x, *arguments[1:], SOFTMAX)
        x.copy_(arguments[0])
        graph.replay()
        assert torch.equal(captured, expected)

    def test_compiled_with_cuda_graphs(self):
        compiled = torch.compile(gate, mode="reduce-overhead", fullgraph=True)
        arguments = make(7, device="cuda")
        for _ in range(4):
            assert torch.equal(compiled(*arguments).clone(), gate(*arguments))

    def test_the_chain_with_out_dtype(self):
        x, weight, q_scale = make(7, device="cuda")
        logits = torch.mm(x, weight.t(), out_dtype=torch.float32)
        expected = (logits * H**-0.5).unsqueeze(-1) * q_scale * SOFTMAX
        torch.testing.assert_close(gate(x, weight, q_scale), expected, rtol=1e-4, atol=1e-4)

    def test_mixed_devices(self):
        x, weight, q_scale = make(3, device="cuda")
        with pytest.raises(ValueError, match=r"\('weight'\) is on cpu, but .*'x'\) is on cuda:0"):
            gate(x, weight.cpu(), q_scale)

    def test_host_time(self, record_property, capsys):
        """Of an eager call, beside that of the matmul alone: calls are queued, and
        the GPU has less to do than the host. The limit is loose, as machines
        differ; the figures are the point."""
        x, weight, q_scale = make(1, device="cuda")
        out = torch.empty(1, H, 1, device="cuda")

        def measure(call, count=500):
            best = float("inf")
            for _ in range(7):
                torch.cuda.synchronize()
                start = time.perf_counter()
                for _ in range(count):
                    call()
                best = min(best, (time.perf_counter() - start) / count)
            torch.cuda.synchronize()
            return round(best * 1e6, 2)

        transposed = weight.t()
        with torch.no_grad():
            times = {
                "torch.mm": measure(lambda: torch.mm(x, transposed, out_dtype=torch.float32)),
                "head_gate": measure(lambda: gate(x, weight, q_scale)),
                "head_gate, out": measure(
                    lambda: dsa_indexer.head_gate(
                        x, weight, q_scale, softmax_scale=SOFTMAX, out=out
                    )
                ),
                "torch.ops": measure(lambda: OP(x, weight, q_scale, SOFTMAX)),
                "the chain": measure(
                    lambda: (
                        (torch.mm(x, transposed, out_dtype=torch.float32) * HEADS)
                        .unsqueeze(-1)
                        .mul(q_scale)
                        .mul(SOFTMAX)
                    )
                ),
            }
        for name, value in times.items():
            record_property(f"microseconds of {name}", value)
        with capsys.disabled():
            print(f"\nhost microseconds a call: {times}")
        assert times["head_gate"] < times["torch.mm"] + 20
