# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each kernel is compiled alone, and its stages take time."""

import compile_times
import pytest
from conftest import BUILD
from programs import run_benchmark

MODULE = """module {
  gpu.module @kernels {
    llvm.mlir.global internal @first_sums() : i64
    gpu.func @first(%arg0: i64) {
      scf.if %0 {
      }
    }
    llvm.mlir.global internal @second_sums() : i64
    gpu.func @second(%arg0: i64) {
    }
  }
}"""


def test_a_module_is_cut_down_to_one_kernel():
    (first, one), (second, other) = compile_times.split_kernels(MODULE)
    assert (first, second) == ("first", "second")
    assert "@first_sums" in one and "scf.if" in one and "@second" not in one
    assert "@second_sums" in other and "@first" not in other
    assert one.count("gpu.func") == other.count("gpu.func") == 1
    assert one.splitlines()[-2:] == other.splitlines()[-2:] == ["  }", "}"]


def test_all_stages_take_time():
    if not (BUILD / "bin" / "indexer-opt").exists():
        pytest.skip("needs the build folder")
    output = run_benchmark(
        "compile_times.py",
        *("--build", str(BUILD), "--heads", "8", "--hidden", "64", "--repeats", "1"),
    )
    rows = [line.strip("| ").split(" | ") for line in output.splitlines()[4:]]
    assert rows[-1][0] == "all kernels in one module" and len(rows) > 2
    for _, *stages in rows:
        assert all(float(stage) > 0 for stage in stages)
