"""Checks of our own that no upstream linter makes.

- comments in lit tests that look like FileCheck directives and are none
- every source file has the licence line
- no tabs, no trailing space, a newline at the end
- every pass has a description with the parts that docs/README.md promises
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = {".cpp", ".h", ".td", ".c"}
TEXT = SOURCE | {".mlir", ".py", ".txt", ".md", ".cmake", ".test", ".def"}
# A misspelt directive, and one without its colon.
DEAD = re.compile(
    r"//\s*(?:CEHCK|CHEKC|CHCEK|CHECK-(?:LABLE|NETX|SMAE|NTO))"
    r"|//\s*CHECK(?:-(?:LABEL|NEXT|SAME|NOT|DAG|EMPTY|COUNT-\d+))?\s+[^-:\s]"
)
PARTS = ["Matches", "Produces", "Declines", "Numerics", "Example"]


def problems(path: pathlib.Path, text: str):
    """Yields (line number, sentence) for each problem of a file."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "has a tab"
        if line != line.rstrip():
            yield number, "has trailing space"
        if path.suffix in {".mlir", ".test"} and DEAD.search(line):
            yield number, "looks like a FileCheck directive and is none"
    if text and not text.endswith("\n"):
        yield len(lines), "has no newline at the end"
    if path.suffix in SOURCE and "SPDX-License-Identifier" not in text:
        yield 1, "has no licence line"
    if path.name == "Passes.td":
        for entry in re.split(r"\ndef ", text)[1:]:
            name = entry.split()[0]
            for part in PARTS:
                if f"*{part}*" not in entry:
                    yield 1, f"pass {name} has no *{part}* in its description"


def main() -> int:
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    count = 0
    for name in files:
        path = ROOT / name
        if path.suffix not in TEXT or path.name == "LICENSE" or not path.exists():
            continue
        for line, sentence in problems(path, path.read_text()):
            print(f"{name}:{line}: {sentence}")
            count += 1
    return count != 0


if __name__ == "__main__":
    sys.exit(main())
