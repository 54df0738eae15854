# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Schedules that may be the fastest for some T, and a rough estimate of their times.

The compiler has the last word on what can be built: what it rejects is dropped. What was
fastest for other shapes is the best guess, a rough estimate is the second one: both only keep
the number small; what is left is timed.
"""

from __future__ import annotations

import math
import re
from typing import Iterable, Iterator, NamedTuple

from timing.plan import Shape

#: Of the H100: multiprocessors, shared memory of one in bytes, and what each CTA takes of it
#: beyond its own.
MULTIPROCESSORS, SM_SHARED_BYTES, CTA_RESERVE = 132, 228 * 1024, 1024
#: Microseconds of a launch that loads nothing, and bytes that one multiprocessor loads in a
#: microsecond; all of them together load no more than READ_BYTES.
START_US, SM_BYTES, READ_BYTES = 1.2, 100_000, 3_140_000
#: Microseconds of each step that a thread loads beyond its second one, and of a CTA beyond a
#: cluster of 8: they start late.
STEP_US, WIDE_CLUSTER_US = 0.035, 0.1
#: What the quicker of two limits takes beside the other: it decides where many tiles reach
#: the bandwidth of all multiprocessors together.
QUICK_SHARE = 0.1


class Schedule(NamedTuple):
    """The fields of `#indexer.schedule` that a table has, with its defaults."""

    family: str
    tile_t: int
    tile_h: int
    threads: int
    cluster: int = 1
    tile_d: int = 0
    stages: int = 0
    multicast: int = 1
    max_ctas: int = 0

    def attribute(self, weights: str) -> str:
        """The MLIR attribute."""
        default = Schedule("", 0, 0, 0)._asdict()
        fields = {
            name: value
            for name, value in self._asdict().items()
            if value != default[name]
        }
        fields["weights"] = weights
        text = ", ".join(f"{name} = {value}" for name, value in fields.items())
        return f"#indexer.schedule<{text}>"

    def name(self) -> str:
        """A name for files."""
        return "_".join(str(value) for value in self)


def read_schedules(text: str) -> list[Schedule]:
    """The schedules of the attributes in a text; whom they serve is not read."""
    found = []
    for body in re.findall(r"#indexer\.schedule<(.*?)>", text, re.DOTALL):
        fields = dict(re.findall(r"(\w+) = (\w+)", body))
        values = {
            name: value if name == "family" else int(value)
            for name, value in fields.items()
            if name in Schedule._fields
        }
        found.append(Schedule(**values))
    return found


def _dots(shape: Shape) -> Iterator[Schedule]:
    for warps in range(4, 29):
        if shape.hidden % (warps * 256) == 0:
            for tile_t in (1, 2):
                for tile_h in (1, 2, 4):
                    yield Schedule("dot", tile_t, tile_h, warps * 32)


def _register_mmas(shape: Shape) -> Iterator[Schedule]:
    for cluster in (1, 2, 4, 8, 16):
        for warps in range(4, 17):
            if shape.hidden % (warps * 32 * cluster) == 0:
                for tile_t in (8, 16, 24, 32, 48):
                    for tile_h in (8, 16, 32, 64):
                        yield Schedule(
                            "register_mma", tile_t, tile_h, warps * 32, cluster
                        )


def _received(outputs: int, split: int) -> int:
    """Bytes that a CTA of a cluster receives of the sums of a tile."""
    if split == 1:
        return 0
    # Units of outputs of one owner (wgmmaReductionUnit), as many for each CTA.
    units = split * min(128, outputs // split)
    return -(-outputs // units) * units * 4 + 8


def _stages(
    tile: tuple[int, int],
    tile_d: int,
    split: int,
    ctas: int,
    steps: int,
    barriers: int = 0,
) -> int:
    """Stages of a ring that leaves room for `ctas` CTAs on a multiprocessor; each has
    `barriers` bytes of them. The tile is tokens and heads."""
    tile_t, tile_h = tile
    received = _received(tile_t * tile_h, split)
    room = SM_SHARED_BYTES // ctas - CTA_RESERVE - 1024 - received
    return min(steps, room // ((tile_t + tile_h) * tile_d * 2 + barriers))


def _wgmmas(shape: Shape) -> Iterator[Schedule]:
    for cluster in (1, 2, 4, 8, 16):
        for tile_d in (64, 128):
            if shape.hidden % (cluster * tile_d) != 0:
                continue
            steps = shape.hidden // (cluster * tile_d)
            for tile_t in range(8, 97, 8):
                for ctas in (1, 2):
                    stages = _stages((tile_t, 64), tile_d, cluster, ctas, steps)
                    if stages >= 2:
                        yield Schedule(
                            "cp_async_wgmma", tile_t, 64, 128, cluster, tile_d, stages
                        )


#: Columns that wgmma sums in one chain at most (maxChainColumns).
MAX_CHAIN_COLUMNS = 896


def _resident_wgmmas(shape: Shape) -> Iterator[Schedule]:
    """A CTA's share of d in one stage."""
    for cluster in (1, 2, 4, 8, 16):
        share = shape.hidden // cluster
        if share * cluster != shape.hidden or share % 64 or share > MAX_CHAIN_COLUMNS:
            continue
        for tile_t in range(8, 97, 8):
            if _stages((tile_t, 64), share, cluster, 1, 1):
                yield Schedule("cp_async_wgmma", tile_t, 64, 128, cluster, share, 1)


