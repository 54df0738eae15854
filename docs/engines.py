#!/usr/bin/env python3
"""Prints docs/engines.md: what becomes of each engine's spelling.

Usage: docs/engines.py [INDEXER_OPT] > docs/engines.md

Runs indexer-opt --indexer-fuse on each module of test/Inputs and reads its
remarks.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUTS = ROOT / "test" / "Inputs"
FUSED = re.compile(r'\[Passed\] FuseHeadGate .*Remark="(?:fused )?([^"]*)"')
DECLINED = re.compile(r'\[Missed\] FuseHeadGate .*Reason="([^:"]*):')

HEADER = """\
# Every engine's spelling

What `indexer-opt --indexer-fuse` makes of each module in `test/Inputs`. A module
with several GEMMs has a line for each. Those at the end, in `frontends`, were
printed by torch-mlir and JAX: `test/Inputs/frontends/make.py` makes them again.
No module stands for sglang's CPU kernels (S15): they have no settled chain yet.

<!-- Made by docs/engines.py; do not edit. -->

| module | engine | expression | outcome |
|---|---|---|---|
"""


def read_header(text):
    """Engine and expression from the comment at the head of a module."""
    fields = {}
    field = None
    for line in text.splitlines():
        if not line.startswith("// ") or line.startswith("// Written"):
            break
        name, colon, rest = line[3:].partition(": ")
        if colon and name in ("Engine", "Expression"):
            field, line = name, rest
        else:
            line = line[3:].strip()
        fields[field] = f"{fields.get(field, '')} {line}".strip()
    return fields["Engine"], fields["Expression"]


def outcomes(tool, path):
    """What the remarks say, in order."""
    command = [tool, str(path), "--indexer-fuse", "--remarks-filter=indexer-.*",
               "--remark-format=emitRemark", "-o", "/dev/null"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"docs/engines.py: error: {path.name}: {result.stderr}")
    found = []
    for line in result.stderr.splitlines():
        if match := FUSED.search(line):
            found.append(f"fused: {match[1]}")
        elif match := DECLINED.search(line):
            found.append(f"declined: `{match[1]}`")
    return found or ["no GEMM"]


def main():
    """Prints the document."""
    tool = sys.argv[1] if len(sys.argv) > 1 else "indexer-opt"
    rows = []
    for path in sorted(INPUTS.glob("*.mlir")) + sorted(
            INPUTS.glob("frontends/*.mlir")):
        engine, expression = read_header(path.read_text())
        found = "<br>".join(outcomes(tool, path))
        rows.append(f"| [{path.stem}](../{path.relative_to(ROOT)}) | {engine} | "
                    f"`{expression}` | {found} |\n")
    sys.stdout.write(HEADER + "".join(rows))


if __name__ == "__main__":
    main()
