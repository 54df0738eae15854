# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch functions as kernels: eager's bits, dynamic tokens, what is declined."""

from __future__ import annotations

import pytest

import dsa_indexer

torch = pytest.importorskip("torch")

from dsa_indexer.frontend.torch import UnsupportedOp  # noqa: E402 - needs torch.

#: H = 32: its H ** -0.5 is not a power of two, so that bf16 roundings show.
E, H = 64, 32
HEADS, SOFTMAX = H**-0.5, 128**-0.5


def make(*lead: int, seed: int = 0):
    """x, weight and q_scale [..., H, 1]. Small integers, whose sums are exact
    in any order: what differs is not the sum."""
    random = torch.Generator().manual_seed(seed)
    x = torch.randint(-4, 5, (*lead, E), generator=random).bfloat16()
    weight = torch.randint(-4, 5, (H, E), generator=random).bfloat16()
    return x, weight, torch.rand(*lead, H, 1, generator=random)


# The spellings of the engines.


def upcast(x, weight, q_scale):
    weights = (x.float() @ weight.float().t()) * HEADS
    return weights.unsqueeze(-1) * q_scale * SOFTMAX


def linear_then_float(x, weight, q_scale):
    weights = torch.nn.functional.linear(x, weight).float() * HEADS
    return weights.unsqueeze(-1) * q_scale * SOFTMAX


def bf16_scalar(x, weight, q_scale):
    """Eager multiplies by the float32 scalar and rounds once."""
    weights = torch.nn.functional.linear(x, weight) * HEADS
    return weights.unsqueeze(-1) * q_scale * SOFTMAX


def vllm(x, weight, q_scale):
    return (x @ weight.t()) * q_scale.squeeze(-1) * SOFTMAX * HEADS


def folded_and_flipped(x, weight, q_scale):
    return (
        q_scale * (x.matmul(weight.permute(1, 0))).to(torch.float32)[..., None] * (HEADS * SOFTMAX)
    )


def divided(x, weight, q_scale):
    return ((x @ weight.T) / 3.0).view(*x.shape[:-1], H, 1) * q_scale / 7


def of_merged_weight(x, weight, q_scale):
    merged = torch.nn.functional.linear(x, weight)
    return merged[..., 8:24].float() * q_scale[..., 8:24, 0]


def einsum(x, weight, q_scale):
    letters = "td,hd->th" if x.dim() == 2 else "bsd,hd->bsh"
    weights = torch.einsum(letters, x.float(), weight.float()) * HEADS
    return weights.unsqueeze(-1) * q_scale * SOFTMAX


def einsum_bf16(x, weight, q_scale):
    letters = "td,dh->th" if x.dim() == 2 else "bsd,dh->bsh"
    return torch.einsum(letters, x, weight.t()).float() * q_scale.squeeze(-1) * SOFTMAX


def batched(x, weight, q_scale):
    """matmul of three dimensions by three: torch makes a bmm of it."""
    rows = x if x.dim() == 3 else x.unsqueeze(0)
    weights = torch.matmul(rows, weight.t().unsqueeze(0)).float() * HEADS
    return weights.view(*x.shape[:-1], H, 1) * q_scale * SOFTMAX


def bmm(x, weight, q_scale):
    rows = x if x.dim() == 3 else x[None]
    weights = torch.bmm(rows, weight.t().expand(rows.shape[0], -1, -1))
    return weights.float().view(*x.shape[:-1], H, 1) * q_scale


SPELLINGS = [
    upcast, linear_then_float, bf16_scalar, vllm, folded_and_flipped, divided, einsum, einsum_bf16,
    batched, bmm,
]  # fmt: skip


@pytest.mark.parametrize("function", [*SPELLINGS, of_merged_weight], ids=lambda f: f.__name__)
@pytest.mark.parametrize("lead", [(5,), (1, 4)], ids=str)
def test_bits_of_eager(function, lead):
    compiled = dsa_indexer.from_torch(function, *make(*lead))
    for tokens in (lead[-1], 1, 9):
        arguments = make(*lead[:-1], tokens, seed=tokens)
        got, wanted = compiled(*arguments), function(*arguments)
        assert got.dtype == wanted.dtype and torch.equal(got, wanted)


@pytest.mark.parametrize("function", SPELLINGS, ids=lambda f: f.__name__)
def test_fuses(function):
    kernel = dsa_indexer.from_torch(function, *make(5)).kernel
    kinds = [r.kind for r in kernel.remarks if r.category == "indexer-fusion"]
    assert kinds == ["passed"], kernel.remarks


@pytest.mark.parametrize("function", SPELLINGS, ids=lambda f: f.__name__)
def test_has_machine_code(function):
    kernel = dsa_indexer.from_torch(function, *make(5), chip="sm_90a").kernel
    try:
        assert kernel.bundle
    except dsa_indexer.CompileError as error:
        if "no ptxas found" not in str(error):
            raise
        pytest.skip("no ptxas")