#: Tokens of a warpgroup of tma_wgmma, by the warpgroups of a CTA: beyond it ptxas spills.
WARPGROUP_TOKENS = {1: 128, 2: 80, 3: 64}
#: Tokens of a tile whose heads the warpgroups divide: the most where d is not divided, and
#: where it is; and those from which on x is read for enough heads to pay where it is not.
HEADS_TOKENS, SPLIT_HEADS_TOKENS, WHOLE_TOKENS = 128, 88, 48


def _tma_wgmmas(shape: Shape) -> Iterator[Schedule]:
    for warpgroups, most_tokens in WARPGROUP_TOKENS.items():
        step, end = 8 * warpgroups, most_tokens * warpgroups
        for tile_t in range(step, end + 1, step):
            # More warpgroups are for tiles that one has no registers for.
            if warpgroups == 1 or tile_t > 96:
                yield from _tma_rings(shape, tile_t, 128 * warpgroups + 32)


def _tma_rings(shape: Shape, tile_t: int, threads: int) -> Iterator[Schedule]:
    for split in (1, 2, 4, 8):
        for ctas in (1, 2) if threads == 160 else (1,):
            for tile_d in (256, 128, 64):
                if shape.hidden % (split * tile_d) != 0:
                    continue
                steps = shape.hidden // (split * tile_d)
                stages = _stages((tile_t, 64), tile_d, split, ctas, steps, 16)
                ring = (tile_d, stages)
                if stages >= 2 and (tile_d >= 128 or threads > 160):
                    yield Schedule("tma_wgmma", tile_t, 64, threads, split, *ring)
                # Persistent, the weight shared by two CTAs; one stage less is at
                # times faster.
                if stages >= 3 and split == 1 and tile_d <= 128:
                    most = MULTIPROCESSORS * ctas
                    for fewer in (stages, stages - 1):
                        yield Schedule(
                            "tma_wgmma", tile_t, 64, threads, 2, tile_d, fewer, 2, most
                        )


def _tma_heads(shape: Shape) -> Iterator[Schedule]:
    """Tiles of 128 or 192 heads, as many as there are or a part of them; a warpgroup has 64,
    and another one copies."""
    for warpgroups in (2, 3):
        tile_h = 64 * warpgroups
        if shape.heads <= tile_h - 64:
            continue
        for tile_t in range(WHOLE_TOKENS, HEADS_TOKENS + 1, 8):
            yield from _tma_heads_rings(shape, (tile_t, tile_h), 1)
        for tile_t in range(8, SPLIT_HEADS_TOKENS + 1, 8):
            for split in (2, 4, 8):
                yield from _tma_heads_rings(shape, (tile_t, tile_h), split)


def _tma_heads_rings(
    shape: Shape, tile: tuple[int, int], split: int
) -> Iterator[Schedule]:
    threads = 2 * tile[1] + 128
    for tile_d in (128, 64):
        if shape.hidden % (split * tile_d) != 0:
            continue
        steps = shape.hidden // (split * tile_d)
        stages = _stages(tile, tile_d, split, 1, steps, 16)
        if stages < min(3, steps):
            continue
        yield Schedule("tma_wgmma", *tile, threads, split, tile_d, stages)
        if split == 1:
            # The weight by each CTA or shared by two, with and without a next tile.
            for cluster, most in ((1, MULTIPROCESSORS), (2, 0), (2, MULTIPROCESSORS)):
                yield Schedule(
                    *("tma_wgmma", *tile, threads, cluster, tile_d, stages),
                    *(cluster, most),
                )


def enumerate_schedules(shape: Shape) -> list[Schedule]:
    """Every candidate for a shape, each once."""
    found = [*_dots(shape), *_register_mmas(shape)]
    found += [*_wgmmas(shape), *_resident_wgmmas(shape)]
    found += [*_tma_wgmmas(shape), *_tma_heads(shape)]
    fits = (
        schedule
        for schedule in found
        if schedule.tile_d or shape.heads % schedule.tile_h == 0
    )
    return list(dict.fromkeys(fits))


