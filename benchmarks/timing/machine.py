# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The card, its driver and what runs on it, without touching the GPU."""

from __future__ import annotations

import datetime
import importlib.metadata
import pathlib
import subprocess
from typing import Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _output(*command: str) -> str:
    """What a command prints; "" where it fails or is not there."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def describe(commit: Optional[str] = None) -> dict:
    """Card, driver, versions, date and commit (given where there is no git)."""
    query = "--query-gpu=name,driver_version"
    lines = _output("nvidia-smi", query, "--format=csv,noheader").splitlines()
    card, _, driver = (lines[0] if lines else "no GPU, none").partition(", ")
    found = _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    return {
        "card": card,
        "driver": driver,
        "torch": _version("torch"),
        "triton": _version("triton"),
        "date": str(datetime.date.today()),
        "commit": commit or found or "unknown",
    }


def sentence(machine: dict) -> str:
    """One line for the head of a table."""
    return (
        f"{machine['card']}, driver {machine['driver']}, torch {machine['torch']}, "
        f"Triton {machine['triton']}, {machine['date']}, commit {machine['commit']}"
    )
