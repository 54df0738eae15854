# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a first call on a GPU compiles, and what a thread compiles behind it: on the fake
driver, with the stand-in for torch of test_cuda_dispatch."""

from __future__ import annotations

import pathlib
import time

import fake_driver
from test_cuda_dispatch import STAND_IN

pytestmark = fake_driver.needs_driver

#: The stand-in up to where it replaces the kernel.
START = STAND_IN.split("log = []")[0] + '''
kernel = dsa_indexer.compile(open(sys.argv[1]).read())

def arguments(tokens):
    return (Tensor((tokens, 7168), "bfloat16", 0), Tensor((64, 7168), "bfloat16", 0),
            Tensor((tokens, 64, 1), "float32", 0), 0.1, 0.2)

def loaded():
    return [launch["kernel"] for launch in
            __import__("json").loads(kernel.on_device(0).describe())["kernels"][0]["launches"]]
'''


def run(script: str, cache: pathlib.Path) -> None:
    fake_driver.run(START + script, INDEXER_CACHE_DIR=str(cache))


def test_a_call_compiles_what_it_needs(tmp_path):
    run('''
gate = kernel(*arguments(5))
assert gate.shape == (5, 64, 1)
assert loaded() == ["head_gate_gate0_register_mma"], loaded()
# Any other T gives a result, too, and the schedule is of all.
assert kernel(*arguments(300)).shape == (300, 64, 1)
names = {launch.kernel for launch in kernel.schedule}
assert "head_gate_gate0_register_mma" in names and len(names) > 20, names
''', tmp_path)


def test_the_end_of_the_process_fills_the_cache(tmp_path):
    """A program of one call is quick the next time: all is in the cache."""
    run("kernel(*arguments(5))", tmp_path)
    run('''
kernel(*arguments(300))
assert len(loaded()) > 20
assert "cubin" not in kernel.timings, kernel.timings
''', tmp_path)


def test_load_waits_for_all(tmp_path):
    run('''
kernel.load(0)
assert len(loaded()) > 20
''', tmp_path)


def test_threads_call_at_once(tmp_path):
    run('''
import threading

shapes = {}

def call(tokens):
    shapes[tokens] = kernel(*arguments(tokens)).shape

threads = [threading.Thread(target=call, args=(1 + 300 * i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert shapes == {1 + 300 * i: (1 + 300 * i, 64, 1) for i in range(8)}, shapes
''', tmp_path)


def test_the_library_that_has_made_a_kernel_launches_it(tmp_path):
    """Another one would not know what went wrong in it."""
    run('''
import ctypes, pathlib
from dsa_indexer import _native

kernel(*arguments(5))
runtime = ctypes.CDLL(str(pathlib.Path(_native.__file__).with_name("libindexer_runtime.so")))
function = ctypes.cast(runtime.indexerKernelLaunch, ctypes.c_void_p).value
assert kernel.on_device(0).entry_points[1] != function
assert dsa_indexer.load_bundle(kernel.bundle).on_device(0).entry_points[1] == function
''', tmp_path)


def test_a_cache_that_cannot_be_written_is_said_once(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    run('''
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    kernel(*arguments(5))
    kernel(*arguments(300))
    kernel.schedule
    kernel.bundle
messages = [str(warning.message) for warning in caught]
assert len(messages) == 1 and "is not kept in the cache" in messages[0], messages
''', file)


def test_a_forked_child_ends(tmp_path):
    """multiprocessing's fork, while the thread compiles: the child has none to wait for."""
    start = time.monotonic()
    run('''
import os

kernel(*arguments(5))
child = os.fork()
if child == 0:
    assert kernel.bundle
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
''', tmp_path)
    assert time.monotonic() - start < 120
