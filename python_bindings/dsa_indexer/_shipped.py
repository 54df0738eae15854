# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Head gates whose machine code comes with the package, so that the models that
there are need no compiler. python_bindings/make_wheels.py makes the files.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._gate_text import GateKey
    from ._kernel import Kernel

__all__ = ["CHIP", "DTYPES", "HEADS", "HIDDEN", "file_name", "find", "sizes"]

#: Heads and hidden sizes: DeepSeek-V3.2 64 x 7168, GLM-5 32 x 6144, DeepSeek-V4
#: 64 x 4096, and weights that are merged with the 128 columns of the keys.
HEADS = (32, 64, 160, 192)
HIDDEN = (4096, 6144, 7168)
CHIP = "sm_90a"
#: Of x, weight and q_scale.
DTYPES = ("bf16", "bf16", "f32")

_FOLDER = pathlib.Path(__file__).parent / "kernels"


def file_name(heads: int, hidden: int) -> str:
    """The bundle of one (H, E)."""
    return f"head-gate-h{heads}-e{hidden}.idxb"


def sizes() -> list[tuple[int, int]]:
    """(H, E) of the kernels that came with the package."""
    return [(h, e) for h in HEADS for e in HIDDEN if (_FOLDER / file_name(h, e)).exists()]


def find(key: GateKey, chip: Optional[str]) -> Optional[Kernel]:
    """The kernel for `key` on `chip`, if it came with the package."""
    if chip != CHIP or (key.x, key.weight, key.q_scale) != DTYPES:
        return None
    path = _FOLDER / file_name(key.heads, key.hidden)
    if not path.exists():
        return None
    from ._compile import load_bundle

    return load_bundle(path)
