# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests share: the benchmarks' folder, and a driver without a GPU."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from programs import BENCHMARKS, run_benchmark

BUILD = pathlib.Path(os.environ.get("INDEXER_BUILD", BENCHMARKS.parent / "build"))
sys.path.insert(0, str(BENCHMARKS))


@pytest.fixture(scope="session")
def fake_driver(tmp_path_factory):
    """A CUDA driver that computes the gate on the CPU (fake_graphs.c)."""
    fake = BUILD / "test" / "Unit" / "Runtime" / "libfake_cuda.so"
    compiler = shutil.which("cc") or shutil.which("clang-22")
    if not fake.exists() or not compiler:
        pytest.skip("needs the build folder and a C compiler")
    library = tmp_path_factory.mktemp("driver") / "libfake_graphs.so"
    source = BENCHMARKS / "tests" / "fake_graphs.c"
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    link = ["-Wl,--no-as-needed", str(fake), f"-Wl,-rpath,{fake.parent}"]
    subprocess.run(
        [compiler, *flags, str(source), *link, "-o", str(library)], check=True
    )
    return library


def make_bundles(folder, shape):
    """Fills a folder by gpu_bundles.py."""
    if not (BUILD / "bin" / "indexer-compile").exists():
        pytest.skip("needs the build folder")
    run_benchmark(
        "gpu_bundles.py", str(folder), "--build", str(BUILD), "--shapes", shape, "--no-merged"
    )
    return folder


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """The bundles of the model's shape, and the runtime."""
    return make_bundles(tmp_path_factory.mktemp("bundles"), "64x7168")


@pytest.fixture(scope="session")
def small_bundles(tmp_path_factory):
    """The same for a shape that is quick to launch on the CPU."""
    return make_bundles(tmp_path_factory.mktemp("small"), "8x512")
