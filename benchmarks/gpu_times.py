#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times of the head gate on a GPU, ours and everybody's: one table and one plot.

    python3 benchmarks/gpu_bundles.py DIR          # where the compiler is: makes DIR
    python3 benchmarks/gpu_times.py DIR --output OUT [--seconds 400]
    python3 benchmarks/gpu_times.py DIR --dry-run   # what it would do, and how long
    python3 benchmarks/gpu_times.py --output OUT --report   # table and plot again

DIR holds bundles and libindexer_runtime.so, and is all that the GPU machine needs of us. OUT
gets records.jsonl as it is measured, and times.md, times.json and times.png at the end. A
second run with the same OUT goes on where the first one stopped; new bundles are timed anew.
Where OUT has launch-cost.txt (see launch-cost/carry.sh) or compile_times.md (the output of
compile_times.py), they become sections of times.md.

Method: one CUDA graph of many calls in a row, each with its own x, weight and q_scale, so that
weights are cold in L2; median over replays, divided by the number of calls; microseconds. Each
measurement has a fresh process and the GPU to itself (timing/processes.py says how that stays
cheap), and its result is checked against float64. Columns:

- ours; ours, PDL chain: a bundle compiled with weights = static, whose kernels start early
- ours, batch-invariant: a bundle that gives a row the same bits whatever T is
- torch.compile, torch eager: the chain as sglang writes it
- torch.mm(out_dtype) alone, by cuBLAS and by cuBLASLt: the GEMM without the epilogue
- Triton: peers/triton_gate.py, tuned for each T
"""

import argparse
import os
import pathlib
import sys
import time
from typing import Iterator, Optional

from timing import environment

environment.apply()

from timing import machine, ours, plan, processes, read_ceiling  # noqa: E402
from timing import records, report, torch_peers, triton_peer  # noqa: E402

#: Bundle of a column of ours, in DIR.
BUNDLES = {
    "ours": "64_7168.idxb",
    "ours_pdl": "64_7168_static.idxb",
    "ours_invariant": "64_7168_invariant.idxb",
}
RUNTIME = "libindexer_runtime.so"
#: Seconds that are kept back for the report.
REPORT_SECONDS = 5
#: Seconds of a core for one configuration of the Triton kernel, and of the GPU for
#: tuning one T.
TRITON_COMPILE_SECONDS, TRITON_TUNE_SECONDS = 1.2, 2.5


class Benchmark:
    """One run: what is to be done, and the time that is left for it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._deadline = time.monotonic() + options.seconds - REPORT_SECONDS
        self._folder = options.folder
        self._bundles = {
            column: checksum(self._folder / BUNDLES[column])
            for column in options.columns
            if column in BUNDLES
        }
        self._records = records.Records(options.output / "records.jsonl")
        self._records.start_run(machine.describe(options.commit), " ".join(sys.argv))
        self._runner = processes.Runner()
        #: Seconds of the batch before over the expected ones.
        self._slowness = 1.0

    def measure(self) -> bool:
        """Does everything that is not done; False when the time was over first."""
        peers = [name for name in self._options.columns if name not in BUNDLES]
        if peers:
            processes.preload(["timing.torch_preload"])
            processes.start_server()
        try:
            names = self._options.columns
            if peers:
                self._measure_ceiling()
            return (
                self._measure_tasks(plan.first_tasks(names))
                and ("triton" not in names or self._measure_triton())
                and self._measure_tasks(plan.sweep_tasks(names))
            )
        finally:
            self._runner.finish()

    def _measure_ceiling(self) -> None:
        """Measures how fast the GPU reads, once."""
        if any(self._records.of("read-ceiling")):
            return
        job = processes.Job("read ceiling", read_ceiling.prepare, (), "forkserver")
        for outcome in self._runner.run([job]):
            if outcome.result is None:
                print(f"{outcome.task}: {outcome.error}")
            else:
                self._records.add("read-ceiling", **outcome.result)

    def _job(self, task: plan.Task) -> processes.Job:
        """The process of a task."""
        if task.column in BUNDLES:
            bundle = self._folder / BUNDLES[task.column]
            library = str(self._folder / RUNTIME)
            arguments = (task.tokens, library, bundle)
            return processes.Job(task, ours.prepare, arguments, "fork")
        if task.column == "triton":
            return processes.Job(task, triton_peer.prepare, (task,), "forkserver")
        return processes.Job(task, torch_peers.prepare, (task,), "forkserver")

    def _has_time(self, seconds: float) -> bool:
        """False when something that takes so long would end too late."""
        return time.monotonic() + seconds < self._deadline

    def _measure_tasks(self, tasks: list[plan.Task]) -> bool:
        """Measures what has no time yet; False when the time is over."""
        tokens = self._options.tokens
        done = self._records.done(self._bundles)
        tasks = [
            task
            for task in tasks
            if task not in done and (not tokens or task.tokens in tokens)
        ]
        for batch in plan.batches(tasks):
            expected = plan.batch_seconds(batch, os.cpu_count())
            if not self._has_time(expected * self._slowness):
                return False
            start = time.monotonic()
            failures = 0
            for outcome in self._runner.run([self._job(task) for task in batch]):
                task = outcome.task
                more = {}
                if task.column in BUNDLES:
                    more["bundle"] = self._bundles[task.column]
                self._records.add_outcome(task, outcome.result, outcome.error, **more)
                if outcome.result is None:
                    failures += 1
                    print(f"{task.column}, T = {task.tokens}: {outcome.error}")
            seconds = time.monotonic() - start
            self._slowness = seconds / expected
            self._records.add(
                "batch", processes=len(batch), seconds=seconds, expected=expected
            )
            counts = sorted({task.tokens for task in batch})
            print(
                f"{len(batch) - failures} of {len(batch)} measured in {seconds:.1f} s "
                f"({expected:.1f} expected): T = {counts}",
                flush=True,
            )
        return True

    def _measure_triton(self) -> bool:
        """Compiles, tunes and times the Triton kernel; False when the time is over."""
        tokens = [
            count
            for count in plan.PEER_TOKENS
            if not self._options.tokens or count in self._options.tokens
        ]
        right = self._compile_triton(triton_peer.all_configurations(tokens))
        times = None if right is None else self._tune_triton(tokens, right)
        return times is not None and self._measure_tasks(
            [
                plan.Task("triton", count, variant=one)
                for count in tokens
                if count in times
                for one in triton_peer.finalists(times[count])
            ]
        )

    def _compile_triton(self, variants: list[str]) -> Optional[set[str]]:
        """The configurations that are right; None when the time is over."""
        known: dict[str, bool] = {}

        def note(line: dict) -> None:
            known.update(dict.fromkeys(line["right"], True))
            known.update(dict.fromkeys(line["dropped"], False))

        for line in self._records.of("triton-right"):
            note(line)
        missing = [text for text in variants if text not in known]
        cores = os.cpu_count() or 1
        seconds = TRITON_COMPILE_SECONDS * len(missing) / cores + 5
        if missing and not self._has_time(seconds):
            return None
        jobs = [
            processes.Job(
                first, triton_peer.compile_all, (missing[first::cores],), "forkserver"
            )
            for first in range(min(cores, len(missing)))
        ]
        for _, result in self._run_all(jobs):
            note(result)
            self._records.add("triton-right", **result)
        print(f"Triton: {sum(known.values())} of {len(variants)} configurations run")
        return {text for text, is_right in known.items() if is_right}

    def _tune_triton(self, tokens: list[int], right: set[str]) -> Optional[dict]:
        """Microseconds by T and configuration; None when the time is over."""
        times = {
            line["tokens"]: line["times"] for line in self._records.of("triton-times")
        }
        jobs = [
            processes.Job(
                count,
                triton_peer.tune,
                (
                    count,
                    [v for v in triton_peer.all_configurations([count]) if v in right],
                ),
                "forkserver",
            )
            for count in tokens
            if count not in times
        ]
        if jobs and not self._has_time(TRITON_TUNE_SECONDS * len(jobs)):
            return None
        for count, result in self._run_all(jobs):
            times[count] = result["times"]
            self._records.add("triton-times", tokens=count, times=result["times"])
        print(f"Triton: tuned for T = {sorted(times)}", flush=True)
        return times

    def _run_all(self, jobs: list[processes.Job]) -> Iterator[tuple[int, dict]]:
        """Runs the jobs of a step of Triton; yields task and result of the good."""
        for outcome in self._runner.run(jobs) if jobs else ():
            if outcome.result is None:
                print(f"Triton, {outcome.task}: {outcome.error}")
            else:
                yield outcome.task, outcome.result


