"""All checks that need a GPU, as one table: right, deterministic, and how fast.

    python3 benchmarks/gpu_checks.py [--output docs/results/NAME.md]
    python3 benchmarks/gpu_checks.py --bundles DIR --runtime libindexer_runtime.so

The second form launches bundles that indexer-compile made (DIR/H_E.idxb for each shape that
is to be checked, 64_7168.idxb at least) with the runtime library alone: no compiler, no
Python package on the GPU machine.

For each token count T of the example (E = 7168, H = 64, bf16):

- error: norm of the difference from float64, relative, on fresh random data; every
  element must also be inside the bound of docs/numerics.md
- same bits: launches (plain ones and graph replays) that gave the bits of the first one
- times: ours and torch.compile's chain of the same formula, each in a process of its own,
  in turns. One CUDA graph of n calls in a row, each with its own x, weight and q_scale, so
  that weights are cold in L2; median over replays, divided by n; microseconds a call.

Other shapes, strides and an unaligned pointer are checked for their error only. The exit
code is 1 when a check fails. Needs PyTorch with CUDA, a GPU, and dsa_indexer or bundles.
"""

import argparse
import ctypes
import datetime
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "head_gate.mlir"
# In the order in which they are timed: a run may be cut off.
TIMED_TOKENS = [1, 16, 64, 256, 1024, 8192, 4, 4096, 65536, 16384]
CHECKED_TOKENS = [1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 48, 64, 65, 129, 256, 1000]
CHECKED_TOKENS += [1024, 4096, 8192, 10000, 16384, 65536]
SHAPES = [(8, 512), (16, 4096), (32, 6144), (48, 1000), (64, 7168), (160, 6144)]
L2_BYTES = 50 << 20
LAUNCHES = 1000


def example_text(heads=64, hidden=7168):
    """The example's chain for H heads and E hidden elements."""
    return (
        EXAMPLE.read_text()
        .replace("x7168x", f"x{hidden}x")
        .replace("tensor<64x", f"tensor<{heads}x")
        .replace("x64x", f"x{heads}x")
        .replace("tensor<7168x", f"tensor<{hidden}x")
        .replace("[%tokens, 64, 1]", f"[%tokens, {heads}, 1]")
    )


class BundleKernel:
    """A bundle behind the runtime's C API (include/indexer-c/Runtime.h)."""

    TYPES = {"torch.bfloat16": 0, "torch.float16": 1, "torch.float32": 2}

    class Tensor(ctypes.Structure):
        _fields_ = [
            ("data", ctypes.c_void_p),
            ("type", ctypes.c_int),
            ("rank", ctypes.c_int32),
            ("shape", ctypes.POINTER(ctypes.c_int64)),
            ("strides", ctypes.POINTER(ctypes.c_int64)),
        ]

    class Argument(ctypes.Structure):
        pass

    Argument._fields_ = [
        ("is_tensor", ctypes.c_int32),
        ("tensor", Tensor),
        ("scalar", ctypes.c_double),
    ]

    def __init__(self, library, path):
        self.runtime = ctypes.CDLL(library)
        self.runtime.indexerLastError.restype = ctypes.c_char_p
        bundle = ctypes.c_void_p()
        self.kernel = ctypes.c_void_p()
        self.check(
            self.runtime.indexerBundleOpen(str(path).encode(), ctypes.byref(bundle))
        )
        self.check(
            self.runtime.indexerKernelLoad(bundle, 0, ctypes.byref(self.kernel))
        )

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.runtime.indexerLastError().decode())

    def view(self, tensor):
        extents = ctypes.c_int64 * tensor.dim()
        return self.Tensor(
            tensor.data_ptr(),
            self.TYPES[str(tensor.dtype)],
            tensor.dim(),
            extents(*tensor.shape),
            extents(*tensor.stride()),
        )

    def __call__(self, x, weight, q_scale, head_scale, softmax_scale, out=None):
        import torch

        out = torch.empty_like(q_scale) if out is None else out
        arguments = (self.Argument * 5)(
            *(self.Argument(1, self.view(tensor), 0) for tensor in (x, weight, q_scale)),
            *(self.Argument(0, self.Tensor(), s) for s in (head_scale, softmax_scale)),
        )
        result = self.view(out)
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        self.check(
            self.runtime.indexerKernelLaunch(
                self.kernel, arguments, 5, ctypes.byref(result), 1, stream
            )
        )
        return out


