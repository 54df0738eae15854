# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is measured, in which order, and about how long that takes.

The head gate of DeepSeek-V3.2 (H = 64, E = 7168, bf16) at T tokens. A run may be cut off at
any time, so what is most useful comes first: the ten token counts of the goals with all
columns, then the tuned Triton kernel, then all other counts from coarse to fine.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, NamedTuple, Optional


class Shape(NamedTuple):
    """H and E of a gate."""

    heads: int
    hidden: int


#: DeepSeek-V3.2.
MODEL = Shape(64, 7168)
HEADS, HIDDEN = MODEL

#: Token counts of the goals, the most telling first.
GOAL_TOKENS = (1, 16, 64, 256, 1024, 8192, 4, 4096, 65536, 16384)
#: Token counts of the peers that are slow to prepare.
PEER_TOKENS = (*GOAL_TOKENS, 2048, 512)

#: Token counts that are measured once more with no other process alive.
ALONE_TOKENS = (1, 64, 1024)

#: Bytes a second that a GPU reads at best, where a run has not measured it (an H100
#: SXM's).
READ_BYTES_PER_SECOND = 3.14e12
#: Data of one process: more than enough that its weights are cold in a 50 MB L2.
PROCESS_BYTES = 2_000_000_000
#: Data of the processes that are alive at a time.
BATCH_BYTES = 30_000_000_000
#: Processes that are prepared together: two a core of the GPU machine.
BATCH_PROCESSES = 30
#: Calls of a graph: at most, and at least.
MAX_CALLS, MIN_CALLS = 96, 3


class Column(NamedTuple):
    """One line of the plot."""

    name: str
    title: str
    #: Measured at all token counts, or at PEER_TOKENS only.
    is_swept: bool
    #: Seconds that one process takes of a core before it is ready, and that it
    #: holds up all others: context, allocation and their release. Estimates.
    prepare_seconds: float
    serial_seconds: float


COLUMNS = (
    Column("ours", "ours", True, 0.6, 0.25),
    Column("ours_pdl", "ours, PDL chain", True, 0.6, 0.25),
    Column("ours_invariant", "ours, batch-invariant", False, 0.6, 0.25),
    Column("torch_compile", "torch.compile", True, 6.0, 0.35),
    Column("torch_eager", "torch eager", False, 1.5, 0.35),
    Column("mm", "torch.mm alone", False, 1.5, 0.35),
    Column("mm_lt", "torch.mm by cuBLASLt", False, 1.5, 0.35),
    Column("triton", "Triton, tuned", False, 2.0, 0.35),
)


class Task(NamedTuple):
    """One measurement, which is one process."""

    column: str
    tokens: int
    #: Repeats of the same measurement are numbered from 0.
    repeat: int = 0
    #: Measured with no other process beside it.
    is_alone: bool = False
    #: Triton: the configuration; else "".
    variant: str = ""


def gate_bytes(tokens: int, shape: Shape = MODEL) -> int:
    """Bytes that the gate of T tokens has to move: x [T, E] and weight [H, E] in
    bf16, q_scale [T, H] and the gate in f32, each once."""
    heads, hidden = shape
    return 2 * (tokens + heads) * hidden + 2 * 4 * tokens * heads


def floor_us(tokens: int, bytes_per_second: float = READ_BYTES_PER_SECOND) -> float:
    """Microseconds that these bytes take at the GPU's read ceiling."""
    return gate_bytes(tokens) / bytes_per_second * 1e6


def call_count(tokens: int, shape: Shape = MODEL) -> int:
    """Calls of one graph, each with its own x, weight, q_scale and result."""
    return max(MIN_CALLS, min(MAX_CALLS, PROCESS_BYTES // gate_bytes(tokens, shape)))


def sweep_tokens() -> list[int]:
    """All token counts: 1 to 64, then steps of 1.1, and those of the peers."""
    counts = set(range(1, 65)) | set(PEER_TOKENS)
    step = 64.0
    while step < 65536:
        counts.add(round(step))
        step *= 1.1
    return sorted(counts)


def coarse_to_fine(items: list[int]) -> list[int]:
    """The items so that each prefix is spread evenly over all of them: by the
    bits of the position in reverse (van der Corput's sequence)."""
    bits = max(1, (len(items) - 1).bit_length())
    order = (int(format(i, f"0{bits}b")[::-1], 2) for i in range(1 << bits))
    return [items[i] for i in order if i < len(items)]


def find_column(name: str) -> Column:
    """The column of that name."""
    return next(column for column in COLUMNS if column.name == name)


def first_tasks(names: Iterable[str]) -> list[Task]:
    """The goals with every column but Triton; those that are swept once more, and
    at some T alone: what the processes beside a measurement do to it."""
    plain = [name for name in names if name != "triton"]
    swept = [name for name in plain if find_column(name).is_swept]
    tasks = [Task(name, tokens) for tokens in GOAL_TOKENS for name in plain]
    tasks += [Task(name, tokens, 1) for tokens in GOAL_TOKENS for name in swept]
    # The peer is slow to prepare, and its kernels are no different.
    return tasks + [
        Task(name, tokens, is_alone=True)
        for name in swept
        for tokens in (ALONE_TOKENS if name.startswith("ours") else ALONE_TOKENS[-1:])
    ]


def sweep_tasks(names: Iterable[str]) -> list[Task]:
    """Everything else but Triton."""
    names = [name for name in names if name != "triton"]
    rest = [t for t in PEER_TOKENS if t not in GOAL_TOKENS]
    rest += coarse_to_fine([t for t in sweep_tokens() if t not in PEER_TOKENS])
    return [
        Task(name, tokens)
        for tokens in rest
        for name in names
        if find_column(name).is_swept or tokens in PEER_TOKENS
    ]


def batches(tasks: Iterable[Any], shape: Shape = MODEL) -> Iterator[list[Any]]:
    """Groups of tasks that are prepared together, in the given order. A task has
    `tokens` and `is_alone`."""
    batch: list[Task] = []
    size = 0
    for task in tasks:
        needed = call_count(task.tokens, shape) * gate_bytes(task.tokens, shape)
        is_full = len(batch) == BATCH_PROCESSES or size + needed > BATCH_BYTES
        if batch and (is_full or task.is_alone or batch[-1].is_alone):
            yield batch
            batch, size = [], 0
        batch.append(task)
        size += needed
    if batch:
        yield batch


#: Replays of a graph before the timed ones, and these.
WARMUP_REPLAYS, TIMED_REPLAYS = 3, 20
#: Age of a measurement at which as many are timed once more.
LATE_SECONDS = 0.01


def measure_seconds(task: Task) -> float:
    """About how long the replays of a measurement take."""
    call = 8e-6 + 1.2e-6 * floor_us(task.tokens)
    graph = call * call_count(task.tokens)
    return LATE_SECONDS + (WARMUP_REPLAYS + 2 * TIMED_REPLAYS) * graph


def batch_seconds(batch: list[Task], cores: Optional[int]) -> float:
    """About how long a batch takes on a machine with that many cores."""
    columns = [find_column(task.column) for task in batch]
    prepare = sum(column.prepare_seconds for column in columns) / (cores or 1)
    prepare = max(prepare, *(column.prepare_seconds for column in columns), 0)
    serial = sum(column.serial_seconds for column in columns)
    return prepare + serial + sum(measure_seconds(task) for task in batch)