def checksum(path: pathlib.Path) -> str:
    """The CRC at the end of a bundle (docs/bundle-format.md)."""
    return path.read_bytes()[-4:].hex()


def print_plan(columns: list[str]) -> None:
    """What a whole run does, with expected seconds on a machine with 16 cores."""
    total = 0.0
    for title, tasks in (
        ("goals, twice, and some alone", plan.first_tasks(columns)),
        ("all other T, coarse to fine", plan.sweep_tasks(columns)),
    ):
        groups = list(plan.batches(tasks))
        seconds = sum(plan.batch_seconds(batch, 16) for batch in groups)
        total += seconds
        print(
            f"{title}: {len(tasks)} processes in {len(groups)} batches, {seconds:.0f} s"
        )
    if "triton" in columns:
        # Three processes for each T are a batch and a bit.
        count = len(triton_peer.all_configurations(list(plan.PEER_TOKENS)))
        seconds = TRITON_COMPILE_SECONDS * count / 16 + 20
        seconds += TRITON_TUNE_SECONDS * len(plan.PEER_TOKENS)
        total += seconds
        print(f"Triton, between the two: {seconds:.0f} s")
    counts = plan.sweep_tokens()
    print(f"{len(counts)} token counts from {counts[0]} to {counts[-1]}")
    print(f"in all about {total:.0f} s")