def load_kernel(options, heads=64, hidden=7168):
    """The kernel for a shape, from its bundle or compiled here; None: no bundle."""
    if options.bundles:
        path = pathlib.Path(options.bundles) / f"{heads}_{hidden}.idxb"
        return BundleKernel(options.runtime, path) if path.exists() else None
    import dsa_indexer

    return dsa_indexer.compile(example_text(heads, hidden))


def make_inputs(torch, tokens, heads=64, hidden=7168, seed=0):
    """x, weight, q_scale on the GPU, and both scalars."""
    generator = torch.Generator("cuda").manual_seed(seed)

    def normal(*shape):
        data = torch.randn(*shape, generator=generator, device="cuda")
        return data.to(torch.bfloat16)

    q_scale = torch.rand(tokens, heads, 1, generator=generator, device="cuda") + 0.05
    return normal(tokens, hidden), normal(heads, hidden), q_scale, heads**-0.5, 128**-0.5


def float64_gate(torch, x, weight, q_scale, head_scale, softmax_scale):
    """The gate in float64, and the bound of docs/numerics.md for each element."""

    def f32(value):
        return torch.tensor(value, dtype=torch.float32).double().item()

    factors = q_scale[..., 0].double() * f32(head_scale) * f32(softmax_scale)
    gate = (x.double() @ weight.double().T) * factors
    magnitude = (x.double().abs() @ weight.double().abs().T) * factors.abs()
    roundings = x.shape[1] + 4
    return gate[..., None], (roundings * 2.0**-24 * magnitude)[..., None]


def check(torch, kernel, inputs):
    """Relative norm of the error; None when an element is outside its bound."""
    expected, bound = float64_gate(torch, *inputs)
    out = torch.full_like(inputs[2], float("nan"))
    kernel(*inputs, out=out)
    difference = (out.double() - expected).abs()
    if not bool((difference <= bound).all()):
        return None
    return (difference.norm() / expected.norm()).item()


