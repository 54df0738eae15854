# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How a call with CUDA tensors is dispatched, without a GPU.

In a process of its own, `torch` is a stand-in whose tensors say that they are
on a GPU, and the native kernel is one that writes down what it is asked for:
never may the CPU run such a call.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import EXAMPLE

STAND_IN = '''
import sys, types

class Tensor:
    def __init__(self, shape, dtype, device=0):
        self.shape, self.dtype, self.device = tuple(shape), dtype, device
        self.is_cuda, self.is_cpu = device >= 0, device < 0
    def get_device(self): return self.device
    def is_neg(self): return False
    def data_ptr(self): return 4096
    def stride(self):
        strides = []
        for extent in reversed(self.shape):
            strides.insert(0, strides[0] * last if strides else 1)
            last = extent
        return tuple(strides)

torch = types.ModuleType("torch")
torch.Tensor = Tensor
Tensor.__module__ = "torch"
for name in ("bfloat16", "float16", "float32", "float64"):
    setattr(torch, name, name)
torch.empty = lambda shape, dtype, device: Tensor(shape, dtype, device)
torch._C = types.SimpleNamespace(_cuda_getCurrentRawStream=lambda device: 70 + device)
sys.modules["torch"] = torch

import dsa_indexer
from dsa_indexer import _native

log = []

description = dsa_indexer.compile(open(sys.argv[1]).read())._view().native.describe()

class FakeKernel:
    notes = ""
    def __init__(self, *source_and_device):
        log.append(("load", source_and_device[-1]))
    def describe(self):
        return description
    def launch(self, arguments, results, stream):
        log.append(("launch", arguments.device, results.device, stream))

_native.Kernel = FakeKernel
kernel = dsa_indexer.compile(open(sys.argv[1]).read())

def arguments(tokens, device):
    return (Tensor((tokens, 7168), "bfloat16", device), Tensor((64, 7168), "bfloat16", device),
            Tensor((tokens, 64, 1), "float32", device), 0.1, 0.2)

def message(*values, **named):
    try:
        kernel(*values, **named)
    except ValueError as error:
        return str(error)
'''


def run(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STAND_IN + script, str(EXAMPLE)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def needs_ptxas(kernel):
    try:
        kernel.bundle
    except Exception as error:
        if "no ptxas found" not in str(error):
            raise
        pytest.skip("no ptxas")


def test_launches_on_the_stream_of_the_device():
    run('''
for device in (0, 1, 1):
    gate = kernel(*arguments(5, device))
    assert gate.shape == (5, 64, 1) and gate.dtype == "float32" and gate.device == device
assert log == [("load", 0), ("launch", 0, 0, 70), ("load", 1), ("launch", 1, 1, 71),
               ("launch", 1, 1, 71)], log
out = Tensor((5, 64, 1), "float32", 1)
assert kernel(*arguments(5, 1), out=out) is out
assert "torch" not in sys.modules or sys.modules["torch"] is torch
''')


def test_mixed_devices_are_errors():
    run('''
mixed = list(arguments(5, 0))
mixed[1] = Tensor((64, 7168), "bfloat16", 1)
assert message(*mixed) == ("head_gate(): argument 1 ('weight') is on cuda:1, but argument 0 "
                           "('x') is on cuda:0: all tensors must be on one device"), message(*mixed)
mixed[1] = Tensor((64, 7168), "bfloat16", -1)
assert "argument 1 ('weight') is on cpu, but" in message(*mixed)
import numpy
mixed[1] = numpy.zeros((64, 7168), "float32")
assert "argument 1 ('weight') is on cpu, but" in message(*mixed)
out = Tensor((5, 64, 1), "float32", -1)
got = message(*arguments(5, 0), out=out)
assert "result 0 is on cpu, but argument 0 ('x') is on cuda:0" in got, got
assert not [entry for entry in log if entry[0] == "launch"]
''')


def test_a_shape_that_does_not_fit_reaches_the_launch():
    # The native launch rejects it, with the name of the argument.
    run('''
wrong = list(arguments(5, 0))
wrong[0] = Tensor((), "bfloat16", 0)
kernel(*wrong)
wrong[0] = 1.0
kernel(*wrong)
assert [entry[0] for entry in log] == ["load", "launch", "launch"]
''')
