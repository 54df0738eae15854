# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exceptions of the package, and how the C API's statuses become them."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["BundleError", "CompileError", "CudaError", "Diagnostic", "from_status"]


class Diagnostic(NamedTuple):
    """One diagnostic of the compiler."""

    #: "file:line:column", or "" if it has no place.
    location: str
    #: "error", "warning" or "note"; a note explains the diagnostic before it.
    severity: str
    text: str

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        return f"{place}{self.severity}: {self.text}"


_DIAGNOSTIC = re.compile(
    r"(?:(?P<location>.+?): )?(?P<severity>error|warning|note): (?P<text>.*)"
)


def parse_diagnostics(message: str) -> list[Diagnostic]:
    """Splits a compile error's text, which has one line a diagnostic. A line
    that does not start one belongs to the text of the one before."""
    diagnostics: list[Diagnostic] = []
    for line in message.splitlines():
        match = _DIAGNOSTIC.fullmatch(line)
        if match:
            location = match["location"] or ""
            diagnostics.append(Diagnostic(location, match["severity"], match["text"]))
        elif diagnostics:
            last = diagnostics[-1]
            diagnostics[-1] = last._replace(text=f"{last.text}\n{line}")
        else:
            diagnostics.append(Diagnostic("", "error", line))
    return diagnostics


class CompileError(Exception):
    """The input could not be compiled. `str(error)` has one line a diagnostic,
    "file:line:column: error: ..."."""

    #: The same, taken apart.
    diagnostics: list[Diagnostic]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.diagnostics = parse_diagnostics(message)


class CudaError(RuntimeError):
    """The CUDA driver is missing or reported an error, there is no such
    device, or the kernel has no code for it."""


class BundleError(ValueError):
    """The bytes are not a bundle that this version reads."""


#: Of IndexerStatus in indexer-c/Runtime.h.
_CLASSES: dict[int, type[Exception]] = {
    1: ValueError,
    2: CompileError,
    3: CudaError,
    4: CudaError,
    5: CudaError,
    6: BundleError,
    7: MemoryError,
}


def from_status(status: int, message: str, entry: str) -> Exception:
    """The exception for a status of the C API and its message. An error in the
    arguments of a call begins with the name of the function, `entry`."""
    error = _CLASSES.get(status, RuntimeError)
    if entry and error is ValueError:
        message = f"{entry}(): {message}"
    return error(message)