def count_same_bits(torch, kernel, inputs, launches):
    """How many of `launches` gave the bits of the first one."""
    first = kernel(*inputs).view(torch.int32)
    out = torch.empty_like(inputs[2])
    same = 0
    for _ in range(launches // 2):
        out.fill_(float("nan"))
        kernel(*inputs, out=out)
        same += bool(torch.equal(out.view(torch.int32), first))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kernel(*inputs, out=out)
    for _ in range(launches - launches // 2):
        out.fill_(float("nan"))
        graph.replay()
        same += bool(torch.equal(out.view(torch.int32), first))
    return same


def time_call(torch, make_call, tokens):
    """Median time of a call in microseconds, by graphs of cold calls."""
    set_bytes = (tokens + 64) * 7168 * 2
    sets = max(2, min(96, 2 * L2_BYTES // (64 * 7168 * 2), (16 << 30) // set_bytes))
    inputs = [make_inputs(torch, tokens, seed=i) for i in range(sets)]
    calls = [make_call(values) for values in inputs]
    # Warm up where capture is not allowed: compilation, lazy loading.
    for call in calls[:2]:
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    for _ in range(3):
        graph.replay()
    times = []
    for _ in range(20):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) * 1e3 / len(calls))
    return statistics.median(times)


def time_ours(options):
    """Time of our kernel for T tokens."""
    import torch

    torch.cuda.init()
    kernel = load_kernel(options)

    def make_call(values):
        out = torch.empty_like(values[2])
        return lambda: kernel(*values, out=out)

    return time_call(torch, make_call, options.tokens)


def time_torch_compile(options):
    """Time of torch.compile's chain, as sglang's logits_head_gate_pcg spells it."""
    import torch

    @torch.compile(dynamic=True)
    def chain(x, weight, q_scale, head_scale, softmax_scale):
        logits = torch.mm(x, weight.t(), out_dtype=torch.float32)
        weights = logits * head_scale
        return weights.unsqueeze(-1) * q_scale * softmax_scale

    return time_call(torch, lambda values: lambda: chain(*values), options.tokens)


def in_own_process(options, what, tokens):
    """Runs one timing in a fresh process; the place in a process changes times."""
    command = [sys.executable, __file__, "--time", what, "--tokens", str(tokens)]
    if options.bundles:
        command += ["--bundles", options.bundles, "--runtime", options.runtime]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        print(result.stderr, file=sys.stderr)
        return None
    return json.loads(result.stdout.strip().split("\n")[-1])


def check_shapes(torch, options):
    """Rows (text, error) of other shapes and layouts."""
    rows = []
    for heads, hidden in SHAPES:
        kernel = load_kernel(options, heads, hidden)
        if kernel is None:
            continue
        for tokens in (1, 3, 16, 129, 1030):
            inputs = make_inputs(torch, tokens, heads, hidden, seed=tokens)
            rows.append(
                (f"H {heads}, E {hidden}, T {tokens}", check(torch, kernel, inputs))
            )
    kernel = load_kernel(options)
    for tokens in (1, 17, 129, 1030):
        x, weight, *rest = make_inputs(torch, tokens, seed=7)
        padded = torch.zeros(tokens, 7168 + 64, dtype=x.dtype, device="cuda")
        padded[:, :7168] = x
        odd = torch.zeros(tokens * 7169 + 1, dtype=x.dtype, device="cuda")
        odd = odd[1:].view(tokens, 7169)[:, :7168]
        odd.copy_(x)
        spread = torch.zeros(tokens, 7168, 2, dtype=x.dtype, device="cuda")[..., 0]
        spread.copy_(x)
        for name, layout in (
            ("rows 64 elements apart", padded[:, :7168]),
            ("odd rows, pointer 2 bytes off", odd),
            ("every second element", spread),
        ):
            error = check(torch, kernel, (layout, weight, *rest))
            rows.append((f"{name}, T {tokens}", error))
    return rows


def describe_machine(torch):
    """Card, driver, date and commit."""

    def run(*command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        return result.stdout.strip()

    driver = run("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    commit = run("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    return (
        f"{torch.cuda.get_device_name()}, driver {driver.splitlines()[0]}, torch "
        f"{torch.__version__}, {datetime.date.today()}, commit {commit or 'unknown'}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", help="also write the table to this file")
    parser.add_argument("--time", choices=["ours", "torch_compile"])
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--commit", help="commit, where there is no git")
    parser.add_argument("--bundles", help="folder of bundles, named H_E.idxb")
    parser.add_argument("--runtime", help="libindexer_runtime.so, for --bundles")
    options = parser.parse_args()
    if options.bundles and not options.runtime:
        parser.error("--bundles needs --runtime")
    if options.time:
        timer = time_ours if options.time == "ours" else time_torch_compile
        print(json.dumps(timer(options)))
        return 0

    import torch

    if not torch.cuda.is_available():
        print("gpu_checks.py: error: no CUDA device", file=sys.stderr)
        return 1
    torch.cuda.init()
    failed = 0
    rows = {}
    shapes = []
    heading = describe_machine(torch)
    if options.commit:
        heading = heading.replace("commit unknown", f"commit {options.commit}")

    def write():
        """Writes what is known so far, so that a run that is cut off leaves it."""
        lines = ["# GPU checks of the head gate", "", heading, ""]
        lines += ["Command: `python3 benchmarks/gpu_checks.py`", ""]
        lines += ["| T | error | same bits | ours, us | torch.compile, us | ratio |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(rows[tokens]) + " |" for tokens in sorted(rows)]
        lines += ["", "Other shapes and layouts:", "", "| case | error |", "|---|---|"]
        lines += [f"| {name} | {error} |" for name, error in shapes]
        lines += ["", f"{failed} checks failed.", ""]
        if options.output:
            pathlib.Path(options.output).write_text("\n".join(lines))
        return "\n".join(lines)

    kernel = load_kernel(options)
    for tokens in CHECKED_TOKENS:
        inputs = make_inputs(torch, tokens)
        error = check(torch, kernel, inputs)
        same = count_same_bits(torch, kernel, inputs, LAUNCHES)
        failed += error is None or same != LAUNCHES
        text = "OUTSIDE" if error is None else f"{error:.1e}"
        rows[tokens] = [str(tokens), text, f"{same} of {LAUNCHES}", "", "", ""]
        print(rows[tokens], flush=True)
        del inputs
        torch.cuda.empty_cache()
    for name, error in check_shapes(torch, options):
        failed += error is None
        shapes.append((name, "OUTSIDE" if error is None else f"{error:.1e}"))
    write()
    for tokens in TIMED_TOKENS:
        ours = in_own_process(options, "ours", tokens)
        peer = in_own_process(options, "torch_compile", tokens)
        failed += ours is None
        rows[tokens][3:5] = [f"{t:.2f}" if t else "failed" for t in (ours, peer)]
        rows[tokens][5] = f"{ours / peer:.2f}" if ours and peer else ""
        print(rows[tokens], flush=True)
        write()
    print(write())
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
