# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command dsa-indexer."""

from __future__ import annotations

import io
import json

import pytest
from conftest import EXAMPLE

import dsa_indexer
from dsa_indexer import _cli, config


@pytest.fixture(autouse=True)
def no_plugins():
    with config.scope(""):
        yield


def test_doctor(capsys):
    assert _cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "dsa-indexer doctor"
    found = dict(line.strip().split(None, 1) for line in lines[2:] if line.startswith("  cpu"))
    assert found == {"cpu": "works"}


def test_doctor_as_json(capsys):
    assert _cli.main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["dsa-indexer"] == dsa_indexer.__version__
    assert found["cpu"] == "works"
    assert isinstance(found["devices"], (str, list))
    assert {hook["taken"] for hook in found["plugins"]} == {False}


def test_explain(capsys):
    assert _cli.main(["explain", str(EXAMPLE)]) == 0
    written = capsys.readouterr().out
    assert "@head_gate" in written and "FuseHeadGate" in written
    assert "kernels\n  tokens" in written or "no machine code: " in written


DECLINED = """
func.func @f(%x: tensor<?x8xbf16>, %w: tensor<8x4xbf16>, %c: tensor<?x4xbf16>) -> tensor<?x4xbf16> {
  %r = linalg.matmul ins(%x, %w : tensor<?x8xbf16>, tensor<8x4xbf16>)
                     outs(%c : tensor<?x4xbf16>) -> tensor<?x4xbf16>
  return %r : tensor<?x4xbf16>
}"""


def test_explain_tells_why_not(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(DECLINED))
    assert _cli.main(["explain", "-"]) == 0
    written = capsys.readouterr().out
    assert written.startswith("<stdin>: @f") and "missed" in written and "Reason=" in written
    assert "no machine code: " in written


def test_compile(tmp_path, capsys):
    out = tmp_path / "gate.ptx"
    assert (
        _cli.main(["compile", str(EXAMPLE), "--emit", "ptx", "--chip", "sm_80", "-o", str(out)])
        == 0
    )
    assert ".target sm_80" in out.read_text()
    assert capsys.readouterr().out == f"{out}: {out.stat().st_size} bytes\n"


def test_compile_to_standard_output(capsysbinary):
    assert _cli.main(["compile", str(EXAMPLE), "--emit", "fused"]) == 0
    assert b"linalg.generic" in capsysbinary.readouterr().out


def test_bundle(tmp_path):
    out = tmp_path / "gate.bundle"
    if _cli.main(["compile", str(EXAMPLE), "-o", str(out)]) != 0:
        pytest.skip("no ptxas")
    assert dsa_indexer.load_bundle(out).entry == "head_gate"


def test_errors(tmp_path, capsys):
    broken = tmp_path / "broken.mlir"
    broken.write_text("func.func @f( {")
    assert _cli.main(["compile", str(broken)]) == 1
    assert capsys.readouterr().err.startswith(f"{broken}:1:14: error: ")
    assert _cli.main(["explain", str(tmp_path / "missing")]) == 1
    assert "No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        _cli.main(["compile", str(broken), "--emit", "sass"])
    assert caught.value.code == 2