def test_a_batch_of_one():
    """What torch.compile makes of a bmm on a GPU: a mm of the one matrix."""

    def function(x, weight, q_scale):
        only = weight.t().expand(1, -1, -1).squeeze(0)
        return (x @ only).unsqueeze(0).float().view(-1, H, 1) * q_scale

    compiled = dsa_indexer.from_torch(function, *make(5))
    arguments = make(3)
    assert torch.equal(compiled(*arguments), function(*arguments))


def test_the_scalar_is_not_rounded_to_bfloat16():
    """The products differ when it is: the test above would see it."""
    x, weight, q_scale = make(64)
    scalar = torch.tensor(HEADS, dtype=torch.bfloat16)
    rounded = (torch.nn.functional.linear(x, weight) * scalar).unsqueeze(-1) * q_scale * SOFTMAX
    assert not torch.equal(rounded, bf16_scalar(x, weight, q_scale))


def graph_gate(x, weight, q_scale, n_heads_inv_sqrt, softmax_scale):
    """sglang's logits_head_gate_pcg. Its mm has no CPU kernel in torch."""
    out = torch.mm(x, weight.t(), out_dtype=torch.float32)
    weights = out * n_heads_inv_sqrt
    return weights.unsqueeze(-1) * q_scale * softmax_scale


def test_mm_with_out_dtype():
    compiled = dsa_indexer.from_torch(graph_gate, *make(5), HEADS, SOFTMAX)
    for tokens in (1, 7):
        arguments = make(tokens, seed=tokens)
        assert torch.equal(compiled(*arguments, HEADS, SOFTMAX), upcast(*arguments))


def test_floats_are_arguments():
    compiled = dsa_indexer.from_torch(graph_gate, *make(5), HEADS, SOFTMAX)
    assert [a.name for a in compiled.kernel.arguments] == [
        "x", "weight", "q_scale", "n_heads_inv_sqrt", "softmax_scale",
    ]  # fmt: skip
    arguments = make(5)
    got = compiled(*arguments, softmax_scale=2.0, n_heads_inv_sqrt=1.0)
    assert torch.equal(got, compiled(*arguments, 2.0, 1.0))


def test_other_floats_are_code():
    def power(x, weight, q_scale, heads):
        return upcast(x, weight, q_scale) * heads**-0.5

    arguments = make(5)
    compiled = dsa_indexer.from_torch(power, *arguments, 32.0)
    assert torch.equal(compiled(*arguments, 32.0), power(*arguments, 32.0))
    with pytest.raises(ValueError, match=r"power\(\): argument 3 is 31.0, .* for 32.0"):
        compiled(*arguments, 31.0)


def test_module():
    module = torch.nn.Linear(E, H, bias=False, dtype=torch.bfloat16)
    x, _, q_scale = make(5)

    class Gate(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weights_proj = module

        def forward(self, x, q_scale):
            return self.weights_proj(x).float() * HEADS * q_scale.squeeze(-1)

    gate = Gate()
    compiled = dsa_indexer.from_torch(gate, x, q_scale)
    with torch.no_grad():
        got = compiled(x, q_scale)
        torch.testing.assert_close(got, gate(x, q_scale), rtol=2e-2, atol=1e-3)
        module.weight.zero_()
        assert not compiled(x, q_scale).any()
    with pytest.raises(ValueError, match=r"Gate\(\): an argument requires a gradient"):
        compiled(x, q_scale)


def test_tokens_are_told_from_heads():
    """T and H are equal in the example."""
    compiled = dsa_indexer.from_torch(upcast, *make(H))
    x, weight, q_scale = compiled.kernel.arguments
    assert (x.shape, weight.shape, q_scale.shape) == ((None, E), (H, E), (None, H, 1))
    arguments = make(3)
    assert torch.equal(compiled(*arguments), upcast(*arguments))


def test_dynamic_as_given():
    example = make(5)
    compiled = dsa_indexer.from_torch(upcast, *example, dynamic={0: 0, "q_scale": (-3,)})
    assert compiled.kernel.arguments[0].shape == (None, E)
    compiled = dsa_indexer.from_torch(upcast, *example, dynamic={})
    assert compiled.kernel.arguments[0].shape == (5, E)
    with pytest.raises(ValueError, match=r"argument 'y' of upcast\(\), accepted are x, weight,"):
        dsa_indexer.from_torch(upcast, *example, dynamic={"y": 0})
    with pytest.raises(ValueError, match=r"dimensions \[2\] of 'x', which has 2"):
        dsa_indexer.from_torch(upcast, *example, dynamic={"x": 2})


@pytest.mark.parametrize("function", SPELLINGS, ids=lambda f: f.__name__)
def test_batches_and_lengths_are_dynamic(function):
    both = {"x": (0, 1), "q_scale": (0, 1)}
    compiled = dsa_indexer.from_torch(function, *make(2, 3), dynamic=both)
    assert compiled.kernel.arguments[0].shape == (None, None, E)
    for lead in ((2, 3), (1, 7), (4, 1), (5, 5)):
        arguments = make(*lead, seed=lead[1])
        assert torch.equal(compiled(*arguments), function(*arguments))


def declined(operation):
    def function(x, weight, q_scale):
        return operation(x @ weight.t(), q_scale)

    return function


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (lambda y, q: torch.relu(y), r"op 'aten.relu.default' is not imported"),
        (lambda y, q: y + 1, r"op 'aten.add.Tensor' is not imported"),
        (lambda y, q: torch.div(y, 2.0, rounding_mode="floor"), r"aten.div.Tensor_mode' is not"),
        (lambda y, q: y.double(), r"'aten._to_copy.default': the result is torch.float64"),
        (lambda y, q: y[1:], r"op 'aten.slice.Tensor': a slice of a dynamic dimension"),
        (lambda y, q: 1.0, r"the function returns 1.0, expected a tensor"),
        (lambda y, q: y * 1e39, r"op 'aten.mul.Tensor': 1e\+39 is no float32"),
        (
            lambda y, q: y * 2 if y.shape[0] > 4 else y,
            r"looks at the extent of a dynamic dimension",
        ),
    ],
    ids=["relu", "add", "mode", "double", "slice", "number", "overflow", "branch"],
)
def test_declines(operation, message):
    with pytest.raises(UnsupportedOp, match=message) as caught:
        dsa_indexer.from_torch(declined(operation), *make(5))
    if "op '" in str(caught.value):
        assert "test_from_torch.py:" in str(caught.value)


