# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Head gates of a user's model inside torch.compile: found, exchanged, told
about. The models here leave Inductor nothing to generate C++ for."""

from __future__ import annotations

import pytest
from test_from_torch import batched as matmul_of_batches
from test_from_torch import bmm as bmm_of_batches
from test_from_torch import (
    E,
    HEADS,
    SOFTMAX,
    SPELLINGS,
    H,
    divided,
    einsum,
    einsum_bf16,
    graph_gate,
    make,
    of_merged_weight,
    upcast,
    vllm,
)

import dsa_indexer

torch = pytest.importorskip("torch")

import torch._dynamo.testing  # noqa: E402 - needs torch.
from torch._dynamo.utils import counters  # noqa: E402
from torch._inductor import config  # noqa: E402
from torch._inductor.utils import run_and_get_code  # noqa: E402

from dsa_indexer.frontend import _chains, _inductor  # noqa: E402

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    yield
    dsa_indexer.disable()


class Gate(torch.nn.Module):
    """As in an engine: scales and weight are the module's."""

    def __init__(self):
        super().__init__()
        self.weights_proj = torch.nn.Linear(E, H, bias=False, dtype=torch.bfloat16)
        self.weights_proj.weight.requires_grad_(False).copy_(make(1)[1])
        self.head_scale, self.softmax_scale = HEADS, SOFTMAX

    def forward(self, x, q_scale):
        weights = x.float() @ self.weights_proj.weight.float().t()
        return (weights * self.head_scale).unsqueeze(-1) * q_scale * self.softmax_scale


def calls_of(code: list[str]) -> list[str]:
    """The operators that Inductor's code calls."""
    (text,) = code
    return [
        line.split("torch.ops.")[1].split(".default")[0]
        for line in text.splitlines()
        if line.strip().startswith("buf") and "= torch.ops." in line
    ]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("function", SPELLINGS, ids=lambda f: f.__name__)
def test_every_spelling_is_one_call(device, function):
    compiled = torch.compile(function, backend="indexer", fullgraph=True)
    arguments = [a.to(device) for a in make(5)]
    got, code = run_and_get_code(compiled, *arguments)
    assert torch.equal(got, function(*arguments))
    (call,) = calls_of(code)
    assert call == "dsa_indexer." + ("head_gate" if function is upcast else "chain")
    assert "extern_kernels" not in code[0].split("def call")[1]


def test_modes_and_options_are_inductors():
    for given in ({"mode": "max-autotune-no-cudagraphs"}, {"options": {"epilogue_fusion": False}}):
        compiled = torch.compile(vllm, backend="indexer", fullgraph=True, **given)
        assert torch.equal(compiled(*make(5)), vllm(*make(5)))


def test_batches():
    compiled = torch.compile(upcast, backend="indexer", fullgraph=True)
    got, code = run_and_get_code(compiled, *make(2, 3))
    assert torch.equal(got, upcast(*make(2, 3)))
    assert calls_of(code) == ["dsa_indexer.chain"]


def test_batches_and_lengths_compile_nothing():
    compiled = torch.compile(upcast, backend="indexer", fullgraph=True, dynamic=True)
    compiled(*make(2, 3))
    kernels = len(_chains._kernels)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for lead in ((3, 5), (7, 2), (4, 4)):
            assert torch.equal(compiled(*make(*lead)), upcast(*make(*lead)))
    assert len(_chains._kernels) == kernels


def test_mm_with_out_dtype():
    """On the CPU torch itself cannot run it."""
    compiled = torch.compile(graph_gate, backend="indexer", fullgraph=True)
    got, code = run_and_get_code(compiled, *make(5), HEADS, SOFTMAX)
    assert torch.equal(got, upcast(*make(5)))
    assert calls_of(code) == ["dsa_indexer.head_gate"]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dynamic", [None, True])
@torch._dynamo.config.patch(automatic_dynamic_shapes=True)
def test_tokens_compile_nothing(device, dynamic):
    """50 values of T: torch compiles for one T and once more for all others (at
    once if it is told so); no kernel is made after that."""
    gate = Gate().to(device)
    compiled = torch.compile(gate, backend="indexer", fullgraph=True, dynamic=dynamic)

    def check(tokens):
        x, _, q_scale = (a.to(device) for a in make(tokens, seed=tokens))
        assert torch.equal(compiled(x, q_scale), gate(x, q_scale))

    check(100)
    if dynamic is None:
        check(101)
    kernels = len(_chains._kernels)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for tokens in range(2, 52):
            check(tokens)
    assert len(_chains._kernels) == kernels


