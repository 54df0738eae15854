"""Host time of one eager call, ours beside torch.mm's own, in one process.

    python3 benchmarks/host_times.py [--tokens 4] [--json FILE]

Rows, in microseconds a call (median, and the lowest of the rounds; each round 200 calls
that are not waited for, so that no launch queue fills up; the rows take turns):

- torch.mm(x, weight.t(), out_dtype=torch.float32): the GEMM that eager models call
- the eager chain around it: two to four calls of torch
- dsa_indexer.head_gate, torch.ops.dsa_indexer.head_gate, and head_gate with out=
- the C call alone: indexerKernelLaunch by ctypes, less a call by ctypes that does nothing

Needs PyTorch with CUDA, a GPU and dsa_indexer. Exit code 1 when a goal is missed: head_gate
at most torch.mm + 1 us, the C call below 3 us.
"""

import argparse
import ctypes
import json
import pathlib
import statistics
import sys
import time

import torch

import dsa_indexer
from dsa_indexer import _head_gate, _native
from timing.bundle_kernel import Argument, Tensor, view

HEADS, HIDDEN = 64, 7168
ROUNDS, CALLS = 40, 200


def c_call(bundle, x, weight, q_scale):
    """The launch by the C API, and one of the same arguments that does nothing."""
    path = pathlib.Path(_native.__file__).parent / "libindexer_runtime.so"
    library = ctypes.CDLL(str(path))
    library.indexerLastError.restype = ctypes.c_char_p
    handle, kernel = ctypes.c_void_p(), ctypes.c_void_p()
    for status in (
        library.indexerBundleCreate(bundle, ctypes.c_size_t(len(bundle)), ctypes.byref(handle)),
        library.indexerKernelLoad(handle, 0, ctypes.byref(kernel)),
    ):
        assert status == 0, library.indexerLastError()
    out = torch.empty(x.shape[0], HEADS, 1, device="cuda")
    given = (Argument * 5)(
        *(Argument(1, view(tensor), 0.0) for tensor in (x, weight, q_scale)),
        Argument(0, Tensor(), HEADS**-0.5), Argument(0, Tensor(), 128**-0.5),
    )
    result = (Tensor * 1)(view(out))
    stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
    arguments = (kernel, given, ctypes.c_size_t(5), result, ctypes.c_size_t(1), stream)
    launch = library.indexerKernelLaunch
    assert launch(*arguments) == 0, library.indexerLastError()
    # What ctypes itself costs: the C library's labs, with the same arguments.
    nothing = ctypes.CDLL(None).labs
    return lambda: launch(*arguments), lambda: nothing(*arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=4)
    parser.add_argument("--json", type=pathlib.Path, help="file for the figures")
    options = parser.parse_args()
    torch.manual_seed(0)
    x = torch.randn(options.tokens, HIDDEN, device="cuda").bfloat16()
    weight = torch.randn(HEADS, HIDDEN, device="cuda").bfloat16()
    q_scale = torch.rand(options.tokens, HEADS, 1, device="cuda")
    out = torch.empty(options.tokens, HEADS, 1, device="cuda")
    softmax, scale = 128**-0.5, HEADS**-0.5
    op = torch.ops.dsa_indexer.head_gate if _ours(x, weight, q_scale) else None

    def chain():
        logits = torch.mm(x, weight.t(), out_dtype=torch.float32) * scale
        return logits.unsqueeze(-1) * q_scale * softmax

    kernel = _head_gate.gate_kernel(_head_gate.GateKey(HEADS, HIDDEN, "bf16", "bf16", "f32"),
                                    _head_gate._devices.chip_of(x))
    launch, nothing = c_call(kernel.bundle, x, weight, q_scale)
    rows = {
        "torch.mm": lambda: torch.mm(x, weight.t(), out_dtype=torch.float32),
        "eager chain": chain,
        "head_gate": lambda: dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=softmax),
        "head_gate, out=": lambda: dsa_indexer.head_gate(
            x, weight, q_scale, softmax_scale=softmax, out=out
        ),
        "torch.ops.dsa_indexer.head_gate": lambda: op(x, weight, q_scale, softmax),
        "short call, given a stream": lambda: _head_gate._short_calls(
            x, weight, q_scale, softmax, None, None
        ),
        "C call by ctypes": launch,
        "nothing by ctypes": nothing,
    }
    times = {name: [] for name in rows}
    with torch.no_grad():
        for _ in range(ROUNDS):
            for name, call in rows.items():
                torch.cuda.synchronize()
                begin = time.perf_counter()
                for _ in range(CALLS):
                    call()
                times[name].append((time.perf_counter() - begin) / CALLS * 1e6)
    medians = {name: statistics.median(t) for name, t in times.items()}
    medians["C call alone"] = medians["C call by ctypes"] - medians["nothing by ctypes"]
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, T = {options.tokens}")
    print(f"{'call':34} median  lowest   (us)")
    for name, median in medians.items():
        lowest = min(times[name]) if name in times else float("nan")
        print(f"{name:34} {median:6.2f}  {lowest:6.2f}")
    goals = {
        "head_gate <= torch.mm + 1": medians["head_gate"] <= medians["torch.mm"] + 1,
        "C call alone < 3": medians["C call alone"] < 3,
    }
    for goal, holds in goals.items():
        print(f"{goal}: {'holds' if holds else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps({"medians": medians, "goals": goals}, indent=1))
    return 0 if all(goals.values()) else 1


def _ours(x, weight, q_scale):
    """The first calls, which load the kernel; True if the op is there then."""
    for _ in range(3):
        dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=1.0)
    assert _head_gate._short_calls(x, weight, q_scale, 1.0, None, None) is not NotImplemented
    return hasattr(torch.ops.dsa_indexer, "head_gate")


if __name__ == "__main__":
    sys.exit(main())
