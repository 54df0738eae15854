# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sharded tensors: two processes, gloo on the CPU or NCCL on two GPUs."""

from __future__ import annotations

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

SCRIPT = """
import sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

def work(rank, store, device):
    if device == "cuda":
        torch.cuda.set_device(rank)
    dist.init_process_group("nccl" if device == "cuda" else "gloo", init_method=f"file://{store}",
                            rank=rank, world_size=2)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
    from torch.distributed.tensor.debug import CommDebugMode
    import dsa_indexer

    mesh = init_device_mesh(device, (2,))
    torch.manual_seed(0)
    T, E, H = 6, 32, 8
    x, weight = torch.randn(T, E).bfloat16(), torch.randn(H, E).bfloat16()
    q_scale = torch.rand(T, H, 1)
    x, weight, q_scale = (tensor.to(device) for tensor in (x, weight, q_scale))
    wanted = dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=0.25)

    def check(places, head_scale, result, communicates):
        sharded = [distribute_tensor(tensor, mesh, [place])
                   for tensor, place in zip((x, weight, q_scale), places)]
        with torch.no_grad(), CommDebugMode() as counter:
            gate = dsa_indexer.head_gate(*sharded, softmax_scale=0.25, head_scale=head_scale)
        assert isinstance(gate, DTensor) and gate.placements == (result,), gate.placements
        assert (counter.get_total_counts() > 0) == communicates, counter.get_comm_counts()
        torch.testing.assert_close(gate.full_tensor(), wanted)

    everything = Replicate()
    tokens = Shard(0), everything, Shard(0)
    check(tokens, None, Shard(0), False)
    check(tokens, H**-0.5, Shard(0), False)
    check((everything, Shard(0), Shard(1)), H**-0.5, Shard(1), False)
    hidden = [distribute_tensor(tensor, mesh, [place]) for tensor, place in
              zip((x, weight, q_scale), (Shard(1), Shard(1), everything))]
    with torch.no_grad():
        gate = dsa_indexer.head_gate(*hidden, softmax_scale=0.25)
    torch.testing.assert_close(gate.full_tensor(), wanted)
    # Without the head scale, heads are gathered: a rank cannot tell H.
    heads = [distribute_tensor(tensor, mesh, [place]) for tensor, place in
             zip((x, weight, q_scale), (everything, Shard(0), Shard(1)))]
    with torch.no_grad():
        gate = dsa_indexer.head_gate(*heads, softmax_scale=0.25)
    torch.testing.assert_close(gate.full_tensor(), wanted)
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, (sys.argv[1], sys.argv[2]), nprocs=2)
"""


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_sharding(device, tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("torch has no distributed package")
    if device == "cuda" and torch.cuda.device_count() < 2:
        pytest.skip("one GPU only")
    script = tmp_path / "work.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store"), device],
        capture_output=True,
        text=True,
        timeout=300,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-3000:]
