# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls with NumPy arrays: results within the reference's bounds, and every
wrong argument reported by name."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from conftest import E, H, assert_close, make_arguments

import dsa_indexer


@pytest.mark.parametrize("tokens", [1, 3, 64, 129])
def test_odd_strides(kernel, tokens):
    x, weight, q_scale, *scalars = make_arguments(tokens, seed=tokens)
    # Rows apart and backwards, weight as a transposed view, every other head.
    rows = np.zeros((tokens, E + 24), x.dtype)
    rows[::-1, 8 : 8 + E] = x
    columns = np.ascontiguousarray(weight.T).T
    wide = np.zeros((tokens, 2 * H, 1), q_scale.dtype)
    wide[:, ::2] = q_scale
    strided = (rows[::-1, 8 : 8 + E], columns, wide[:, ::2], *scalars)
    assert not any(array.flags.c_contiguous for array in strided[1:2])
    expected = dsa_indexer.reference(kernel, x, weight, q_scale, *scalars)
    assert expected.bounds.max() < 0.05
    assert_close(kernel(*strided), expected)


def test_no_tokens(kernel):
    gate = kernel(*make_arguments(0))
    assert gate.shape == (0, H, 1)
    values, bounds = dsa_indexer.reference(kernel, *make_arguments(0))
    assert values.shape == bounds.shape == (0, H, 1)


def test_reference_is_the_formula(kernel):
    x, weight, q_scale, head_scale, softmax_scale = make_arguments(3)
    logits = x.astype(np.float64) @ weight.astype(np.float64).T
    # Scalars are rounded to f32, the type that they have in the IR.
    gate = logits[..., None] * np.float32(head_scale) * q_scale * np.float32(softmax_scale)
    expected = dsa_indexer.reference(kernel, x, weight, q_scale, head_scale, softmax_scale)
    np.testing.assert_allclose(expected.values, gate, rtol=0, atol=1e-9)
    assert (expected.bounds > 0).all()


def test_wrong_result_is_out_of_bounds(kernel):
    arguments = make_arguments(3)
    expected = dsa_indexer.reference(kernel, *arguments)
    gate = kernel(*arguments)
    with pytest.raises(AssertionError):
        assert_close(gate * np.float32(1.5), expected)


def test_arguments_by_name(kernel):
    x, weight, q_scale, head_scale, softmax_scale = arguments = make_arguments(3)
    gate = kernel(
        x, weight, softmax_scale=softmax_scale, q_scale=q_scale, head_scale=head_scale
    )
    np.testing.assert_array_equal(gate, kernel(*arguments))


@pytest.mark.parametrize("scalar", [1, np.float32(0.5), np.float64(0.5), np.int64(2)])
def test_scalars_are_any_number(kernel, scalar):
    *tensors, _, softmax_scale = make_arguments(1)
    expected = dsa_indexer.reference(kernel, *tensors, float(scalar), softmax_scale)
    assert_close(kernel(*tensors, scalar, softmax_scale), expected)


def test_out_without_elements(kernel):
    """Its strides are as CuPy has them."""
    out = np.lib.stride_tricks.as_strided(np.empty(1, np.float32), (0, H, 1), (0, 0, 0))
    assert kernel(*make_arguments(0), out=out) is out


