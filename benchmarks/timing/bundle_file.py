# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bundles as files: reads and writes the header (docs/bundle-format.md)."""

from __future__ import annotations

import json
import pathlib
import struct
import zlib
from typing import NamedTuple

#: Magic, format version, 0, size of the file, size of the JSON.
FIXED = struct.Struct("<8sIIQQ")
CHECKSUM = struct.Struct("<I")


class BundleFile(NamedTuple):
    """What a bundle has."""

    version: int
    #: The JSON of the header.
    header: dict
    #: The code objects, one behind the other.
    objects: bytes


def read(path: pathlib.Path) -> BundleFile:
    """Reads a bundle that the runtime accepts; nothing is checked."""
    data = path.read_bytes()
    _, version, _, size, json_size = FIXED.unpack_from(data)
    end = FIXED.size + json_size
    return BundleFile(
        version,
        json.loads(data[FIXED.size : end]),
        data[end : size - CHECKSUM.size],
    )


def write(path: pathlib.Path, bundle: BundleFile) -> None:
    """Writes a bundle, with sizes and checksum."""
    text = json.dumps(bundle.header).encode()
    size = FIXED.size + len(text) + len(bundle.objects) + CHECKSUM.size
    data = FIXED.pack(b"INDEXERB", bundle.version, 0, size, len(text))
    data += text + bundle.objects
    path.write_bytes(data + CHECKSUM.pack(zlib.crc32(data)))
