# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python of the package's README, block by block, as it stands there."""

from __future__ import annotations

import pathlib
import re

import pytest

import dsa_indexer

torch = pytest.importorskip("torch")

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"


class Model(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, x, q_scale):
        logits = (x.float() @ self.weight.float().t()) * 64**-0.5
        return logits.unsqueeze(-1) * q_scale * 128**-0.5


def test_blocks(capsys, monkeypatch, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    assert len(blocks) == 3
    torch.manual_seed(0)
    x, weight = torch.randn(5, 96).bfloat16(), torch.randn(64, 96).bfloat16()
    names = {
        "torch": torch,
        "x": x,
        "weight": weight,
        "q_scale": torch.rand(5, 64, 1),
        "model": Model(weight),
    }
    expected = names["model"](x, names["q_scale"])
    for number, block in enumerate(blocks):
        # torch.compile wants the source of what it compiles in a file.
        path = tmp_path / f"block{number}.py"
        path.write_text(block)
        exec(compile(block, path, "exec"), names)
        torch.testing.assert_close(names["gate"], expected, rtol=1e-5, atol=1e-5)
    written = capsys.readouterr().out
    assert "aten.mm.default: fused, " in written and ".version" in written
    assert names["dsa_indexer"] is dsa_indexer