def test_out(kernel):
    arguments = make_arguments(3)
    expected = kernel(*arguments)
    wide = np.full((3, 2 * H, 1), 7, np.float32)
    out = wide[:, ::2]
    assert kernel(*arguments, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert (wide[:, 1::2] == 7).all()
    outs = (np.empty_like(expected),)
    assert kernel(*arguments, out=outs) is outs
    np.testing.assert_array_equal(outs[0], expected)


F32 = np.float32
WRONG_OUT = {
    "rank": (np.empty((3, H), F32), r"result 0 .*f32 \[3, 64\], expected .*\[3, 64, 1\]"),
    "shape": (np.empty((2, H, 1), F32), r"result 0 .*\[2, 64, 1\], expected"),
    "dtype": (np.empty((3, H, 1), np.float64), "result 0 is f64 .*expected f32"),
    "count": ((np.empty((3, H, 1), F32),) * 2, "1 results, got .* 2"),
    "read-only": (np.broadcast_to(F32(0), (3, H, 1)), "result 0 is a read-only array"),
    "stride-0": (
        np.lib.stride_tricks.as_strided(np.empty(H, F32), (3, H, 1), (0, 4, 4)),
        "result 0 has stride 0 in dimension 0",
    ),
}


@pytest.mark.parametrize("case", WRONG_OUT)
def test_wrong_out(kernel, case):
    out, message = WRONG_OUT[case]
    with pytest.raises(ValueError, match=rf"head_gate\(\): .*{message}"):
        kernel(*make_arguments(3), out=out)


def test_wrong_type_of_out(kernel):
    with pytest.raises(TypeError, match="result 0 is of type 'str', expected an array, a torch tensor"):
        kernel(*make_arguments(1), out="gate")


X = np.zeros((3, E), ml_dtypes.bfloat16)
BYTES = np.zeros(2 * 3 * E + 1, np.uint8)
WRONG_VALUE = {
    "dtype": (
        0,
        X.astype(np.float16),
        r"0 \('x'\) is f16 \[3, 7168\], expected tensor<\?x7168xbf16>",
    ),
    "shape": (0, X[:, :5], r"0 \('x'\) is bf16 \[3, 5\], expected"),
    "rank": (1, X[0], r"1 \('weight'\) is bf16 \[7168\], expected tensor<64x7168xbf16>"),
    "heads": (1, X, r"1 \('weight'\) is bf16 \[3, 7168\], expected"),
    "scalar-for-tensor": (0, 1.0, r"0 \('x'\) is a scalar, expected"),
    "tensor-for-scalar": (3, X, r"3 \('head_scale'\) is bf16 \[3, 7168\], expected f32"),
    "rank-17": (0, np.zeros((1,) * 17, F32), r"0 \('x'\) has 17 dimensions, .* at most 16"),
    "unaligned": (0, BYTES[1:].view(X.dtype), r"0 \('x'\) is not aligned"),
    "split-elements": (
        2,
        np.lib.stride_tricks.as_strided(np.zeros(9999, F32), (3, H, 1), (258, 4, 4)),
        r"2 \('q_scale'\) has a stride of 258 bytes",
    ),
    "too-large": (3, 10**400, r"3 \('head_scale'\) is an integer too large"),
}


@pytest.mark.parametrize("case", WRONG_VALUE)
def test_wrong_value(kernel, case):
    index, value, message = WRONG_VALUE[case]
    arguments = list(make_arguments(3))
    arguments[index] = value
    with pytest.raises(ValueError, match=rf"^head_gate\(\): argument {message}"):
        kernel(*arguments)
    with pytest.raises(ValueError, match=rf"^head_gate\(\): argument {message}"):
        dsa_indexer.reference(kernel, *arguments)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (X.astype(np.int32), "has dtype int32, accepted are float16, float32, float64 and ml_"),
        (X.astype(">f4"), "has dtype >f4, accepted are"),
        (X.view(np.dtype("V2")), "has dtype .*V2.*, accepted are"),
        ([[1.0]], "is of type 'list', expected an array, a torch tensor or a number"),
        (None, "is of type 'NoneType', expected"),
        ("x", "is of type 'str', expected"),
        (1j, "is of type 'complex', expected"),
    ],
    ids=["int32", "big-endian", "void", "list", "none", "str", "complex"],
)
def test_wrong_type(kernel, value, message):
    with pytest.raises(TypeError, match=rf"^head_gate\(\): argument 0 \('x'\) {message}"):
        kernel(value, *make_arguments(3)[1:])


def test_tokens_must_agree(kernel):
    x, weight, q_scale, *scalars = make_arguments(3)
    with pytest.raises(ValueError, match=r"^head_gate\(\): "):
        kernel(x, weight, q_scale[:2], *scalars)


def test_wrong_count_and_names(kernel):
    arguments = make_arguments(1)
    listed = "x, weight, q_scale, head_scale, softmax_scale"
    for call in (kernel, lambda *a, **n: dsa_indexer.reference(kernel, *a, **n)):
        with pytest.raises(TypeError, match=rf"missing 'softmax_scale'; .* are {listed}"):
            call(*arguments[:4])
        with pytest.raises(TypeError, match=rf"takes 5 arguments \({listed}\), got 6"):
            call(*arguments, 1.0)
        with pytest.raises(TypeError, match=rf"unknown argument 'scale'; accepted are {listed}"):
            call(*arguments[:4], scale=1.0)
        with pytest.raises(TypeError, match="argument 'x' is given twice"):
            call(*arguments[:4], x=1.0)


def test_a_loaded_bundle_has_no_cpu_version(kernel):
    try:
        loaded = dsa_indexer.load_bundle(kernel.bundle)
    except dsa_indexer.CompileError:
        pytest.skip("no ptxas")
    with pytest.raises(ValueError, match="runs on CUDA devices only"):
        loaded(*make_arguments(1))
    with pytest.raises(ValueError, match="has no IR"):
        dsa_indexer.reference(loaded, *make_arguments(1))
