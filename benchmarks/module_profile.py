"""The indexer of examples/indexer_module.py on a GPU, before and after: times and kernels.

    python3 benchmarks/module_profile.py [--tokens 64]

For the module as it is and with the fused gate, eager, compiled, and in a CUDA graph:
microseconds a call on the device (median of graph replays or calls), and, of the gate alone,
the kernels that torch's profiler saw. Says whether both select the same tokens; exit code 1
when they do not. Needs PyTorch with CUDA, a GPU and dsa_indexer.
"""

import argparse
import pathlib
import statistics
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
import indexer_module as example  # noqa: E402


def capture(call):
    """A CUDA graph of one call, and what it returns."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = call()
    return graph, result


def time_of(call, rounds=30):
    """Device microseconds of one call, the launch included where it is longer."""
    for _ in range(5):
        call()
    times = []
    for _ in range(rounds):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000)
    return statistics.median(times)


def kernels_of(call):
    """(name, microseconds a call) of the kernels of one call."""
    from torch.profiler import ProfilerActivity, profile

    call()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        for _ in range(20):
            call()
        torch.cuda.synchronize()
    rows = [e for e in recorded.key_averages() if e.device_time_total > 0]
    return [(row.key, row.count / 20, row.device_time_total / row.count) for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    plain, fused, inputs = example.make("cuda", options.tokens, 7168, 64, top_k=32)
    status = 0
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, T = {options.tokens}\n")
    print("| module | before, us | after, us | exchanged | part of the bound |")
    print("|---|---|---|---|---|")
    with torch.no_grad():
        expected = plain(*inputs)
        calls = {
            "eager": (lambda: plain(*inputs), lambda: fused(*inputs)),
            "compiled": (
                lambda f=torch.compile(plain): f(*inputs),
                lambda f=torch.compile(plain, backend="indexer"): f(*inputs),
            ),
        }
        graphs = [capture(call) for call in calls["eager"]]
        calls["CUDA graph"] = tuple(lambda g=g, r=r: (g.replay(), r)[1] for g, r in graphs)
        for name, (before, after) in calls.items():
            torch._dynamo.reset()
            count, worst = example.compare(expected, after())
            status |= worst > 1
            times = time_of(before), time_of(after)
            print(f"| {name} | {times[0]:.1f} | {times[1]:.1f} | {count} | {worst:.2f} |", flush=True)

        weight = plain.weights_proj.weight
        q_scale = torch.ones(options.tokens, 64, 1, device="cuda")
        gates = {
            "plain, eager": example.plain_gate,
            "plain, compiled": torch.compile(example.plain_gate),
            "fused": example.fused_gate,
        }
        print("\n| gate | kernels | us | names |\n|---|---|---|---|")
        for name, gate in gates.items():
            found = kernels_of(lambda gate=gate: gate(inputs[0], weight, q_scale, 128**-0.5))
            count = sum(calls for _, calls, _ in found)
            total = sum(calls * us for _, calls, us in found)
            names = ", ".join(f"{key[:50]} {us:.2f}" for key, _, us in found)
            print(f"| {name} | {count:g} | {total:.2f} | {names} |", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
