# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the compiler's library is: in this package when that was built from
source, else in the package dsa-indexer-compiler, which may be missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from typing import Optional

from ._errors import CompileError

__all__ = ["find_compiler", "has_compiler"]

_NAME = "libindexer.so"
_PACKAGE = "dsa_indexer_compiler"


def _path() -> Optional[str]:
    beside = os.path.join(os.path.dirname(__file__), _NAME)
    if os.path.exists(beside):
        return beside
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        return None
    return os.path.join(package.submodule_search_locations[0], _NAME)


def has_compiler() -> bool:
    """True when something can be compiled here."""
    return _path() is not None


def find_compiler() -> str:
    """The library's path, for the extension. Raises CompileError when there is
    none, or it is of another version."""
    path = _path()
    if path is None:
        raise CompileError(
            "error: the compiler is not installed, so that only the kernels that come with "
            "dsa-indexer run, on a GPU; pip install dsa-indexer-compiler"
        )
    if os.path.dirname(path) != os.path.dirname(__file__):
        from . import __version__

        found = importlib.metadata.version("dsa-indexer-compiler")
        if found != __version__:
            raise CompileError(
                f"error: dsa-indexer-compiler is {found}, expected {__version__}, the version of "
                "dsa-indexer"
            )
    return path
