# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The wheels, built from the project's build folder and installed in virtual
environments of their own: with the compiler, and without."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys
import zipfile

import fake_driver
import pytest
from conftest import ROOT

BUILD = ROOT / "build"

pytestmark = pytest.mark.skipif(
    not all((BUILD / path).exists() for path in ("lib/libindexer.so", "bin/indexer-compile")),
    reason=f"{BUILD} has no libindexer.so and indexer-compile",
)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, pathlib.Path]:
    """By name of the distribution; with the kernel of one shape."""
    for module in ("nanobind", "scikit_build_core"):
        pytest.importorskip(module)
    out = tmp_path_factory.mktemp("wheels")
    script = ROOT / "python_bindings" / "make_wheels.py"
    done = subprocess.run(
        [sys.executable, script, BUILD, out, "--python", sys.executable, "--sizes", "32x4096"],
        capture_output=True,
        text=True,
    )
    if "no ptxas" in done.stderr:
        pytest.skip("no ptxas")
    assert done.returncode == 0, done.stderr
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}


def names_in(wheel: pathlib.Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {pathlib.PurePath(name).name for name in archive.namelist()}


def test_what_is_in_them(wheels):
    runtime, compiler = wheels["dsa_indexer"], wheels["dsa_indexer_compiler"]
    found = names_in(runtime)
    assert {"py.typed", "_native.pyi", "libindexer_runtime.so", "head-gate-h32-e4096.idxb"} <= found
    assert "libindexer.so" not in found
    # Torch's headers are those of the interpreter that makes the wheel.
    has_torch = importlib.util.find_spec("torch") is not None
    assert ("libdsa_indexer_torch.so" in found) == has_torch
    assert "libindexer.so" in names_in(compiler) and "-py3-none-" in compiler.name
    assert runtime.stat().st_size < 8e6 and compiler.stat().st_size < 40e6


def run(wheels: list[pathlib.Path], folder: pathlib.Path, script: str, **environment: str) -> str:
    """What a script writes that finds these wheels before what is installed."""
    for wheel in wheels:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index",
             "--disable-pip-version-check", "--target", folder, wheel],
            check=True,
        )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


HERE = """
import pathlib, sys, numpy, dsa_indexer
assert dsa_indexer.__file__.startswith(sys.path[1]), dsa_indexer.__file__
assert "torch" not in sys.modules
arguments = [numpy.ones(shape, numpy.float32) for shape in ((2, 8), (4, 8), (2, 4, 1))]
"""


def test_with_the_compiler(wheels, tmp_path):
    run(list(wheels.values()), tmp_path, HERE + """
assert (dsa_indexer.head_gate(*arguments, softmax_scale=0.25) == 1).all()
""")


def test_without_the_compiler_the_cpu_is_an_error(wheels, tmp_path):
    written = run([wheels["dsa_indexer"]], tmp_path, HERE + """
try:
    dsa_indexer.head_gate(*arguments, softmax_scale=0.25)
except dsa_indexer.CompileError as error:
    print(error)
""")
    assert "pip install dsa-indexer-compiler" in written


@fake_driver.needs_driver
def test_without_the_compiler_a_kernel_launches(wheels, tmp_path):
    run([wheels["dsa_indexer"]], tmp_path, """
from dsa_indexer._gate_text import GateKey
from dsa_indexer._head_gate import gate_kernel
import dsa_indexer
kernel = gate_kernel(GateKey(32, 4096, "bf16", "bf16", "f32"), "sm_90a")
kernel.load(0)
assert kernel.entry == "head_gate" and not kernel.remarks
try:
    gate_kernel(GateKey(32, 4000, "bf16", "bf16", "f32"), "sm_90a")
    raise AssertionError("it came from somewhere")
except dsa_indexer.CompileError as error:
    assert "only the kernels that come with dsa-indexer" in str(error)
""", **fake_driver.ENVIRONMENT)  # fmt: skip
