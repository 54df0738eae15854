# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package itself: files, what importing it does, threads."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import ROOT, make_arguments

import dsa_indexer

PACKAGE = pathlib.Path(dsa_indexer.__file__).parent


def test_files():
    assert (PACKAGE / "py.typed").exists()
    stub = (PACKAGE / "_native.pyi").read_text()
    assert "class Program:" in stub and "def launch(" in stub


def test_public_names():
    for name in dsa_indexer.__all__:
        assert getattr(dsa_indexer, name).__doc__


def test_import_does_no_work():
    script = """
import sys, dsa_indexer
assert "torch" not in sys.modules and "numpy" not in sys.modules
maps = open("/proc/self/maps").read()
assert "libindexer_runtime.so" in maps
assert "libindexer.so" not in maps and "libcuda" not in maps
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd="/")


def test_a_cpu_call_opens_no_driver():
    script = """
import sys, numpy, dsa_indexer
kernel = dsa_indexer.compile('''
func.func @twice(%x: tensor<?xf32>) -> tensor<?xf32> {
  %r = arith.addf %x, %x : tensor<?xf32>
  return %r : tensor<?xf32>
}''')
assert (kernel(numpy.arange(3, dtype=numpy.float32)) == [0, 2, 4]).all()
assert "torch" not in sys.modules
assert "libcuda" not in open("/proc/self/maps").read()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd="/")


def test_a_compiler_of_another_build(tmp_path):
    """A library that has the functions, and was built from other headers."""
    clang = shutil.which("clang", path="/usr/lib/llvm-22/bin") or shutil.which("cc")
    if clang is None:
        pytest.skip("no C compiler")
    header = ROOT / "python_bindings" / "src" / "Compiler.h"
    functions = re.findall(r"X\((indexer\w+)\)", header.read_text())
    source = tmp_path / "other.c"
    source.write_text(
        "".join(f"void {name}(void) {{}}\n" for name in functions if name != "indexerApiHash")
        + 'const char *indexerApiHash(void) { return "of another"; }\n'
    )
    library = tmp_path / "libindexer.so"
    subprocess.run([clang, "-shared", "-fPIC", source, "-o", library], check=True)
    script = f"""
import dsa_indexer
from dsa_indexer import _library
_library.find_compiler = lambda: {str(library)!r}
for _ in range(2):
    try:
        dsa_indexer.compile("")
        raise AssertionError("it was opened")
    except dsa_indexer.CompileError as error:
        print(error)
    _library.find_compiler = lambda: dsa_indexer.__path__[0] + "/libindexer_runtime.so"
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    other, runtime = done.stdout.splitlines()
    assert "is of another build than this extension: its C API is of another, expected" in other
    assert "is of another version: it has no function 'indexerApiHash'" in runtime


def test_threads(text):
    """Two kernels in two threads each, all four at a time."""
    kernels = [dsa_indexer.compile(text), dsa_indexer.compile(text)]
    arguments = [make_arguments(tokens, seed=tokens) for tokens in (3, 5)]
    expected = [kernels[0](*values) for values in arguments]
    failures: list[object] = []

    def work(kernel: dsa_indexer.Kernel) -> None:
        try:
            for _ in range(10):
                for values, gate in zip(arguments, expected):
                    np.testing.assert_array_equal(kernel(*values), gate)
            assert ".entry" in kernel.asm["ptx"]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(kernel,)) for kernel in kernels * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_compiling_releases_the_gil(text):
    kernel = dsa_indexer.compile(text)
    worker = threading.Thread(target=lambda: kernel.asm["ptx"])
    longest, last = 0.0, time.monotonic()
    start = last
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    # Stopped for the whole compilation, this thread would see one long pause.
    assert longest < 0.5 * (last - start)
