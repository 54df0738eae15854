#!/usr/bin/env python3
"""Compares docs/environment.md with what the source reads.

Usage: docs/environment.py

Prints each variable that is only in one of the two; exit status 1 if there is one.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["lib", "include", "tools", "python_bindings/dsa_indexer", "python_bindings/src"]
#: How a variable is read or set in our sources.
READ = re.compile(
    r"""(?:getenv|setenv|environment|environ\.get|environ\.setdefault|environ\[)\(?\s*"([A-Z][A-Z0-9_]+)["]"""
)
#: Read inside LLVM's functions: findProgramByName, createTemporaryFile.
INDIRECT = {"PATH", "TMPDIR"}


def main() -> int:
    read = set(INDIRECT)
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".cpp", ".h", ".py"}:
                read |= set(READ.findall(path.read_text(encoding="utf-8")))
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", page, re.MULTILINE))
    for name in sorted(read - listed):
        print(f"{name} is read and is not in docs/environment.md")
    for name in sorted(listed - read):
        print(f"{name} is in docs/environment.md and is read nowhere")
    print(f"{len(read & listed)} variables")
    return 1 if read != listed else 0


if __name__ == "__main__":
    sys.exit(main())