def parse_arguments() -> argparse.Namespace:
    """The command line; errors end the program."""
    names = [column.name for column in plan.COLUMNS]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "folder", nargs="?", type=pathlib.Path, help="bundles and runtime library"
    )
    parser.add_argument("--output", type=pathlib.Path, help="folder of the results")
    parser.add_argument(
        "--columns",
        type=lambda text: text.split(","),
        default=names,
        help=f"which of {','.join(names)}; default: all",
    )
    parser.add_argument(
        "--tokens",
        type=lambda text: [int(part) for part in text.split(",")],
        help="only these T, of those that are planned",
    )
    parser.add_argument(
        "--seconds", type=float, default=1e9, help="end cleanly before this time"
    )
    parser.add_argument("--commit", help="commit, where there is no git")
    parser.add_argument("--dry-run", action="store_true", help="print the plan")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    options = parser.parse_args()
    unknown = [name for name in options.columns if name not in names]
    if unknown:
        parser.error(f"unknown column '{unknown[0]}'; accepted are {', '.join(names)}")
    if options.dry_run:
        return options
    if not options.output:
        parser.error("--output is missing: the folder of the results")
    if options.report:
        return options
    if not options.folder:
        parser.error(
            "the folder of bundles is missing; benchmarks/gpu_bundles.py makes it"
        )
    wanted = [BUNDLES[name] for name in options.columns if name in BUNDLES]
    for name in [*wanted, RUNTIME] if wanted else []:
        if not (options.folder / name).exists():
            parser.error(
                f"'{options.folder}' has no {name}; benchmarks/gpu_bundles.py makes it"
            )
    return options


def main() -> int:
    options = parse_arguments()
    if options.dry_run:
        print_plan(options.columns)
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    is_complete = True
    if not options.report:
        is_complete = Benchmark(options).measure()
    print(report.write(options.output))
    if not is_complete:
        print("the time was over first; the same command goes on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
