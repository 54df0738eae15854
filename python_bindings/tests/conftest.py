# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests share: the example, its kernel, and random arguments."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import dsa_indexer

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "head_gate.mlir"

# Nothing is taken from or written to the cache of whoever runs the tests.
os.environ["INDEXER_CACHE_DIR"] = "off"

#: Letters as everywhere: E hidden size, H heads.
E, H = 7168, 64


def missing_cuda() -> str:
    """Why the GPU tests cannot run, "" if they can."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = missing_cuda() if marked else ""
    for item in marked:
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def full_sums(request: pytest.FixtureRequest) -> None:
    """cuBLAS may add the parts of a bfloat16 product in bfloat16, unless it is
    told not to; what is compared with it to the bit adds them in float32."""
    if request.node.get_closest_marker("gpu"):
        import torch

        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


@pytest.fixture(scope="session")
def text() -> str:
    return EXAMPLE.read_text()


@pytest.fixture(scope="session")
def kernel(text: str) -> dsa_indexer.Kernel:
    return dsa_indexer.compile(text)


def make_arguments(tokens: int, seed: int = 0) -> tuple[Any, ...]:
    """Contiguous random arguments of the example."""
    random = np.random.default_rng(seed)
    return (
        random.standard_normal((tokens, E)).astype(ml_dtypes.bfloat16),
        random.standard_normal((H, E)).astype(ml_dtypes.bfloat16),
        random.random((tokens, H, 1), dtype=np.float32),
        H**-0.5,
        128**-0.5,
    )


def assert_close(gate: Any, expected: dsa_indexer.Reference) -> None:
    """Every element is within the bound of the reference."""
    gate = np.asarray(gate)
    assert gate.shape == expected.values.shape
    assert gate.dtype == np.float32
    # Written so that a NaN fails.
    assert (np.abs(gate.astype(np.float64) - expected.values) <= expected.bounds).all()
