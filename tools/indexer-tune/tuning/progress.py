# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A progress bar, where tqdm is installed and somebody watches."""

from __future__ import annotations

import sys
from typing import Iterable, Iterator, TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """The items; how many of `total` are done goes to standard error."""
    try:
        from tqdm import tqdm
    except ImportError:
        print(f"{label}: {total}", file=sys.stderr)
        yield from items
        return
    yield from tqdm(items, total=total, desc=label, disable=None)
