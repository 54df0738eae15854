# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""CUDA devices, and the chip that code for one is compiled for."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple, Optional

from . import _native

__all__ = ["Device", "chip_of", "device_info", "device_of", "target_chip"]

#: DLDeviceType of DLPack.
_DLPACK_CUDA = 2


class Device(NamedTuple):
    """A CUDA device as the driver describes it."""

    #: Such as "NVIDIA H100 80GB HBM3".
    name: str
    #: Such as "sm_90a".
    chip: str
    #: The newest CUDA that the driver supports, 13000 for 13.0.
    driver_version: int


def device_info(device: int) -> Device:
    """What CUDA device `device` is. Raises CudaError."""
    return Device(*_native.device_info(device))


def target_chip(chip: str) -> str:
    """The chip to compile for, to run on `chip`: machine code of sm_80 runs on
    all of its generation, that of newer ones on its own chip only."""
    match = re.fullmatch(r"sm_(8\d)", chip)
    if match:
        return "sm_89" if match[1] == "89" else "sm_80"
    return chip


@functools.lru_cache(maxsize=None)
def _target_of(device: int) -> str:
    return target_chip(device_info(device).chip)


def device_of(tensor: Any) -> Optional[int]:
    """The CUDA device of an array or tensor, None for the CPU."""
    if getattr(tensor, "is_cuda", False):
        return int(tensor.get_device())
    if hasattr(tensor, "is_cuda") or not hasattr(tensor, "__dlpack_device__"):
        return None
    kind, device = tensor.__dlpack_device__()
    return int(device) if kind == _DLPACK_CUDA else None


def chip_of(tensor: Any) -> Optional[str]:
    """The chip that code for the place of an array or tensor is compiled for;
    None for the CPU."""
    device = device_of(tensor)
    return None if device is None else _target_of(device)
