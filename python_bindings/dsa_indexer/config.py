# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the environment decides: every variable that the package reads.

DSA_INDEXER_PLUGINS   engines whose head gate is replaced: a list such as
                      "sglang,vllm"; "all"; empty, the default: none
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["engines", "scope"]

#: Engines that there is a plugin for.
ENGINES = ("sglang", "vllm")


def engines() -> frozenset[str]:
    """The engines that DSA_INDEXER_PLUGINS turns our plugin on for. Raises
    ValueError for a name that is none."""
    given = os.environ.get("DSA_INDEXER_PLUGINS", "")
    names = {name.strip() for name in given.split(",") if name.strip()}
    if names == {"all"}:
        return frozenset(ENGINES)
    unknown = sorted(names - {*ENGINES})
    if unknown:
        raise ValueError(
            f"DSA_INDEXER_PLUGINS names {', '.join(map(repr, unknown))}, accepted are "
            f"{', '.join(ENGINES)} and all"
        )
    return frozenset(names)


@contextlib.contextmanager
def scope(plugins: str) -> Iterator[None]:
    """DSA_INDEXER_PLUGINS is `plugins` inside."""
    before = os.environ.get("DSA_INDEXER_PLUGINS")
    os.environ["DSA_INDEXER_PLUGINS"] = plugins
    try:
        yield
    finally:
        if before is None:
            del os.environ["DSA_INDEXER_PLUGINS"]
        else:
            os.environ["DSA_INDEXER_PLUGINS"] = before
