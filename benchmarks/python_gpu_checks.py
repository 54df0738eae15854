"""All of the Python package on a GPU, as one page: host times, the indexer module, tests.

    python3 benchmarks/python_gpu_checks.py [--output docs/results/h100-python.md] [--limit 400]
    python3 benchmarks/python_gpu_checks.py --tests-only test_distributed.py   # on two GPUs

In the order of what is missed most when the run is cut off:

- host_times.py: what an eager call costs the host, beside torch.mm's own
- module_profile.py: DeepSeek-V3.2's indexer with and without the fused gate
- every test of python_bindings/tests that is marked "gpu": calls, CUDA graphs, the operator,
  torch.compile, CuPy, JAX, tensors sharded over two GPUs where there are two, and the engines'
  plugins where an engine is installed

Times are taken with nothing beside them; the files of tests then run side by side. Each part is
a process of its own, and the page is written anew whenever one ends. Exit code 1 when a part
fails. Needs PyTorch with CUDA, a GPU, pytest and dsa_indexer.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from timing import machine

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "python_bindings" / "tests"

#: Scripts that take times: their titles, and whether they print Markdown.
TIMES = {
    "host_times.py": ("Host time of an eager call", False),
    "module_profile.py": ("The indexer module", True),
}
#: The longest that one of them may run, in seconds.
TIMES_LIMIT = 100


def run(command, seconds):
    """The exit code, None for what had to be stopped, and the output."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=ROOT,
        start_new_session=True,
        # JAX takes most of the memory that others are to share, if it is let.
        env={**os.environ, "PYTHONUNBUFFERED": "1", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    )
    try:
        text, _ = process.communicate(timeout=max(seconds, 1))
        return process.returncode, text
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # And all that it started.
        return None, process.communicate()[0]


def gpu_tests():
    """The files that have tests for a GPU."""
    files = [path for path in sorted(TESTS.glob("test_*.py")) if "mark.gpu" in path.read_text()]
    return [path.name for path in files]


class Outcome:
    """What became of the tests of one file."""

    def __init__(self, name, code, text, seconds):
        self.name, self.code, self.text, self.seconds = name, code, text, seconds
        # Read from the lines that pytest -v writes, so that a file that was
        # stopped counts as far as it came.
        words = re.findall(r"\b(PASSED|FAILED|ERROR|SKIPPED)\b +\[ *\d+%\]", text)
        self.counts = collections.Counter(words)

    @property
    def passed(self):
        return self.code == 0 and not self.counts["FAILED"] + self.counts["ERROR"]

    def row(self):
        failed = self.counts["FAILED"] + self.counts["ERROR"]
        note = "" if self.code in (0, 1) else ", stopped" if self.code is None else ", broken"
        cells = [self.name, self.counts["PASSED"], f"{failed}{note}", self.counts["SKIPPED"]]
        return f"| {' | '.join(map(str, cells))} | {self.seconds:.0f} |"

    def reasons(self):
        """pytest's own lines on what failed and what was skipped."""
        found = re.findall(r"^(?:FAILED|ERROR|SKIPPED) .*$", self.text, re.MULTILINE)
        return [line[:300] for line in found if not re.search(r"\[ *\d+%\]$", line)]


def run_tests(name, end):
    begin = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-v", "-rfEs", "-m", "gpu"]
    command += ["-p", "no:cacheprovider", "--show-capture=no", "--tb=short", TESTS / name]
    code, text = run(command, end - begin)
    return Outcome(name, code, text, time.monotonic() - begin)


class Page:
    """The Markdown file, written anew at each change; the log has all output."""

    def __init__(self, output, log):
        self._output, self._log, self._parts = output, log, []
        for path in filter(None, (output, log)):
            path.write_text("")

    def say(self, text):
        print(text, flush=True)
        self._parts.append(text)
        if self._output:
            self._output.write_text("\n".join(self._parts) + "\n")

    def log(self, title, text):
        if self._log:
            with self._log.open("a") as file:
                file.write(f"===== {title}\n{text}\n")


def take_times(page, end):
    """The parts that take times, one after the other; True when all hold."""
    is_right = True
    for script, (title, is_markdown) in TIMES.items():
        limit = min(TIMES_LIMIT, end - time.monotonic())
        code, text = run([sys.executable, ROOT / "benchmarks" / script], limit)
        page.log(script, text)
        page.say(f"## {title}\n")
        if is_markdown:
            text = "\n".join(re.findall(r"^(?:\|.*|\w[^:]*, torch .*|)$", text, re.MULTILINE))
        page.say(text.strip() if is_markdown else f"```\n{text.rstrip()}\n```")
        page.say("" if code == 0 else f"\n{script}: {describe_end(code)}\n")
        is_right &= code == 0
    return is_right


def describe_end(code):
    return "stopped, its time was over" if code is None else f"exit code {code}"


def check_tests(page, names, end):
    """The files of tests, side by side; True when all pass."""
    page.say("## Tests\n\n| file | passed | failed | skipped | s |\n|---|---|---|---|---|")
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(max(1, min(8, os.cpu_count() // 2))) as pool:
        pending = [pool.submit(run_tests, name, end) for name in names]
        for done in concurrent.futures.as_completed(pending):
            outcome = done.result()
            outcomes.append(outcome)
            page.log(outcome.name, outcome.text)
            page.say(outcome.row())
    reasons = [line for outcome in outcomes for line in outcome.reasons()]
    if reasons:
        page.say("\n```\n" + "\n".join(reasons) + "\n```")
    return all(outcome.passed for outcome in outcomes)


def heading(commit):
    """Card, driver, versions, date, commit, and the command."""
    import dsa_indexer

    return (
        f"# The Python package on a GPU\n\n{machine.sentence(machine.describe(commit))}, "
        f"Python {sys.version.split()[0]}, dsa-indexer {dsa_indexer.__version__}; "
        "`python3 benchmarks/python_gpu_checks.py`\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, help="Markdown file for the page")
    parser.add_argument("--log", type=pathlib.Path, help="file for all output of all parts")
    parser.add_argument("--limit", type=float, default=600, help="seconds for all of it")
    parser.add_argument("--commit", help="what is measured, where there is no git")
    parser.add_argument("--tests-only", nargs="*", metavar="FILE", help="no times; these files")
    options = parser.parse_args()
    end = time.monotonic() + options.limit
    page = Page(options.output, options.log)
    page.say(heading(options.commit))
    is_right = options.tests_only is not None or take_times(page, end)
    return 0 if check_tests(page, options.tests_only or gpu_tests(), end) and is_right else 1


if __name__ == "__main__":
    sys.exit(main())
