# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the benchmarks as a user does."""

import os
import pathlib
import subprocess
import sys

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent


def run_benchmark(program, *arguments, expected=0, **environment):
    """Runs a benchmark; returns what it prints."""
    result = subprocess.run(
        [sys.executable, str(BENCHMARKS / program), *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == expected, result.stdout
    return result.stdout
