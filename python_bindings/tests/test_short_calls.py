# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The short way of head_gate for CUDA tensors, without a GPU.

In a process of its own, the driver is the fake one of the runtime's unit tests
and `torch` a stand-in, whose tensors are read by a DLPack exchange API written
with ctypes: what is launched is bound and checked by the real runtime.
"""

from __future__ import annotations

import fake_driver

pytestmark = fake_driver.needs_driver

STAND_IN = '''
import ctypes, sys, types

CODES = {"bfloat16": (4, 16), "float16": (2, 16), "float32": (2, 32), "float64": (2, 64)}

class DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32), ("rank", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("offset", ctypes.c_uint64)]

class Tensor:
    requires_grad = False
    def __init__(self, shape, dtype="bfloat16", device=0, data=4096):
        self.shape, self.dtype, self.device, self.data = tuple(shape), dtype, device, data
        strides, last = [], 1
        for extent in reversed(self.shape):
            strides.insert(0, last)
            last *= extent
        self.c_shape = (ctypes.c_int64 * len(shape))(*shape)
        self.c_strides = (ctypes.c_int64 * len(shape))(*strides)
    def is_neg(self): return False

View = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(DLTensor))
Stream = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int32, ctypes.c_int32,
                          ctypes.POINTER(ctypes.c_void_p))

@View
def view(tensor, out):
    code, bits = CODES[tensor.dtype]
    out[0] = DLTensor(tensor.data, 1 if tensor.device < 0 else 2, max(tensor.device, 0),
                      len(tensor.shape), code, bits, 1, tensor.c_shape, tensor.c_strides, 0)
    return 0

streams = []

@Stream
def current_stream(kind, device, out):
    streams.append((kind, device))
    out[0] = 70
    return 0

class Api(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32),
                ("unused", ctypes.c_void_p * 4), ("view", View), ("stream", Stream)]

api = Api(1, 3, (ctypes.c_void_p * 4)(), view, current_stream)
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
Tensor.__dlpack_c_exchange_api__ = new_capsule(ctypes.addressof(api), b"dlpack_exchange_api", None)

torch = types.ModuleType("torch")
torch.Tensor = Tensor
for name in CODES:
    setattr(torch, name, name)
sys.modules["torch"] = torch

from dsa_indexer import _native, compile

state = dict(grad=False, mode=0, device=0)
made = []

def empty_strided(shape, strides, dtype):
    made.append((shape, strides, dtype))
    return Tensor(shape, dtype)

calls = _native.GateCalls(lambda: state["grad"], [lambda: state["mode"], lambda: None],
                          empty_strided, lambda: state["device"], Tensor.is_neg)
kernel = compile(open(sys.argv[1]).read()).on_device(0)

def arguments(tokens=5, heads=64, hidden=7168, scale=(1,)):
    return (Tensor((tokens, hidden)), Tensor((heads, hidden)),
            Tensor((tokens, heads, *scale), "float32"))

def call(tensors, softmax=0.5, head=None, out=None):
    return calls(*tensors, softmax, head, out)

assert call(arguments()) is NotImplemented, "no kernel is known"
calls.add(*arguments(), kernel)
'''


def run(script: str) -> None:
    fake_driver.run(STAND_IN + script)


def test_makes_the_result_and_launches():
    run('''
for tokens, scale in ((5, (1,)), (1, (1,)), (5, ())):
    gate = call(arguments(tokens, scale=scale))
    assert gate.shape == (tokens, 64, 1)
assert made == [((5, 64, 1), (64, 1, 1), "float32"), ((1, 64, 1), (64, 1, 1), "float32"),
                ((5, 64, 1), (64, 1, 1), "float32")], made
assert streams == [(2, 0)] * 3
out = Tensor((5, 64, 1), "float32")
assert call(arguments(), 0.5, 0.25, out) is out and len(made) == 3
assert call(arguments(0)).shape == (0, 64, 1)
''')


def test_leaves_other_calls_alone():
    run('''
class Sub(Tensor):
    pass

class Other:
    pass

def changed(index, tensor):
    tensors = list(arguments())
    tensors[index] = tensor
    return tensors

for why, tensors in {
    "subclass": changed(0, Sub((5, 7168))),
    "no tensor": changed(0, Other()),
    "heads": arguments(heads=32),
    "hidden": changed(0, Tensor((5, 4096))),
    "tokens": changed(2, Tensor((4, 64, 1), "float32")),
    "group": changed(2, Tensor((5, 64, 2), "float32")),
    "rank": changed(0, Tensor((1, 5, 7168))),
    "dtype": changed(0, Tensor((5, 7168), "float16")),
    "other device": changed(1, Tensor((64, 7168), device=1)),
    "host": [Tensor(t.shape, t.dtype, -1) for t in arguments()],
}.items():
    assert call(tensors) is NotImplemented, why
assert call(arguments(), softmax=1) is NotImplemented
assert call(arguments(), head="1") is NotImplemented
assert call(arguments(), out=Tensor((5, 64, 1), "float32", -1)) is NotImplemented
for key, value in (("mode", 1), ("device", 1)):
    before, state[key] = state[key], value
    assert call(arguments()) is NotImplemented, key
    state[key] = before
state["grad"] = True
assert call(arguments()) is not NotImplemented
tensors = arguments()
tensors[1].requires_grad = True
assert call(tensors) is NotImplemented
state["grad"] = False
assert call(tensors) is not NotImplemented
''')


def test_errors_name_the_argument():
    run('''
def message(*given, **named):
    try:
        call(*given, **named)
    except ValueError as error:
        return str(error)

got = message(arguments(), out=Tensor((5, 64), "float32"))
assert got and got.startswith("head_gate(): result 0 ('result0') has shape [5, 64], "), got
wrong = list(arguments())
wrong[0].data = 0
got = message(wrong)
assert got == "head_gate(): argument 0 ('x') has no data (its pointer is null)", got
''')
