# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""head_gate of NumPy arrays: layouts, element types, kernels made, errors."""

from __future__ import annotations

import inspect

import ml_dtypes
import numpy as np
import pytest

import dsa_indexer
from dsa_indexer import _devices, _head_gate
from dsa_indexer._gate_text import GateKey

#: Small: no test here is about a model's sizes.
E, H, D = 96, 5, 128
SOFTMAX = D**-0.5


def make(*lead: int, hidden: int = E, heads: int = H, seed: int = 0):
    """x, weight and q_scale [..., H, 1]."""
    random = np.random.default_rng(seed)
    return (
        random.standard_normal((*lead, hidden)).astype(ml_dtypes.bfloat16),
        random.standard_normal((heads, hidden)).astype(ml_dtypes.bfloat16),
        random.random((*lead, heads, 1), dtype=np.float32),
    )


def expected(x, weight, q_scale, head_scale=None):
    """In float64, with a bound on what float32 may differ by."""
    x, weight = x.astype(np.float64), weight.astype(np.float64)
    scale = np.asarray(q_scale, np.float64).reshape(*x.shape[:-1], weight.shape[0], 1)
    factor = scale * (weight.shape[0] ** -0.5 if head_scale is None else head_scale) * SOFTMAX
    values = (x @ weight.T)[..., None] * factor
    bounds = (np.abs(x) @ np.abs(weight.T))[..., None] * np.abs(factor)
    return values, bounds * (x.shape[-1] + 8) * 2.0**-24


def assert_right(gate, *arguments, **scales):
    values, bounds = expected(*arguments, **scales)
    assert gate.shape == values.shape and gate.dtype == np.float32
    assert (np.abs(gate - values) <= bounds).all()


@pytest.mark.parametrize("lead", [(0,), (1,), (7,), (2, 3), (1, 4), (0, 3)], ids=str)
@pytest.mark.parametrize("has_unit_dim", [True, False], ids=["unit", "flat"])
def test_shapes(lead, has_unit_dim):
    x, weight, q_scale = make(*lead)
    scale = q_scale if has_unit_dim else q_scale[..., 0]
    gate = dsa_indexer.head_gate(x, weight, scale, softmax_scale=SOFTMAX)
    assert_right(gate, x, weight, q_scale)


@pytest.mark.parametrize("x_type", [ml_dtypes.bfloat16, np.float16, np.float32])
@pytest.mark.parametrize("scale_type", [ml_dtypes.bfloat16, np.float16, np.float32])
def test_element_types(x_type, scale_type):
    x, weight, q_scale = make(3)
    x, q_scale = x.astype(x_type), q_scale.astype(scale_type)
    gate = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX)
    assert_right(gate, x, weight, q_scale)


def test_strides():
    x, weight, q_scale = make(4, 3)
    # Leading dimensions that are no view of one.
    x, q_scale = x.transpose(1, 0, 2), q_scale.transpose(1, 0, 2, 3)
    weight = np.asfortranarray(weight)
    gate = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX)
    assert_right(gate, x, weight, q_scale)
    gate = dsa_indexer.head_gate(x[0][::2], weight, q_scale[0][::2], softmax_scale=SOFTMAX)
    assert_right(gate, x[0][::2], weight, q_scale[0][::2])


def test_head_scale():
    x, weight, q_scale = make(3)
    for head_scale in (2.0, 1, np.float32(0.5)):
        gate = dsa_indexer.head_gate(
            x, weight, q_scale, softmax_scale=SOFTMAX, head_scale=head_scale
        )
        assert_right(gate, x, weight, q_scale, head_scale=float(head_scale))
    explicit = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX, head_scale=H**-0.5)
    implied = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=SOFTMAX)
    np.testing.assert_array_equal(explicit, implied)


