# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table, the JSON and the plot of what was measured."""

from __future__ import annotations

import json
import pathlib
import statistics
from typing import Optional

from timing import machine, plan, records, triton_peer

#: Goals in microseconds by T: a call alone, a call in a PDL chain, and the first
#: as a ratio to torch.compile.
GOALS = {
    1: (1.75, 1.2, 0.24),
    4: (2.1, 1.3, 0.29),
    16: (2.35, 1.4, 0.32),
    64: (2.95, 1.85, 0.37),
    256: (3.8, 3.4, 0.45),
    1024: (7.9, 7.5, 0.68),
    4096: (22.8, 22.6, 0.80),
    8192: (42.3, 42.0, 0.91),
    16384: (81.5, 81.5, 0.90),
    65536: (319.0, 319.0, 0.87),
}
#: Columns that compute the gate, against which ours must not lose.
GATES = ("torch_compile", "triton")
#: Pages of other programs that become sections where the folder has them: file, title.
EXTRA_PAGES = (
    ("launch-cost.txt", "Host time of a launch"),
    ("compile_times.md", "Compile time of each kernel"),
)
#: Largest step of the time between neighbouring T, beyond that of the bytes.
MAX_STEP = 1.15


class Times:
    """Microseconds by column and T, out of the records: the mean of the repeats of
    the newest run that has the column at this T; of Triton the best finalist."""

    def __init__(self, lines: list[dict]) -> None:
        self._us: dict[tuple[str, int], float] = {}
        self._run: dict[tuple[str, int], int] = {}
        #: What runs there, of columns that choose: Triton's configurations.
        self.variant: dict[tuple[str, int], str] = {}
        self.spread: dict[tuple[str, int], float] = {}
        self.error: dict[tuple[str, int], float] = {}
        self.alone: dict[tuple[str, int], float] = {}
        #: By column: how much slower the same graph is some milliseconds later.
        self.late: dict[str, list[float]] = {}
        groups: dict[tuple[str, int], dict[str, list[dict]]] = {}
        for line in lines:
            key = line["column"], line["tokens"]
            self.late.setdefault(line["column"], []).append(line["late"] - line["us"])
            if line["is_alone"]:
                self.alone[key] = line["us"]
                continue
            variants = groups.setdefault(key, {})
            entries = variants.setdefault(line["variant"], [])
            if (
                entries
                and entries[0]["run"] != line["run"]
                and _is_newer(line, entries[0])
            ):
                entries.clear()
            entries.append(line)
        for key, variants in groups.items():
            best = min(variants.values(), key=_mean)
            self.variant[key] = best[0]["variant"]
            self._us[key] = _mean(best)
            self._run[key] = best[-1]["run"]
            times = [line["us"] for line in best]
            self.spread[key] = max(times) - min(times)
            self.error[key] = max(line["error"] for line in best)

    def us(self, column: str, tokens: int) -> Optional[float]:
        """Microseconds of a call, None where there is no measurement."""
        return self._us.get((column, tokens))

    def tokens(self, column: str) -> list[int]:
        """Token counts of a column."""
        return sorted(count for name, count in self._us if name == column)

    def ratio(self, column: str, peer: str, tokens: int) -> Optional[float]:
        """Time of a column over that of a peer."""
        ours, theirs = self.us(column, tokens), self.us(peer, tokens)
        return ours / theirs if ours and theirs else None

    def is_one_run(self, column: str, peer: str, tokens: int) -> bool:
        """False where a ratio mixes two runs."""
        return self._run.get((column, tokens)) == self._run.get((peer, tokens))


def _is_newer(line: dict, other: dict) -> bool:
    """A new bundle replaces what an older one measured; a second run with the same
    one adds to it."""
    return line.get("bundle") != other.get("bundle")


def _mean(lines: list[dict]) -> float:
    return statistics.mean(line["us"] for line in lines)


