# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Head gates whose machine code comes with the package, so that the models that
there are need no compiler: bf16 x [T, E] and weight [H, E], float32 q_scale.

`./dev wheels` makes the files, one bundle for each (H, E).
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._head_gate import GateKey
    from ._kernel import Kernel

__all__ = ["CHIPS", "HEADS", "HIDDEN", "find", "write"]

#: Heads and hidden sizes: DeepSeek-V3.2 64 x 7168, GLM-5 32 x 6144, DeepSeek-V4
#: 64 x 4096, and weights that are merged with the 128 columns of the keys.
HEADS = (32, 64, 160, 192)
HIDDEN = (4096, 6144, 7168)
CHIPS = ("sm_90a",)

_FOLDER = pathlib.Path(__file__).parent / "kernels"


def _path(folder: pathlib.Path, heads: int, hidden: int) -> pathlib.Path:
    return folder / f"head-gate-h{heads}-e{hidden}.idxb"


def find(key: GateKey, chip: Optional[str]) -> Optional[Kernel]:
    """The kernel for `key` on `chip`, if it came with the package."""
    if chip not in CHIPS or (key.x, key.weight, key.q_scale) != ("bf16", "bf16", "f32"):
        return None
    path = _path(_FOLDER, key.heads, key.hidden)
    if not path.exists():
        return None
    from ._compile import load_bundle

    return load_bundle(path)


def write(folder: pathlib.Path) -> list[pathlib.Path]:
    """Compiles all of them into `folder`; for the build of the wheel. Raises
    CompileError."""
    from ._compile import compile
    from ._head_gate import GateKey, gate_text

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for heads in HEADS:
        for hidden in HIDDEN:
            text = gate_text(GateKey(heads, hidden, "bf16", "bf16", "f32"))
            path = _path(folder, heads, hidden)
            path.write_bytes(compile(text, chip=CHIPS[0], name="head_gate.mlir").bundle)
            paths.append(path)
    return paths
