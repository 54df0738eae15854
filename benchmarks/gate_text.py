# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The example's module for other extents, where a benchmark needs text."""

import pathlib
import re

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples" / "head_gate.mlir"


def gate_text(heads: int, hidden: int) -> str:
    """The example's chain for H heads and E hidden elements."""
    extents = {"64": str(heads), "7168": str(hidden)}
    # An extent of a type, or of the shape that tensor.empty and the like are given.
    pattern = r"(?<=[<x])(64|7168)(?=x)|(?<=%tokens, )(64)(?=, 1\])"
    return re.sub(pattern, lambda found: extents[found[0]], EXAMPLE.read_text())