def test_scalars_that_vary():
    """torch.compile turns floats that change into tensors on the host."""
    compiled = torch.compile(graph_gate, backend="indexer", fullgraph=True, dynamic=True)
    x, weight, q_scale = make(5)
    for scale in (0.5, 0.25, 3.0):
        wanted = (upcast(x, weight, q_scale) / SOFTMAX) * scale
        torch.testing.assert_close(compiled(x, weight, q_scale, HEADS, scale), wanted)


def test_enable_and_disable():
    dsa_indexer.enable()
    dsa_indexer.enable()
    compiled = torch.compile(upcast, fullgraph=True)
    got, code = run_and_get_code(compiled, *make(5))
    assert torch.equal(got, upcast(*make(5)))
    assert calls_of(code) == ["dsa_indexer.head_gate"]
    dsa_indexer.disable()
    assert config.post_grad_custom_pre_pass is None
    dsa_indexer.disable()


def test_another_pass_still_runs():
    seen = []
    with config.patch(post_grad_custom_pre_pass=seen.append):
        other = config.post_grad_custom_pre_pass
        dsa_indexer.enable()
        ours = config.post_grad_custom_pre_pass
        ours(torch.fx.Graph())
        assert len(seen) == 1
        # It cannot say what it depends on, so that nothing may be cached.
        assert ours.uuid() is None
        dsa_indexer.disable()
        assert config.post_grad_custom_pre_pass is other


def test_uuid():
    class Other(_inductor.CustomGraphPass):
        def __call__(self, graph):
            pass

        def uuid(self):
            return b"other"

    plain = _inductor.HeadGatePass().uuid()
    assert plain == _inductor.HeadGatePass().uuid() and len(plain) == 32
    assert _inductor.HeadGatePass(Other()).uuid() == (b"other", plain)


def test_from_inductors_cache(tmp_path, monkeypatch):
    """A graph that is read back needs neither the pass nor its process."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    arguments = make(5)
    for hits in (0, 1):
        torch._dynamo.reset()
        torch._functorch._aot_autograd.autograd_cache.AOTAutogradCache.clear()
        _chains._kernels.clear()
        counters.clear()
        compiled = torch.compile(vllm, backend="indexer", fullgraph=True)
        assert torch.equal(compiled(*arguments), vllm(*arguments))
        assert counters["inductor"]["fxgraph_cache_hit"] == hits


def explain_one(function, *arguments):
    (decision,) = dsa_indexer.explain(function, *arguments).decisions
    return decision


@pytest.mark.parametrize("function", SPELLINGS, ids=lambda f: f.__name__)
def test_explains_what_fuses(function):
    decision = explain_one(function, *make(5))
    assert decision.is_fused and decision.op in ("aten.mm.default", "aten.bmm.default")
    assert "test_from_torch.py:" in decision.line
    assert "one call of dsa_indexer::head_gate" in str(decision) or "one kernel" in str(decision)


@pytest.fixture
def gpu_graph(monkeypatch):
    """A function's graph as on an H100, without one."""
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    def trace(function, *shapes):
        with FakeTensorMode():
            dtypes = (torch.bfloat16, torch.bfloat16, torch.float32)
            arguments = [
                torch.empty(shape, dtype=dtype, device="cuda")
                for shape, dtype in zip(shapes, dtypes)
            ]
            return make_fx(function)(*arguments).graph

    monkeypatch.setattr(
        _chains._devices, "chip_of", lambda tensor: "sm_90a" if tensor.is_cuda else None
    )
    return trace


def graph_form(x, weight, q_scale):
    return graph_gate(x, weight, q_scale, HEADS, SOFTMAX)


# Without its last but one: a torch without CUDA cannot trace an index of such a
# tensor.
@pytest.mark.parametrize(
    "function", [*SPELLINGS[:4], divided, graph_form], ids=lambda f: f.__name__
)
def test_chains_of_a_gpu_have_machine_code(gpu_graph, function):
    graph = gpu_graph(function, (5, E), (H, E), (5, H, 1))
    chains, (decision,) = _chains.find_chains(graph)
    if "no ptxas found" in decision.reason:
        pytest.skip("no ptxas")
    assert decision.is_fused, decision
    ((key, kernel),) = [
        (key, kernel) for key, kernel in _chains._kernels.items() if key[0] == chains[0].text
    ]
    assert key[1] == "sm_90a" and kernel.bundle
    assert (chains[0].plain is not None) == (function in (upcast, graph_form))


def test_a_division_on_a_gpu_is_a_product(gpu_graph):
    """As CUDA's eager kernel does it: by the float32 reciprocal."""
    chains, _ = _chains.find_chains(gpu_graph(divided, (5, E), (H, E), (5, H, 1)))
    if not chains:
        pytest.skip("no ptxas")
    assert "arith.divf" not in chains[0].text
    assert "0x3EAAAAAB : f32" in chains[0].text  # 1 / 3


