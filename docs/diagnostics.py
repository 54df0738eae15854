#!/usr/bin/env python3
"""Prints docs/diagnostics.md from RefusalReason.def and the lit tests.

Usage: docs/diagnostics.py > docs/diagnostics.md

Fails when a reason has no test: a function @no_fuse_<reason> in test/Fusion.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
REASON = re.compile(
    r'^INDEXER_REFUSAL\(\w+,\s*((?:"[^"]*"\s*)),\s*((?:"[^"]*"\s*)+),'
    r'\s*((?:"[^"]*"\s*)+)\)',
    re.MULTILINE,
)

HEADER = """\
# Why a chain is not fused

`indexer-opt FILE --indexer-fuse --remarks-filter='indexer-.*'
--remark-format=emitRemark` says for each GEMM what became of it. A declined one
is left as it came. The remark has the reason's name, a sentence and a suggestion;
this table has them all, with a test that shows each.

<!-- Made by docs/diagnostics.py; do not edit. -->

| reason | what was found | what helps | test |
|---|---|---|---|
"""


def join(literals):
    """One string from adjacent C string literals."""
    return "".join(re.findall(r'"([^"]*)"', literals))


def find_test(name):
    """The lit file that declines a chain for the reason `name`."""
    function = re.compile("@no_fuse_" + name.replace("-", "_") + r"\(")
    for path in sorted((ROOT / "test" / "Fusion").glob("*.mlir")):
        if function.search(path.read_text()):
            return path.relative_to(ROOT)
    sys.exit(f"docs/diagnostics.py: error: reason '{name}' has no test "
             f"@no_fuse_{name.replace('-', '_')} in test/Fusion")


def main():
    """Prints the document."""
    definitions = ROOT / "include" / "indexer" / "Fusion" / "RefusalReason.def"
    rows = []
    for match in REASON.finditer(definitions.read_text()):
        name, sentence, suggestion = (join(group) for group in match.groups())
        test = find_test(name)
        rows.append(f"| `{name}` | {sentence} | {suggestion} | "
                    f"[{test.name}](../{test}) |\n")
    sys.stdout.write(HEADER + "".join(rows))


if __name__ == "__main__":
    main()
