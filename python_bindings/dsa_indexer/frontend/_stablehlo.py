# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""StableHLO, as JAX lowers a function to it -> linalg text, by IREE's compiler.

`iree-compile --compile-to=input` turns StableHLO into linalg on tensors, in
functions of IREE's dialect `util`, whose names are exchanged for func's.

Symbolic dimensions of jax.export become dynamic ones. JAX has checked that what it
broadcasts along one has its extent, which IREE is told; the checks of the
arguments' extents, which JAX writes as calls, are those of our call.
"""

from __future__ import annotations

import re
from typing import Any, Optional

from .. import _compile
from .._errors import CompileError
from .._kernel import Kernel

__all__ = ["from_stablehlo"]


def from_stablehlo(lowered: Any, chip: Optional[str]) -> Kernel:
    """`dsa_indexer.from_stablehlo`, which documents it."""
    text = say_what_jax_checked(_read(lowered))
    try:
        from iree import compiler as iree
    except ImportError:
        raise ImportError(
            "from_stablehlo() needs IREE's compiler: pip install 'dsa-indexer[stablehlo]'"
        ) from None
    try:
        linalg = iree.compile_str(
            text, input_type="stablehlo", target_backends=["llvm-cpu"],
            extra_args=["--compile-to=input"],
        )  # fmt: skip
    except iree.CompilerToolError as error:
        raise CompileError(_diagnostics_of(str(error))) from None
    return _compile.compile(
        to_func(linalg.decode()), chip=chip, entry="main", name="stablehlo.mlir"
    )


def _read(lowered: Any) -> str:
    """The StableHLO of what the user has."""
    if isinstance(lowered, str):
        return lowered
    if hasattr(lowered, "as_text") and hasattr(lowered, "in_tree"):
        return str(lowered.as_text(dialect="stablehlo"))
    if hasattr(lowered, "mlir_module"):
        return str(lowered.mlir_module())
    raise TypeError(
        f"from_stablehlo(): got a {type(lowered).__name__!r}, expected jax.jit(f).lower(...), "
        "jax.export.export(...)(...), or a text of StableHLO"
    )


_BROADCAST = re.compile(
    r"(stablehlo\.dynamic_broadcast_in_dim [^\n:]*dims = \[[0-9, ]*\]) : \(tensor<([^>]*)>"
)


def say_what_jax_checked(text: str) -> str:
    """A module of symbolic dimensions as IREE takes it; others are not changed."""
    if "jax.uses_shape_polymorphism = true" not in text:
        return text

    def mark(found: re.Match[str]) -> str:
        extents = found[2].split("x")[:-1]
        same = ", ".join(str(dim) for dim, extent in enumerate(extents) if extent == "?")
        known = f" {{known_nonexpanding_dimensions = array<i64: {same}>}}" if same else ""
        return f"{found[1]}{known} : (tensor<{found[2]}>"

    text = re.sub(r"^\s*stablehlo\.custom_call @shape_assertion\(.*\n", "", text, flags=re.M)
    return _BROADCAST.sub(mark, text)


def to_func(text: str) -> str:
    """Functions of IREE's util dialect as func's: they differ in name alone."""
    text = re.sub(r"^(\s*)util\.func ", r"\1func.func ", text, flags=re.M)
    text = re.sub(r"^(\s*)util\.return\b", r"\1return", text, flags=re.M)
    return re.sub(r"\butil\.call @", "call @", text)


def _diagnostics_of(message: str) -> str:
    """IREE's diagnostics without the command that it ran."""
    _, found, rest = message.partition("Diagnostics:\n")
    diagnostics = rest.partition("\n\n\nInvoked with")[0] if found else message
    return f"error: IREE cannot turn this into linalg\n{diagnostics}"
