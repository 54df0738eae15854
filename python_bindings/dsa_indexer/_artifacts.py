# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The artefacts of a kernel as a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Union, overload

__all__ = ["Artifacts"]


class Artifacts(Mapping[str, Union[str, bytes]]):
    """Read-only: name of an artefact -> text (bytes for "cubin"). Each is made
    at its first use and kept; making one may raise CompileError."""

    def __init__(self, makers: dict[str, Callable[[], str | bytes]]) -> None:
        self._makers = makers
        self._made: dict[str, str | bytes] = {}

    @overload
    def __getitem__(self, name: Literal["cubin"]) -> bytes: ...
    @overload
    def __getitem__(
        self,
        name: Literal["input", "fused", "scheduled", "kernel", "nvvm", "llvm", "ptx"],
    ) -> str: ...
    @overload
    def __getitem__(self, name: str) -> str | bytes: ...

    def __getitem__(self, name: str) -> str | bytes:
        made = self._made.get(name)
        if made is None:
            if name not in self._makers:
                accepted = ", ".join(self._makers) or "none"
                raise KeyError(f"no artefact {name!r}; accepted are {accepted}")
            made = self._made[name] = self._makers[name]()
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        # Mapping's would make the artefact.
        return name in self._makers

    def __repr__(self) -> str:
        return f"<artefacts {', '.join(self._makers)}>"
