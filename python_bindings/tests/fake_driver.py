# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Scripts that call the GPU where there is none: the driver is the fake one of the
runtime's unit tests. Each runs in a process of its own, as it replaces torch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import EXAMPLE, ROOT

DRIVER = ROOT / "build" / "test" / "Unit" / "Runtime" / "libfake_cuda.so"

#: What makes the runtime take it for CUDA's.
ENVIRONMENT = {"INDEXER_LIBCUDA": str(DRIVER)}

needs_driver = pytest.mark.skipif(
    not DRIVER.exists(), reason=f"{DRIVER} is not built (ninja -C build fake_cuda)"
)


def run(script: str, **environment: str) -> None:
    """Runs a script, whose sys.argv[1] is the example; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(EXAMPLE)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd="/",
        env={**os.environ, **ENVIRONMENT, **environment},
    )
    # A warning where the code may be PTX, else an error.
    if "no assembler found" in done.stderr or "no ptxas found" in done.stderr:
        pytest.skip("no ptxas")
    assert done.returncode == 0, done.stderr
