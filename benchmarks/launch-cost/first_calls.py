#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""First calls of a program on a GPU, with nothing in the cache: how long, and are they right.

    python3 first_calls.py head_gate.mlir [--library libindexer.so] [--tokens 1,16]

Whether a CUDA graph can capture calls whose kernels are not there yet, in each capture mode. Then
for each T, in a program of its own: milliseconds from the text to the end of the first call, of a
second one with another T, each of which waits for its own kernel alone, and until the rest is
compiled, and whether the bits are those of the whole bundle. Exit code 1 when bits differ or a
graph cannot be made. Needs a GPU, the library, and benchmarks/timing in this folder or the one
above; no Python package.
"""

import argparse
import ctypes
import pathlib
import random
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from timing import driver as cuda  # noqa: E402
from timing.bundle_kernel import BF16, F32, Argument, Tensor, make_tensor  # noqa: E402

HEADS, HIDDEN = 64, 7168
#: One of each range of T of the measured schedules, and the most.
TOKENS = (
    1, 2, 3, 9, 17, 33, 49, 73, 121, 241, 481, 721, 961, 1105, 1201, 1585, 2113, 3169, 3697, 4225,
    5281, 6337, 7393, 8449, 10561, 12673, 16897, 21121, 65536,
)  # fmt: skip
MODES = {
    "global": cuda.CAPTURE_MODE_GLOBAL,
    "thread-local": cuda.CAPTURE_MODE_THREAD_LOCAL,
    "relaxed": cuda.CAPTURE_MODE_RELAXED,
}


class Library:
    """The compiler, and memory for calls of any of `tokens` tokens."""

    def __init__(self, path, text, tokens):
        self.library = ctypes.CDLL(str(path))
        self.library.indexerLastError.restype = ctypes.c_char_p
        self.text = text
        self.x = self.filled(max(tokens) * HIDDEN, BF16)
        self.weight = self.filled(HEADS * HIDDEN, BF16)
        self.q_scale = self.filled(max(tokens) * HEADS, F32)
        #: Results of two kernels: for each T its own place, and all of them.
        self.places = {}
        self.size = 0
        for count in tokens:
            self.places[count] = self.size
            self.size += count * HEADS * 4
        self.gates = [self.filled(self.size // 4, F32) for _ in range(2)]

    def call(self, name, *arguments):
        if getattr(self.library, name)(*arguments) != 0:
            raise RuntimeError(f"{name}: {self.library.indexerLastError().decode()}")

    def filled(self, count, element_type):
        """Device memory with random values, of which some thousand repeat."""
        values = [struct.pack("<f", random.uniform(-1, 1)) for _ in range(4099)]
        block = b"".join(value[2:] if element_type == BF16 else value for value in values)
        size = count * (2 if element_type == BF16 else 4)
        data = ctypes.c_void_p()
        self.call("indexerDeviceAllocate", 0, ctypes.c_size_t(size), ctypes.byref(data))
        content = (block * (size // len(block) + 1))[:size]
        self.call("indexerCopyToDevice", 0, data, content, ctypes.c_size_t(size))
        return data.value

    def arguments(self, tokens):
        values = (Argument * 5)()
        values[0].tensor = make_tensor(self.x, BF16, (tokens, HIDDEN))
        values[1].tensor = make_tensor(self.weight, BF16, (HEADS, HIDDEN))
        values[2].tensor = make_tensor(self.q_scale, F32, (tokens, HEADS, 1))
        for number in range(3):
            values[number].is_tensor = 1
        values[3].scalar, values[4].scalar = HEADS**-0.5, 0.088
        return values

    def program(self):
        """A program that neither reads nor fills the cache."""
        program = ctypes.c_void_p()
        size = ctypes.c_size_t(len(self.text))
        self.call("indexerCompile", self.text, size, b"gate", None, ctypes.byref(program))
        self.call("indexerProgramUseCache", program, 0)
        return program

    def bundle(self, program):
        """Waits for the whole bundle."""
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        self.call("indexerProgramBundle", program, ctypes.byref(data), ctypes.byref(size))

    def load(self, program, tokens):
        kernel = ctypes.c_void_p()
        values = self.arguments(tokens)
        count = ctypes.c_size_t(len(values))
        self.call("indexerProgramLoad", program, 0, values, count, ctypes.byref(kernel))
        return kernel

    def launch(self, kernel, tokens, number=0, stream=None):
        values = self.arguments(tokens)
        gate = self.gates[number] + self.places[tokens]
        results = (Tensor * 1)(make_tensor(gate, F32, (tokens, HEADS, 1)))
        counts = ctypes.c_size_t(len(values)), ctypes.c_size_t(1)
        self.call("indexerKernelLaunch", kernel, values, counts[0], results, counts[1], stream)

    def wait(self):
        self.call("indexerDeviceSynchronize", 0)

    def forget(self):
        """Fills the results of the first kernel with what no call gives: NaN."""
        data, size = ctypes.c_void_p(self.gates[0]), ctypes.c_size_t(self.size)
        self.call("indexerCopyToDevice", 0, data, b"\xff" * self.size, size)

    def result(self, number, tokens):
        self.wait()
        size = tokens * HEADS * 4
        copy = ctypes.create_string_buffer(size)
        data = ctypes.c_void_p(self.gates[number] + self.places[tokens])
        self.call("indexerCopyToHost", 0, copy, data, ctypes.c_size_t(size))
        return copy.raw

    def differing(self, tokens):
        """Those of `tokens` for which the results of both kernels differ."""
        return [count for count in tokens if self.result(0, count) != self.result(1, count)]


def since(start):
    """Milliseconds."""
    return 1e3 * (time.perf_counter() - start)


def check_first_calls(library, tokens):
    print("\n| first T | to its end, ms | second T | ms more | the rest, ms more | bits |")
    print("|---|---|---|---|---|---|")
    good = True
    library.forget()
    for count, other in zip(tokens, (*tokens[1:], tokens[0])):
        start = time.perf_counter()
        program = library.program()
        kernel = library.load(program, count)
        library.launch(kernel, count)
        library.wait()
        first = since(start)
        start = time.perf_counter()
        library.launch(kernel, other)
        library.wait()
        second = since(start)
        same = not library.differing([count, other])
        start = time.perf_counter()
        library.bundle(program)
        print(
            f"| {count} | {first:.1f} | {other} | {second:.1f} | {since(start):.1f} "
            f"| {'equal' if same else 'DIFFER'} |",
            flush=True,
        )
        library.library.indexerKernelDestroy(kernel)
        library.library.indexerProgramDestroy(program)
        good &= same
    return good


def capture(library, driver, tokens, mode):
    """Captures calls of a new kernel and runs the graph; those of `tokens` whose results differ."""
    library.forget()
    program = library.program()
    kernel = library.load(program, tokens[0])
    stream = driver.make_stream()

    def launch_all():
        for count in tokens:
            library.launch(kernel, count, stream=stream)

    driver.replay(driver.capture(stream, launch_all, mode), stream)
    driver.synchronize()
    return library.differing(tokens)


def check_captures(library, driver, tokens):
    print("| capture mode | a graph of calls that wait for their kernels |")
    print("|---|---|")
    good = True
    for name, mode in MODES.items():
        try:
            differing = capture(library, driver, tokens, mode)
            bits = f"DIFFER for T of {differing}" if differing else "equal"
            print(f"| {name} | runs, bits {bits} |", flush=True)
            good &= not differing
        except RuntimeError as error:
            print(f"| {name} | {error} |", flush=True)
            good = False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", type=pathlib.Path)
    parser.add_argument("--library", type=pathlib.Path, default="libindexer.so")
    parser.add_argument("--tokens", help="numbers of tokens, with commas between them")
    parser.add_argument("--no-graphs", action="store_true", help="capture nothing")
    options = parser.parse_args()
    tokens = [int(t) for t in options.tokens.split(",")] if options.tokens else TOKENS
    driver = cuda.Driver()
    library = Library(options.library, options.module.read_bytes(), tokens)
    program = library.program()
    start = time.perf_counter()
    library.bundle(program)
    print(f"the whole bundle takes {since(start):.1f} ms\n")
    whole = library.load(program, tokens[0])
    for count in tokens:
        library.launch(whole, count, number=1)
    good = options.no_graphs or check_captures(library, driver, tokens)
    good &= check_first_calls(library, tokens)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
