# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command `dsa-indexer`.

    dsa-indexer doctor [--json]        what is installed, what works, why not
    dsa-indexer explain FILE           what the compiler makes of a module
    dsa-indexer compile FILE [-o OUT]  a bundle, or with --emit another artefact
    dsa-indexer bench [--json]         times of this machine, beside torch's chain
    dsa-indexer cache show|clear|verify   the bundles that were compiled before

Exit status 0; 1 when the input has an error, or the cache a damaged entry; 2 for
wrong options.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any, Optional

from . import __version__, _library, _native, _operator, _shipped, config
from ._bundle import BundleView
from ._compile import compile as compile_text
from ._devices import device_info, target_chip
from ._errors import CompileError, CudaError
from ._gate_text import GateKey, gate_text
from ._kernel import Kernel

__all__ = ["main"]

_STAGES = ("input", "fused", "scheduled", "kernel", "nvvm", "llvm", "ptx", "cubin", "bundle")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The entry point."""
    options = _make_parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except BrokenPipeError:
        # The reader has gone; so that nothing is flushed into nothing at exit:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CompileError, CudaError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dsa-indexer", description="The head gate of the lightning indexer as one kernel."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser("doctor", help="what is installed, what works, why not")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(run=_doctor)

    bench = commands.add_parser("bench", help="times of this machine, beside torch's chain")
    bench.add_argument(
        "--tokens", type=_numbers, default=[1, 4, 16, 64, 256, 1024], help="such as 1,64,4096"
    )
    bench.add_argument("--heads", type=int, default=64)
    bench.add_argument("--hidden", type=int, default=7168)
    bench.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    bench.add_argument("--json", action="store_true", help="as JSON")
    bench.set_defaults(run=_bench)

    cache = commands.add_parser("cache", help="the bundles that were compiled before")
    cache.add_argument(
        "action", choices=("show", "clear", "verify"),
        help="list them, remove all, or look for damaged ones",
    )  # fmt: skip
    cache.add_argument("--json", action="store_true", help="as JSON")
    cache.set_defaults(run=_cache)

    for name, run, text in (
        ("explain", _explain, "what the compiler makes of a module of MLIR text"),
        ("compile", _compile, "compile a module of MLIR text"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("file", help="a file; - is standard input")
        command.add_argument("--chip", help="sm_80, sm_89, sm_90a (default), sm_100a, sm_120a")
        command.add_argument("--entry", help="function, without @; default: the only public one")
        command.set_defaults(run=run)
        if name == "compile":
            command.add_argument("-o", "--output", help="file; default: standard output")
            command.add_argument("--emit", choices=_STAGES, default="bundle", help="what to write")
    return parser


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if min(numbers) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} has a number below 0")
    return numbers


def _bench(options: argparse.Namespace) -> None:
    from ._bench import measure

    where, rows = measure(options.tokens, options.heads, options.hidden, options.device)
    if options.json:
        found = {"where": where, "heads": options.heads, "hidden": options.hidden}
        print(json.dumps({**found, "times": [row._asdict() for row in rows]}, indent=2))
        return
    _print_table(
        f"head gate, H = {options.heads}, E = {options.hidden}: {where}; microseconds a call",
        ("tokens", "ours", "torch's chain", "faster", "difference"),
        [
            (
                str(row.tokens),
                f"{row.ours:.2f}",
                "" if row.torch is None else f"{row.torch:.2f}",
                "" if row.torch is None else f"{row.torch / row.ours:.2f}x",
                "" if row.difference is None else f"{row.difference:.1e}",
            )
            for row in rows
        ],
    )


def _cache(options: argparse.Namespace) -> int:
    if options.action == "clear":
        removed = _native.clear_cache()
        print(json.dumps({"removed": removed}) if options.json else f"{removed} files removed")
        return 0
    found = json.loads(_native.describe_cache())
    entries = found["entries"]
    damaged = [entry for entry in entries if entry["damaged"]]
    status = int(options.action == "verify" and bool(damaged))
    if options.json:
        print(json.dumps(found, indent=2))
        return status
    listed = damaged if options.action == "verify" else entries
    _print_table(
        f"{found['folder'] or 'no cache'}: {len(entries)} bundles, {len(damaged)} damaged"
        + (f"; {found['note']}" if found["note"] else ""),
        ("file", "bytes", "last use", "entry", "chips", "assembler"),
        [
            (
                entry["file"],
                str(entry["bytes"]),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(entry["last_use"])),
                "damaged" if entry["damaged"] else entry["entry"],
                ", ".join(entry.get("chips", ())),
                entry.get("assembler", ""),
            )
            for entry in listed
        ],
    )
    return status


def _read_kernel(options: argparse.Namespace) -> Kernel:
    if options.file == "-":
        text, name = sys.stdin.read(), "<stdin>"
    else:
        with open(options.file, encoding="utf-8") as file:
            text, name = file.read(), options.file
    return compile_text(text, chip=options.chip, entry=options.entry, name=name)


def _compile(options: argparse.Namespace) -> None:
    kernel = _read_kernel(options)
    made = kernel.bundle if options.emit == "bundle" else kernel.asm[options.emit]
    data = made if isinstance(made, bytes) else made.encode()
    if options.output is None:
        if isinstance(made, bytes) and sys.stdout.isatty():
            raise OSError(f"{options.emit!r} is binary, name a file: -o FILE")
        sys.stdout.buffer.write(data)
        return
    with open(options.output, "wb") as file:
        file.write(data)
    print(f"{options.output}: {len(data)} bytes")


def _explain(options: argparse.Namespace) -> None:
    kernel = _read_kernel(options)
    kernel.asm["scheduled"]
    _print_table(
        f"{'<stdin>' if options.file == '-' else options.file}: @{kernel.entry}",
        ("what", "pass", "where", "text"),
        [(r.kind, r.pass_name, r.location, r.text) for r in kernel.remarks],
    )
    try:
        table = kernel.schedule
    except CompileError as error:
        print(f"no machine code: {error}")
        return
    most = 2**63 - 1
    _print_table(
        "kernels",
        ("tokens", "family", "tile", "threads", "registers", "shared bytes"),
        [
            (
                f"{row.min_tokens} to {'any' if row.max_tokens == most else row.max_tokens}",
                row.family,
                f"{row.tile_t} x {row.tile_h}",
                str(row.threads),
                str(row.registers),
                str(row.shared_bytes + row.dynamic_shared_bytes),
            )
            for row in table
        ],
    )


def _doctor(options: argparse.Namespace) -> None:
    found = diagnose()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    rows = [(name, _text(value)) for name, value in found.items() if name != "plugins"]
    rows += [
        (f"plugin {hook['target']}", f"{'taken' if hook['taken'] else 'not taken'}: {hook['note']}")
        for hook in found["plugins"]
    ]
    _print_table("dsa-indexer doctor", ("what", "found"), rows)


def diagnose() -> dict[str, Any]:
    """All that `doctor` tells, as JSON has it. Never raises for what is missing:
    that is what it tells."""
    return {
        "dsa-indexer": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": _version_of("torch"),
        "operator": "C++" if _operator.LIBRARY.exists() else "Python, built without torch's headers",
        "numpy": _version_of("numpy"),
        "ml_dtypes": _version_of("ml_dtypes"),
        "devices": _find_devices(),
        "compiler": _find_compiler(),
        "shipped kernels": _list_shipped(),
        "ptxas": _find_ptxas(),
        "machine code": _try_kernel(),
        "cpu": _try_cpu(),
        "plugins": _find_hooks(),
    }


def _version_of(package: str) -> Optional[str]:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _find_devices() -> Any:
    """A list of devices, or why there are none."""
    try:
        infos = [device_info(device) for device in range(_native.device_count())]
    except CudaError as error:
        return str(error)
    return [
        {
            "name": info.name,
            "chip": info.chip,
            "compiled for": target_chip(info.chip),
            "driver": f"{info.driver_version // 1000}.{info.driver_version % 1000 // 10}",
        }
        for info in infos
    ]


def _find_compiler() -> str:
    """The compiler's library, or why it cannot be used."""
    try:
        return _library.find_compiler()
    except CompileError as error:
        return error.diagnostics[0].text