def two_uses(x, weight, q_scale):
    logits = x.float() @ weight.float().t()
    return logits * q_scale[..., 0], logits


def rounded(x, weight, q_scale):
    return (x @ weight.t()) * q_scale[..., 0].bfloat16()


def activated(x, weight, q_scale):
    return torch.relu(x.float() @ weight.float().t()) * q_scale[..., 0]


def biased(x, weight, q_scale):
    return torch.nn.functional.linear(x, weight, weight[:, 0]) * q_scale[..., 0]


def batched(x, weight, q_scale):
    weights = torch.stack([weight.t(), weight.t() + 1])
    return torch.bmm(torch.stack([x, x]), weights) * q_scale[..., 0]


def wide(x, weight, q_scale):
    return (x.float() @ weight.float().t().repeat(1, 20)) * q_scale[..., 0].repeat(1, 20)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (two_uses, "multiple-uses: the matmul result has 2 uses"),
        (rounded, "no-scale: no tensor scales the matmul result in float32"),
        (
            activated,
            "no-scale: no tensor scales the matmul result in float32 before 'aten.relu.default'",
        ),
        (
            of_merged_weight,
            "no-scale: no tensor scales the matmul result in float32 before 'aten.slice.Tensor'",
        ),
        (biased, "bias: the matmul adds a bias"),
        (batched, "batch: each matrix of the batch has a weight of its own"),
        (wide, "heads: the weight has 640 rows, accepted are at most 512"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_explains_what_is_declined(function, reason):
    explanation = dsa_indexer.explain(function, *make(5))
    (decision,) = explanation.declined
    assert decision.reason == reason and not explanation.fused
    assert f"{function.__module__}.py:" in str(explanation)


@pytest.mark.parametrize("function", [einsum, einsum_bf16, matmul_of_batches, bmm_of_batches])
@pytest.mark.parametrize("lead", [(5,), (2, 3)], ids=str)
@pytest.mark.parametrize("device", DEVICES)
def test_batched_spellings(function, lead, device):
    arguments = [a.to(device) for a in make(*lead)]
    assert len(dsa_indexer.explain(function, *arguments).fused) == 1
    compiled = torch.compile(function, backend="indexer")
    got, code = run_and_get_code(compiled, *arguments)
    assert [call.split(".")[0] for call in calls_of(code)] == ["dsa_indexer"]
    assert torch.equal(got, function(*arguments))


def test_chains_that_meet():
    """One of the two takes the product that both end in."""

    def product(x, weight, q_scale):
        return upcast(x, weight, q_scale) * upcast(x + 1, weight, q_scale + 1)

    explanation = dsa_indexer.explain(product, *make(5))
    assert len(explanation.fused) == 1
    assert [d.reason.split(":")[0] for d in explanation.declined] == ["overlap"]


def test_explains_a_model():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gates = torch.nn.ModuleList([Gate(), Gate()])
            self.out = torch.nn.Linear(H, 4)

        def forward(self, x, q_scale):
            return self.out(sum(gate(x, q_scale).squeeze(-1) for gate in self.gates))

    x, _, q_scale = make(5)
    explanation = dsa_indexer.explain(Model(), x, q_scale)
    assert [d.is_fused for d in explanation.decisions] == [True, True, False]
    assert len(str(explanation).splitlines()) == 3
    assert str(dsa_indexer.explain(torch.relu, x)) == "no matmul found"


def test_training():
    """The forward and the backward graph are each looked at; gradients are those
    of eager torch."""
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd

    decisions = []

    def compiler(module, inputs):
        _inductor.HeadGatePass(decisions=decisions)(module.graph)
        module.recompile()
        return make_boxed_func(module.forward)

    x, weight, q_scale = make(5)
    weight = weight.float().requires_grad_()
    gradients = []
    compiled = torch.compile(
        upcast, backend=aot_autograd(fw_compiler=compiler, bw_compiler=compiler), fullgraph=True
    )
    for function in (upcast, compiled):
        gate = function(x, weight, q_scale)
        gradients += [gate, *torch.autograd.grad(gate.sum(), weight)]
    torch.testing.assert_close(gradients[:2], gradients[2:])
    assert decisions and decisions[0].is_fused


@pytest.mark.gpu
def test_cuda_graphs():
    gate = Gate().cuda()
    compiled = torch.compile(gate, backend="indexer", options={"triton.cudagraphs": True})
    x, _, q_scale = (a.cuda() for a in make(7))
    for _ in range(4):
        assert torch.equal(compiled(x, q_scale).clone(), gate(x, q_scale))