def _number(value: Optional[float]) -> str:
    """A time or a ratio with three digits or so."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 20 else f"{value:.1f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def slower_than_peer(times: Times) -> list[tuple[int, float, str, float]]:
    """T at which ours loses: T, ours, the peer's name, the peer's time."""
    found = []
    for tokens in times.tokens("ours"):
        ours = times.us("ours", tokens)
        for peer in GATES:
            theirs = times.us(peer, tokens)
            if theirs is not None and ours > theirs:
                found.append((tokens, ours, peer, theirs))
    return found


def steep_steps(times: Times, column: str) -> list[tuple[int, int, float]]:
    """Neighbouring T whose times grow by more than their bytes do, times MAX_STEP:
    both T and the factor beyond the bytes."""
    found = []
    tokens = times.tokens(column)
    for before, after in zip(tokens, tokens[1:]):
        factor = times.us(column, after) / times.us(column, before)
        factor /= plan.gate_bytes(after) / plan.gate_bytes(before)
        if factor > MAX_STEP:
            found.append((before, after, factor))
    return found


def _goal_rows(store: records.Records, times: Times) -> list[list[str]]:
    rows = []
    for tokens, (plain, chain, ratio) in GOALS.items():
        if not times.us("ours", tokens) and not times.us("ours_pdl", tokens):
            continue
        found = times.ratio("ours", "torch_compile", tokens)
        mixed = not times.is_one_run("ours", "torch_compile", tokens)
        rows.append(
            [
                str(tokens),
                _number(store.floor_us(tokens)),
                _number(times.us("ours", tokens)),
                _number(plain),
                _number(times.us("ours_pdl", tokens)),
                _number(chain),
                _number(found) + ("*" if found and mixed else ""),
                _number(ratio),
            ]
        )
    return rows


def _peer_rows(store: records.Records, times: Times) -> list[list[str]]:
    names = [column.name for column in plan.COLUMNS]
    return [
        [
            str(tokens),
            *(_number(times.us(name, tokens)) for name in names),
            _number(store.floor_us(tokens)),
        ]
        for tokens in sorted(plan.PEER_TOKENS)
        if any(times.us(name, tokens) for name in names)
    ]


def _sweep_rows(store: records.Records, times: Times) -> list[list[str]]:
    rows = []
    for tokens in times.tokens("ours"):
        values = [
            times.us(name, tokens) for name in ("ours", "ours_pdl", "torch_compile")
        ]
        values.append(times.ratio("ours", "torch_compile", tokens))
        values.append(store.floor_us(tokens))
        rows.append([str(tokens), *map(_number, values)])
    return rows


def _alone_rows(times: Times) -> list[list[str]]:
    rows = []
    for (column, tokens), alone in sorted(times.alone.items()):
        beside = times.us(column, tokens)
        rows.append(
            [
                plan.find_column(column).title,
                str(tokens),
                _number(alone),
                _number(beside),
                f"{beside - alone:+.2f}" if beside else "",
            ]
        )
    return rows


def _judgements(times: Times) -> list[str]:
    """The sentences below the tables."""
    lines = []
    slower = slower_than_peer(times)
    compared = set(times.tokens("ours"))
    compared &= {t for peer in GATES for t in times.tokens(peer)}
    lines.append(
        f"- T at which ours is slower than torch.compile or Triton: {len(slower)} of "
        f"the {len(compared)} measured"
    )
    lines += [
        f"  - T = {t}: {ours:.2f} us, {plan.find_column(peer).title} {theirs:.2f} us"
        for t, ours, peer, theirs in slower
    ]
    for column in ("ours", "ours_pdl"):
        steps = steep_steps(times, column)
        title = plan.find_column(column).title
        lines.append(
            f"- steps of more than {MAX_STEP}x between neighbours beyond the bytes, "
            f"{title}: {len(steps) or 'none'}"
        )
        lines += [
            f"  - T = {before} to {after}: {factor:.2f}x"
            for before, after, factor in steps
        ]
    errors = {
        column.title: max(
            (error for (name, _), error in times.error.items() if name == column.name),
            default=None,
        )
        for column in plan.COLUMNS
    }
    largest = ", ".join(
        f"{title} {error:.1e}" for title, error in errors.items() if error is not None
    )
    lines.append(f"- largest relative error against float64: {largest or 'none'}")
    spread = max(times.spread.values(), default=0.0)
    lines.append(f"- largest difference between two repeats: {spread:.2f} us")
    late = ", ".join(
        f"{plan.find_column(name).title} {statistics.median(found):+.2f} us"
        for name, found in times.late.items()
    )
    lines.append(f"- the same graph {plan.LATE_SECONDS * 1e3:.0f} ms later: {late}")
    return [*lines, ""]


def markdown(store: records.Records) -> str:
    """The page of results."""
    times = Times(list(store.of("time")))
    titles = [column.title for column in plan.COLUMNS]
    lines = ["# Times of the head gate", ""]
    lines += [
        "H = 64, E = 7168, bf16 operands, f32 result; microseconds a call, weights "
        "cold in L2; method: `benchmarks/gpu_times.py`.",
        "",
    ]
    for run in store.of("run"):
        lines.append(f"- run {run['run']}: {machine.sentence(run['machine'])}")
        lines.append(f"  - `{run['command']}`")
    for line in store.of("read-ceiling"):
        ceiling = line["bytes_per_second"] / 1e12
        lines.append(f"- byte floor by what run {line['run']} read at best, {ceiling:.2f} TB/s")
    lines += ["", "## Goals", ""]
    lines += _table(
        "T|byte floor|ours|goal|PDL chain|goal|ours / torch.compile|goal".split("|"),
        _goal_rows(store, times),
    )
    if any("*" in row[6] for row in _goal_rows(store, times)):
        lines += ["\\* measured in two runs", ""]
    lines += ["## Peers", ""]
    lines += _table(["T", *titles, "byte floor"], _peer_rows(store, times))
    lines += ["## Judgement", "", *_judgements(times)]
    chosen = [
        [str(tokens), str(triton_peer.parse(variant))]
        for (_, tokens), variant in sorted(times.variant.items())
        if variant
    ]
    if chosen:
        lines += ["## What Triton was tuned to", ""]
        lines += _table(["T", "configuration"], chosen)
    if times.alone:
        lines += ["## A process alone on the GPU, and one of a batch", ""]
        lines += _table(
            ["column", "T", "alone", "in a batch", "difference"], _alone_rows(times)
        )
    lines += ["## All T", ""]
    lines += _table(
        "T|ours|PDL chain|torch.compile|ours / torch.compile|byte floor".split("|"),
        _sweep_rows(store, times),
    )
    failures = store.failures()
    if failures:
        lines += ["## Failures", ""]
        lines += [
            f"- run {line['run']}, {line['column']}, T = {line['tokens']}: "
            f"{line['error'].splitlines()[0] if line['error'] else ''}"
            for line in failures
        ]
        lines.append("")
    return "\n".join(lines)


def summary(store: records.Records) -> dict:
    """The same for programs: machine, and times by column and T."""
    times = Times(list(store.of("time")))
    return {
        "problem": {"heads": plan.HEADS, "hidden": plan.HIDDEN, "type": "bf16"},
        "unit": "microseconds a call",
        "runs": [
            {key: value for key, value in run.items() if key != "kind"}
            for run in store.of("run")
        ],
        "byte_floor": {t: round(store.floor_us(t), 3) for t in plan.sweep_tokens()},
        "columns": {
            column.name: {
                "title": column.title,
                "us": {
                    t: round(times.us(column.name, t), 3)
                    for t in times.tokens(column.name)
                },
            }
            for column in plan.COLUMNS
        },
    }


def plot(store: records.Records, path: pathlib.Path) -> None:
    """Time over T and ratio over T, one above the other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    times = Times(list(store.of("time")))
    figure, (upper, lower) = pyplot.subplots(
        2, 1, sharex=True, figsize=(9, 10), height_ratios=(3, 2)
    )
    tokens = plan.sweep_tokens()
    floors = [store.floor_us(count) for count in tokens]
    upper.plot(tokens, floors, "k:", label="byte floor")
    for number, column in enumerate(plan.COLUMNS):
        counts = times.tokens(column.name)
        if not counts:
            continue
        values = [times.us(column.name, count) for count in counts]
        style = {
            # The same in both plots.
            "color": f"C{number}",
            "linestyle": "-" if column.is_swept else "--",
            "marker": "" if column.is_swept else "o",
            "markersize": 4,
            "linewidth": 2 if column.name.startswith("ours") else 1,
            "label": column.title,
        }
        upper.plot(counts, values, **style)
        ratios = [
            (count, ratio)
            for count in counts
            if (ratio := times.ratio(column.name, "torch_compile", count))
        ]
        if ratios and column.name != "torch_compile":
            lower.plot(*zip(*ratios), **style)
    lower.axhline(1, color="k", linewidth=0.8)
    lower.plot(
        list(GOALS), [goal[2] for goal in GOALS.values()], "kx", label="goal, ours"
    )
    upper.set(yscale="log", ylabel="microseconds a call")
    lower.set(xscale="log", xlabel="T, tokens", ylabel="time / torch.compile's")
    lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    run = list(store.of("run"))[-1]
    upper.set_title(
        "Head gate, H = 64, E = 7168, bf16, weights cold in L2\n"
        + machine.sentence(run["machine"]),
        fontsize=9,
    )
    for axes in (upper, lower):
        axes.grid(True, which="both", linewidth=0.3)
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def write(folder: pathlib.Path) -> str:
    """Writes times.md, times.json and, where there is Matplotlib, times.png to the
    folder of records.jsonl; returns the page without the long table."""
    store = records.Records(folder / "records.jsonl")
    if not any(store.of("time")):
        failures = [f"{line['column']}: {line['error']}" for line in store.failures()]
        return "\n".join(["nothing has been measured", *failures])
    page = markdown(store)
    for name, title in EXTRA_PAGES:
        if (folder / name).exists():
            text = (folder / name).read_text()
            if name.endswith(".txt"):
                text = f"```\n{text}```\n"
            page += f"\n## {title}\n\n{text}"
    (folder / "times.md").write_text(page)
    (folder / "times.json").write_text(json.dumps(summary(store), indent=1) + "\n")
    try:
        plot(store, folder / "times.png")
    except ImportError:
        page += "\nno plot: Matplotlib is not installed\n"
    before, _, rest = page.partition("## All T")
    _, heading, after = rest.partition("\n## ")
    return before + heading + after
