# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From the import to the first launch of a shipped bundle, nothing is compiled and
nothing is written: seen by watching the system calls of a process on the fake
driver, with the stand-in for torch of test_short_calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import fake_driver
import pytest
from test_compile import has_ptxas
from test_short_calls import STAND_IN

LAUNCH = (
    STAND_IN.replace("from dsa_indexer import _native, compile", "from dsa_indexer import _native")
    .replace("compile(open(sys.argv[1]).read())", "dsa_indexer.load_bundle(sys.argv[1])")
    .replace("import ctypes, sys, types", "import ctypes, sys, types, dsa_indexer")
    + 'assert call(arguments()).shape == (5, 64, 1), "launched"\n'
)
#: What starts a process or changes a file.
FORBIDDEN = re.compile(
    r"\b(?:execve|fork|vfork|unlink\w*|rename\w*|mkdir\w*|truncate|link\w*|symlink\w*|mknod\w*)\("
    r"|O_WRONLY|O_RDWR|O_CREAT"
)


@fake_driver.needs_driver
@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_import_load_and_first_launch(kernel, tmp_path):
    if not has_ptxas(kernel):
        pytest.skip("no ptxas")
    bundle = tmp_path / "gate.idxb"
    bundle.write_bytes(kernel.bundle)
    trace = tmp_path / "calls"
    done = subprocess.run(
        ["strace", "-f", "-o", trace, "-e", "trace=%file,%process", sys.executable, "-c", LAUNCH]
        + [bundle],
        capture_output=True,
        text=True,
        timeout=300,
        cwd="/",
        # Python would write its own byte code.
        env={**os.environ, **fake_driver.ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if "ptrace" in done.stderr:
        pytest.skip("strace may not watch a process here")
    assert done.returncode == 0, done.stderr
    start, *calls = trace.read_text().splitlines()
    assert "execve(" in start
    assert any(f'"{bundle}"' in call for call in calls), "the bundle was read"
    found = [call for call in calls if FORBIDDEN.search(call)]
    # A thread is no process.
    found += [c for c in calls if re.search(r"\bclone3?\(", c) and "CLONE_THREAD" not in c]
    assert found == []
    opened = [call for call in calls if "libindexer.so" in call and "= -1" not in call]
    assert opened == [], "the compiler is not even loaded"
