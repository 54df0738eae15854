# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command dsa-indexer."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys

import pytest
from conftest import EXAMPLE, missing_cuda

import dsa_indexer
from dsa_indexer import _cli, _library, _shipped, config


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
    assert found["operator"].split(",")[0] in ("C++", "Python")
    assert isinstance(found["devices"], (str, list))
    assert found["compiler"] == _library.find_compiler()
    assert {hook["taken"] for hook in found["plugins"]} == {False}


def test_doctor_names_the_assembler(capsys):
    """It is not always the ptxas that is in the PATH."""
    assert _cli.main(["doctor", "--json"]) == 0
    code = json.loads(capsys.readouterr().out)["machine code"]
    assert code.startswith("none for ") or re.search(r", by (ptxas|nv\w+) \d|, PTX only", code), code


def test_doctor_without_a_compiler(monkeypatch, tmp_path):
    """What a GPU runs all the same is said."""
    monkeypatch.setattr(_library, "_path", lambda: None)
    monkeypatch.setattr(_shipped, "_FOLDER", tmp_path)
    assert _cli.diagnose()["shipped kernels"] == "none"
    for hidden in (4096, 7168):
        (tmp_path / _shipped.file_name(64, hidden)).touch()
    found = _cli.diagnose()
    assert found["shipped kernels"] == "sm_90a, H x E: 64 x 4096, 64 x 7168"
    assert "pip install dsa-indexer-compiler" in found["compiler"]


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


def test_bench(capsys):
    arguments = ["bench", "--tokens", "1,3", "--heads", "8", "--hidden", "64", "--device", "cpu"]
    assert _cli.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("head gate, H = 8, E = 64: CPU, ")
    assert [line.split()[0] for line in lines[1:]] == ["tokens", "1", "3"]
    assert _cli.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["tokens"] for row in found["times"]] == [1, 3]
    for row in found["times"]:
        assert row["ours"] > 0
        assert row["difference"] is None or row["difference"] < 1e-5


def test_bench_without_a_gpu(capsys):
    if not missing_cuda():
        pytest.skip("there is one")
    assert _cli.main(["bench", "--device", "cuda"]) == 1
    assert capsys.readouterr().err.startswith("bench: ")


def test_bench_of_wrong_tokens(capsys):
    with pytest.raises(SystemExit):
        _cli.main(["bench", "--tokens", "1,-1"])
    assert "'1,-1' has a number below 0" in capsys.readouterr().err


class TestCache:
    """In processes of their own: the folder is read once."""

    @pytest.fixture
    def run(self, tmp_path):
        def run(*arguments):
            done = subprocess.run(
                [sys.executable, "-m", "dsa_indexer", *map(str, arguments)],
                capture_output=True,
                text=True,
                env={**os.environ, "INDEXER_CACHE_DIR": str(tmp_path / "cache")},
            )
            return done.returncode, done.stdout, done.stderr

        return run

    def test_shows_verifies_and_clears(self, run, tmp_path):
        assert run("cache", "show")[0] == 0
        if run("compile", EXAMPLE, "-o", tmp_path / "gate.bundle")[0] != 0:
            pytest.skip("no ptxas")
        status, text, _ = run("cache", "show")
        assert status == 0 and "1 bundles, 0 damaged" in text and "head_gate" in text
        (entry,) = json.loads(run("cache", "show", "--json")[1])["entries"]
        assert entry["chips"] == ["sm_90a"]
        assert run("cache", "verify")[0] == 0

        file = tmp_path / "cache" / entry["file"]
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        status, text, _ = run("cache", "verify")
        assert status == 1 and "1 damaged" in text and entry["file"] in text
        assert run("cache", "clear")[1].startswith("1 files removed")
        assert json.loads(run("cache", "show", "--json")[1])["entries"] == []
