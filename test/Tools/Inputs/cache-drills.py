"""Races for a cache entry and kills on the way to one, with indexer-run.

    cache-drills.py FOLDER MODULE.mlir

Ends with an AssertionError when a process fails, warns, or leaves damage behind.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

folder, module = pathlib.Path(sys.argv[1]), sys.argv[2]
COMMAND = ["indexer-run", module, "--device", "cuda", "--tokens", "1", "--json"]


def start(cache: pathlib.Path) -> subprocess.Popen:
    return subprocess.Popen(
        COMMAND,
        env={**os.environ, "INDEXER_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def entries(cache: pathlib.Path) -> tuple[int, int]:
    """Entries, and damaged ones."""
    shown = subprocess.run(
        ["indexer", "cache", "show", "--json"],
        env={**os.environ, "INDEXER_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(shown.stdout)["entries"]
    return len(found), sum(entry["damaged"] for entry in found)


def cache_use(process: subprocess.Popen) -> str:
    """How a process that has launched its kernel came to it."""
    output, errors = process.communicate(timeout=300)
    # 1: the fake driver has computed nothing.
    assert process.returncode == 1 and errors == "", (process.returncode, errors)
    report = json.loads(output)
    assert report["runs"][0]["kernels"].startswith("gate_gate0_"), report
    return report["cache"]


def race(cache: pathlib.Path) -> None:
    uses = [cache_use(process) for process in [start(cache) for _ in range(64)]]
    assert set(uses) <= {"hit", "miss"} and "miss" in uses, uses
    count, damaged = entries(cache)
    print(f"race: {len(uses)} processes, {count} entry, {damaged} damaged")


def kill(cache: pathlib.Path) -> None:
    begin = time.monotonic()
    cache_use(start(cache))
    whole = time.monotonic() - begin
    killed = 0
    for _ in range(30):
        subprocess.run(
            ["indexer", "cache", "clear"],
            env={**os.environ, "INDEXER_CACHE_DIR": str(cache)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        process = start(cache)
        time.sleep(random.uniform(0, 1.2 * whole))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        _, damaged = entries(cache)
        assert damaged == 0
    print(f"kill: 30 processes, {killed} killed, 0 damaged")
    cache_use(start(cache))
    print(f"afterwards: {cache_use(start(cache))}")


race(folder / "race")
kill(folder / "kill")