def test_declines_a_weight_for_each_matrix():
    with pytest.raises(UnsupportedOp, match=r"'aten.bmm.default': each matrix of the batch has a w"):
        dsa_indexer.from_torch(lambda x, w: x.bmm(w), torch.randn(2, 3, E), torch.randn(2, E, H))


def test_declines_a_bias():
    module = torch.nn.Linear(E, H, dtype=torch.bfloat16)
    with pytest.raises(UnsupportedOp, match=r"op 'aten.addmm.default' is not imported"):
        dsa_indexer.from_torch(module, make(5)[0])


class TestJit:
    def test_compiles_once_for_all_tokens(self):
        compiled = dsa_indexer.jit(graph_gate)
        for tokens in (5, 1, 0, 32, 7):
            arguments = make(tokens, seed=tokens)
            got = compiled(*arguments, HEADS, softmax_scale=SOFTMAX / (tokens + 1))
            assert got.shape == (tokens, H, 1)
        assert len(compiled.kernels) == 1
        compiled(*make(5)[:2], make(5)[2].bfloat16(), HEADS, SOFTMAX)
        assert len(compiled.kernels) == 2

    def test_bits_of_eager(self):
        compiled = dsa_indexer.jit(bf16_scalar)
        assert compiled.__name__ == "bf16_scalar" and "Eager multiplies" in compiled.__doc__
        arguments = make(1)
        assert torch.equal(compiled(*arguments), bf16_scalar(*arguments))

    def test_gradients_are_the_functions_own(self):
        x, weight, q_scale = make(5)
        weight.requires_grad_()
        compiled = dsa_indexer.jit(upcast)
        assert compiled(x, weight, q_scale).requires_grad
        assert not compiled.kernels

    def test_a_method_is_an_error(self):
        class Model:
            gate = dsa_indexer.jit(upcast)

        with pytest.raises(TypeError, match="jit: 'upcast' is a method"):
            Model().gate(*make(5))

    def test_inside_torch_compile(self):
        compiled = dsa_indexer.jit(upcast)
        arguments = make(5)
        outer = torch.compile(lambda *v: compiled(*v) + 1, backend="eager", fullgraph=True)
        assert torch.equal(outer(*arguments), upcast(*arguments) + 1)
        assert not compiled.kernels


@pytest.mark.gpu
class TestGpu:
    @pytest.mark.parametrize("function", SPELLINGS, ids=lambda f: f.__name__)
    def test_bits_of_eager(self, function):
        example = [a.cuda() for a in make(5)]
        compiled = dsa_indexer.from_torch(function, *example)
        for tokens in (1, 5, 129):
            arguments = [a.cuda() for a in make(tokens, seed=tokens)]
            assert torch.equal(compiled(*arguments), function(*arguments))

    def test_jit_of_the_graph_gate(self):
        compiled = dsa_indexer.jit(graph_gate)
        for tokens in (1, 64):
            arguments = [a.cuda() for a in make(tokens, seed=tokens)]
            got = compiled(*arguments, HEADS, SOFTMAX)
            assert torch.equal(got, graph_gate(*arguments, HEADS, SOFTMAX))
