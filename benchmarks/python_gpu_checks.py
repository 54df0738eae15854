"""All of the Python package on a GPU, as one table: host times, the indexer module, tests.

    python3 benchmarks/python_gpu_checks.py [--output docs/results/python.md] [--limit 250]

In the order of what is missed most when the run is cut off; each part is a process of its own
and is written when it ends, or when the time is up:

- host_times.py: what an eager call costs the host, beside torch.mm's own
- module_profile.py: DeepSeek-V3.2's indexer with and without the fused gate
- every test of python_bindings/tests that is marked "gpu": calls, CUDA graphs, the operator,
  torch.compile, CuPy, JAX, and the engines' plugins where an engine is installed

Exit code 1 when a part fails. Needs PyTorch with CUDA, a GPU, pytest and dsa_indexer.
"""

import argparse
import datetime
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "python_bindings" / "tests"
#: Files with GPU tests, the quick and general ones first.
FILES = [
    "test_torch_op.py",
    "test_indexer_module.py",
    "test_arrays.py",
    "test_call_torch.py",
    "test_from_torch.py",
    "test_torch_compile.py",
    "test_engines.py",
]


def run(command, seconds):
    """The exit code (None: stopped) and the output of a command."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=max(seconds, 1), cwd=ROOT
        )
        return done.returncode, done.stdout + done.stderr[-3000:] * (done.returncode != 0)
    except subprocess.TimeoutExpired as stopped:
        return None, (stopped.stdout or b"").decode()


def run_tests(name, seconds):
    """One row of the table of tests, and whether all passed."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        begin = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
        command += ["--show-capture=no", "--tb=short"]
        code, text = run([*command, f"--junitxml={report.name}", str(TESTS / name)], seconds)
        took = time.monotonic() - begin
        if code is None or not os.path.getsize(report.name):
            return f"| {name} | stopped | | | {took:.0f} |", False, text
        suite = next(xml.parse(report.name).iter("testsuite"))
        total, failed, skipped = (
            sum(int(suite.get(key, 0)) for key in keys)
            for keys in (("tests",), ("failures", "errors"), ("skipped",))
        )
        row = f"| {name} | {total - failed - skipped} | {failed} | {skipped} | {took:.0f} |"
        return row, failed == 0 and code in (0, 5), text


def describe():
    import torch

    import dsa_indexer

    from dsa_indexer import _devices

    version = _devices.device_info(0).driver_version
    return (
        f"{torch.cuda.get_device_name()}, driver for CUDA {version // 1000}.{version % 1000 // 10}, torch {torch.__version__}, Python "
        f"{sys.version.split()[0]}, dsa-indexer {dsa_indexer.__version__}, "
        f"{datetime.date.today()}; commit {os.environ.get('COMMIT', 'unknown')}; "
        "`python3 benchmarks/python_gpu_checks.py`"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, help="Markdown file for the results")
    parser.add_argument("--limit", type=float, default=600, help="seconds for all of it")
    options = parser.parse_args()
    end = time.monotonic() + options.limit
    written = []

    def say(text):
        print(text, flush=True)
        written.append(text)
        if options.output:
            options.output.write_text("\n".join(written) + "\n")

    is_right = True
    say(f"# The Python package on a GPU\n\n{describe()}\n")
    for title, script in (
        ("Host time of an eager call", "host_times.py"),
        ("The indexer module", "module_profile.py"),
    ):
        code, text = run([sys.executable, f"benchmarks/{script}"], min(80, end - time.monotonic()))
        say(f"## {title}\n")
        say(f"```\n{text.rstrip()}\n```\n" if script == "host_times.py" else text)
        if code != 0:
            is_right = False
            say(f"{script}: {'stopped' if code is None else f'exit code {code}'}\n")
    say("## Tests\n\n| file | passed | failed | skipped | s |\n|---|---|---|---|---|")
    failures = []
    for name in FILES:
        row, passed, text = run_tests(name, end - time.monotonic())
        say(row)
        if not passed:
            is_right = False
            failures.append(f"\n### {name}\n\n```\n{text[-4000:]}\n```")
    for failure in failures:
        say(failure)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
