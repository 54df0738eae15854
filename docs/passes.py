"""Writes the documentation of every pass, with what its example really prints.

usage: passes.py SOURCE_DIR OUTPUT_DIR  (mlir-tblgen and indexer-opt in PATH)

The text comes from the Passes.td entries (mlir-tblgen -gen-pass-doc), the input and the
output of an example from the first RUN line of the lit file that the entry names. One file
for each stage. Made at build by the target indexer-docs; not committed.
"""

import pathlib
import re
import subprocess
import sys


def run(command, **options):
    """Standard output of a command that must succeed."""
    return subprocess.run(
        command, check=True, capture_output=True, text=True, **options
    ).stdout


def first_command(test: pathlib.Path, source: pathlib.Path) -> str:
    """The indexer-opt part of the first RUN line, substitutions done."""
    lines = re.findall(r"^// RUN: (.*)$", test.read_text(), re.M)
    command = ""
    for line in lines:
        command += line.removesuffix("\\").strip() + " "
        if not line.endswith("\\"):
            break
    command = command.split("| FileCheck")[0]
    for name, value in (
        ("%examples", source / "examples"),
        ("%S", test.parent),
        ("%s", test),
    ):
        command = command.replace(name, str(value))
    return command.strip()


def with_example(entry: str, source: pathlib.Path) -> str:
    """One pass's text, with the output of its example behind it."""
    named = re.search(r"\*Example\*: `([^`]+)`", entry)
    if not named:
        return entry
    command = first_command(source / named.group(1), source)
    output = run(["bash", "-c", command], cwd=source)
    shown = command.replace(f"{source}/", "")
    return f"{entry.rstrip()}\n\n    {shown}\n\n```mlir\n{output.strip()}\n```\n\n"


def main() -> int:
    source, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    output.mkdir(parents=True, exist_ok=True)
    llvm = pathlib.Path(run(["which", "mlir-tblgen"]).strip()).resolve().parents[1]
    for entries in sorted((source / "include/indexer").rglob("Passes.td")):
        stage = entries.parent.relative_to(source / "include/indexer")
        text = run(
            ["mlir-tblgen", "-gen-pass-doc", f"-I{llvm}/include", str(entries)]
        )
        head, *passes = re.split(r"^(?=### )", text, flags=re.M)
        body = "".join(with_example(entry, source) for entry in passes)
        name = str(stage).replace("/", "-")
        (output / f"{name}.md").write_text(f"# Passes of {stage}\n\n{body}")
        print(f"{name}: {len(passes)} passes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