@pytest.mark.parametrize("lead", [(3,), (2, 3)], ids=str)
def test_out(lead):
    x, weight, q_scale = make(*lead)
    apart = np.zeros((*lead, 2 * H, 1), np.float32)
    out = apart[..., ::2, :]
    for scale in (q_scale, q_scale[..., 0]):
        out[...] = 0
        got = dsa_indexer.head_gate(x, weight, scale, softmax_scale=SOFTMAX, out=out)
        assert got is out
        assert_right(out, x, weight, q_scale)
    assert not apart[..., 1::2, :].any()


def test_neither_tokens_nor_scalars_make_kernels():
    x, weight, q_scale = make(9, heads=6)
    dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=1.0)
    before = _head_gate.kernel_count()
    for tokens in range(9):
        dsa_indexer.head_gate(
            x[:tokens], weight, q_scale[:tokens], softmax_scale=tokens + 0.5, head_scale=tokens
        )
    assert _head_gate.kernel_count() == before
    dsa_indexer.head_gate(*make(3, heads=7), softmax_scale=1.0)
    assert _head_gate.kernel_count() == before + 1


def test_the_kernel_is_one_fused_op():
    key = GateKey(64, 7168, "bf16", "bf16", "f32")
    kernel = _head_gate.gate_kernel(key, None)
    (fusion,) = [r for r in kernel.remarks if r.category == "indexer-fusion"]
    assert fusion.kind == "passed"
    assert kernel.asm["fused"].count("linalg.generic") == 1


@pytest.mark.parametrize(
    ("chip", "target"),
    [("sm_80", "sm_80"), ("sm_86", "sm_80"), ("sm_89", "sm_89"), ("sm_90a", "sm_90a")],
)
def test_target_of_a_chip(chip, target):
    assert _devices.target_chip(chip) == target


WRONG = {
    "list": (0, lambda x: x.tolist(), TypeError, "'x' is of type 'list', expected an array or a"),
    "double": (0, lambda x: x.astype("f8"), TypeError, r"'x' is float64 \[3, 96\], expected bf"),
    "rank": (0, lambda x: x[0], ValueError, r"'x' is bfloat16 \[96\], expected shape \[T, E\] or"),
    "hidden": (1, lambda w: w[:, :5], ValueError, r"'weight' is .* \[5, 5\], .* E = 96, as 'x'"),
    "weight-rank": (1, lambda w: w[0], ValueError, r"'weight' is bfloat16 \[96\], expected shape"),
    "no-heads": (1, lambda w: w[:0], ValueError, r"'weight' is .* \[0, 96\], .* at least 1"),
    "heads": (2, lambda q: q[:, :2], ValueError, r"'q_scale' is float32 \[3, 2, 1\], .* H = 5"),
    "group": (2, lambda q: np.repeat(q, 2, 2), ValueError, r"'q_scale' is float32 \[3, 5, 2\]"),
    "tokens": (2, lambda q: q[:2], ValueError, r"'q_scale' is float32 \[2, 5, 1\], .* T = 3 and"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_tensor(case):
    index, change, error, message = WRONG[case]
    arguments = list(make(3))
    arguments[index] = change(arguments[index])
    with pytest.raises(error, match=rf"^head_gate\(\): .*{message}"):
        dsa_indexer.head_gate(*arguments, softmax_scale=1.0)


def test_wrong_batches():
    x, weight, q_scale = make(2, 3)
    with pytest.raises(ValueError, match=r"'q_scale' is float32 \[6, 5, 1\], .*\[2, 3, 5, 1\]"):
        dsa_indexer.head_gate(x, weight, q_scale.reshape(6, H, 1), softmax_scale=1.0)
    out = np.zeros((6, H, 1), np.float32)
    with pytest.raises(ValueError, match=r"'out' is float32 \[6, 5, 1\], .*\[2, 3, 5, 1\]"):
        dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=1.0, out=out)


def test_wrong_scalar():
    with pytest.raises(TypeError, match=r"\('softmax_scale'\) is of type 'str'"):
        dsa_indexer.head_gate(*make(3), softmax_scale="1")


def test_scales_are_named():
    parameters = inspect.signature(dsa_indexer.head_gate).parameters
    named = [name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    assert named == ["softmax_scale", "head_scale", "out"]
