# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configurations of the Triton kernel in peers/triton_gate.py. Needs no Triton."""

from typing import NamedTuple


class Configuration(NamedTuple):
    """A form of the kernel and its parameters; sizes in elements."""

    #: "multiply" or "dot".
    form: str
    block_t: int
    block_h: int
    block_e: int
    #: Programs that share the sum of a tile.
    split: int
    warps: int
    stages: int
    #: Operands through tensor descriptors.
    descriptors: bool

    def __str__(self) -> str:
        tile = f"{self.block_t}x{self.block_h}x{self.block_e}"
        loads = ", descriptors" if self.descriptors else ""
        return (
            f"{self.form} {tile}, split {self.split}, {self.warps} warps, "
            f"{self.stages} stages{loads}"
        )


def count_tiles(configuration: Configuration, tokens: int, heads: int) -> int:
    """Tiles of `dot_gate`."""
    return -(-tokens // configuration.block_t) * (heads // configuration.block_h)


#: Shared memory of a block on sm_90, and what a register tile may hold.
MAX_SHARED_BYTES = 232448
MULTIPROCESSORS = 132


def _fits(configuration: Configuration, tokens: int, heads: int, hidden: int) -> bool:
    """False where the configuration cannot run or cannot fill the GPU."""
    rows = configuration.block_t + configuration.block_h
    if hidden % (configuration.block_e * configuration.split) != 0:
        return False
    if rows * configuration.block_e * 2 * configuration.stages > MAX_SHARED_BYTES:
        return False
    # More than half a tile of padding, beyond the smallest tile.
    if configuration.block_t > 16 and configuration.block_t >= 2 * tokens:
        return False
    programs = count_tiles(configuration, tokens, heads) * configuration.split
    if configuration.split > 1 and programs > 2 * MULTIPROCESSORS:
        return False
    return programs >= MULTIPROCESSORS * 2 // 5


def configurations(tokens: int, heads: int = 64, hidden: int = 7168):
    """The configurations that are tried for T tokens, in a fixed order."""
    found = []
    if tokens <= 4:
        for block_h in (1, 2):
            for block_e, warps in ((1024, 4), (2048, 8), (8192, 8), (8192, 16)):
                found.append(
                    Configuration("multiply", 1, block_h, block_e, 1, warps, 1, False)
                )
    # Narrow tiles of heads only where tokens are too few to fill the GPU.
    blocks_h = (16, 32, 64) if tokens <= 64 else (64,)
    variants = ((64, 4, 4), (128, 4, 3), (128, 4, 4), (128, 8, 3), (256, 4, 2))
    for block_t in (16, 32, 64, 128):
        for block_h in blocks_h:
            for split in (1, 2, 4, 7, 8, 14, 16, 28):
                for block_e, warps, stages in variants:
                    for descriptors in (False, True) if tokens >= 256 else (False,):
                        one = Configuration(
                            "dot",
                            block_t,
                            block_h,
                            block_e,
                            split,
                            warps,
                            stages,
                            descriptors,
                        )
                        if _fits(one, tokens, heads, hidden):
                            found.append(one)
    return found