def _list_shipped() -> str:
    """The kernels that need no compiler, and the chip that they are for."""
    sizes = [f"{heads} x {hidden}" for heads, hidden in _shipped.sizes()]
    return f"{_shipped.CHIP}, H x E: {', '.join(sizes)}" if sizes else "none"


def _find_ptxas() -> Optional[str]:
    home = os.environ.get("CUDA_HOME", "/usr/local/cuda")
    return shutil.which("ptxas") or shutil.which("ptxas", path=os.path.join(home, "bin"))


def _try_kernel() -> str:
    """Whether a head gate becomes machine code, for the first device if there
    is one."""
    key = GateKey(64, 7168, "bf16", "bf16", "f32")
    try:
        chip = target_chip(device_info(0).chip)
    except CudaError:
        chip = "sm_90a"
    try:
        bundle = compile_text(gate_text(key), chip=chip, name="head_gate.mlir").bundle
    except CompileError as error:
        return f"none for {chip}: {error}"
    assembler = BundleView(bundle).assembler
    made = f"by {assembler}" if assembler else "PTX only, as no assembler was found"
    return f"{len(bundle)} bytes for {chip}, H = 64, E = 7168, {made}"


def _try_cpu() -> str:
    """Whether the CPU's kernel gives the right result."""
    import numpy

    from . import head_gate

    ones = [numpy.ones(shape, numpy.float32) for shape in ((2, 8), (4, 8), (2, 4, 1))]
    try:
        gate = head_gate(*ones, softmax_scale=0.25)
    except Exception as error:  # noqa: BLE001 - this is what it tells.
        return f"fails: {error}"
    return "works" if (gate == 1).all() else f"wrong: got {gate[0, 0, 0]}, expected 1"


def _find_hooks() -> list[dict[str, Any]]:
    """What the engines' plugin loaders make of our plugins, in this process."""
    hooks: list[dict[str, Any]] = []
    for engine in config.ENGINES:
        if importlib.util.find_spec(engine) is None:
            hooks.append({"target": engine, "taken": False, "note": "not installed"})
            continue
        try:
            if engine in config.engines():
                _load_plugins_of(engine)
            module = importlib.import_module(f"dsa_indexer.plugins.{engine}")
            hooks += [
                {"target": h.target, "taken": h.is_taken, "note": h.note} for h in module.status()
            ]
        except Exception as error:  # noqa: BLE001 - an engine may not even import.
            note = f"{type(error).__name__}: {error}"
            hooks.append({"target": engine, "taken": False, "note": note})
    return hooks


def _load_plugins_of(engine: str) -> None:
    if engine == "sglang":
        from sglang.srt.plugins import load_plugins

        load_plugins()
    else:
        from vllm.plugins import load_general_plugins

        load_general_plugins()


def _text(value: Any) -> str:
    if value is None:
        return "not found"
    if isinstance(value, list):
        return "; ".join(", ".join(f"{k} {v}" for k, v in item.items()) for item in value) or "none"
    return str(value)


def _print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """With rich on a terminal where it is installed, else plain columns."""
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left")
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows:
            # Text of the compiler has brackets, which are no markup.
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        Console().print(table)
        return
    print(title)
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