def _late_us(schedule: Schedule, shape: Shape) -> float:
    """What a CTA starts late for."""
    late = WIDE_CLUSTER_US if schedule.cluster > 8 else 0.0
    if schedule.tile_d:
        return late
    columns = 8 if schedule.family == "dot" else schedule.cluster
    steps = shape.hidden // (schedule.threads * columns)
    return late + STEP_US * max(0, steps - 2)


def estimate_us(schedule: Schedule, shape: Shape, tokens: int) -> float:
    """About how many microseconds a launch takes: the bytes that a multiprocessor loads,
    or all of them, one wave of CTAs after the other."""
    tiles = -(-tokens // schedule.tile_t) * -(-shape.heads // schedule.tile_h)
    split = schedule.cluster // schedule.multicast
    ctas = tiles * split
    # Multicast does not make the weight's way into a multiprocessor shorter.
    rows = min(schedule.tile_t, tokens) + min(schedule.tile_h, shape.heads)
    cta_bytes = rows * shape.hidden / split * 2
    waves = -(-ctas // MULTIPROCESSORS)
    alone = waves * cta_bytes / SM_BYTES
    # What one CTA has read, the others find in L2, at about three times the bandwidth.
    unique = (tokens + shape.heads) * shape.hidden * 2
    together = max(unique / READ_BYTES, ctas * cta_bytes / (3 * READ_BYTES))
    late = waves * _late_us(schedule, shape)
    slow, quick = max(alone, together), min(alone, together)
    return START_US + late + slow + QUICK_SHARE * quick


class Known(NamedTuple):
    """What was fastest for a shape, from `first` to `last` tokens."""

    shape: Shape
    schedule: Schedule
    first: int
    last: float


def _tile(schedule: Schedule) -> tuple:
    """All but how a tile is copied: schedules with the same are much alike, unless so few
    stages fit that their width decides."""
    has_few_stages = schedule.tile_h > 64 or schedule.stages == 1
    tile_d = schedule.tile_d if has_few_stages and schedule.stages else 0
    return schedule._replace(threads=0, tile_d=tile_d, stages=0)


def _likeness(schedule: Schedule, other: Schedule) -> tuple:
    """Smaller the more alike schedules of one family are."""
    return tuple(
        abs(math.log2((getattr(schedule, name) or 1) / (getattr(other, name) or 1)))
        for name in ("cluster", "tile_t", "tile_h", "threads", "tile_d", "stages")
    )


#: Rows of the table that served more than so many times as many tiles, or fewer, have no say.
NEAR = 2.0


def _like_known(
    schedules: list[Schedule], shape: Shape, tokens: int, known: Iterable[Known]
) -> Iterator[Schedule]:
    """For each row of the table that served about as many tiles, the most similar of the
    schedules: with its tile of tokens, and with tiles that make up for more heads."""
    blocks = -(-shape.heads // 64)
    for row in known:
        row_blocks = -(-row.shape.heads // 64)
        wanted = tokens * blocks / row_blocks
        if row.first > NEAR * wanted or NEAR * row.last < wanted:
            continue
        alike = [
            s
            for s in schedules
            if s.family == row.schedule.family
            and s.multicast == row.schedule.multicast
            and bool(s.max_ctas) == bool(row.schedule.max_ctas)
        ]
        if not alike:
            continue
        for factor in range(1, max(1, blocks // row_blocks) + 1):
            target = row.schedule._replace(tile_t=row.schedule.tile_t * factor)
            yield min(alike, key=lambda s: _likeness(s, target))


def most_likely(
    schedules: Iterable[Schedule],
    shape: Shape,
    tokens: int,
    limit: int,
    known: Iterable[Known] = (),
) -> list[Schedule]:
    """Schedules for T tokens: those that are like what is `known` to be fastest, and of
    the others the `limit` of the shortest estimates. Each family has an equal share of
    these, and each tile one place: an estimate of one says little about another."""
    # A tile with more columns than tokens only costs, and so does being persistent where
    # every tile has a CTA of its own.
    fitting = [
        schedule
        for schedule in schedules
        if schedule.tile_t < tokens + 8
        and schedule.max_ctas * schedule.tile_t <= tokens
    ]
    families: dict[str, dict[tuple, tuple]] = {}
    for schedule in fitting:
        tiles = families.setdefault(schedule.family, {})
        estimate = estimate_us(schedule, shape, tokens), schedule
        tile = _tile(schedule)
        tiles[tile] = min(tiles.get(tile, estimate), estimate)
    share = max(1, limit // max(1, len(families)))
    chosen = [
        schedule
        for tiles in families.values()
        for _, schedule in sorted(tiles.values())[:share]
    ]
    alike = _like_known(fitting, shape, tokens, known)
    return list(dict.fromkeys([*alike, *chosen]))
