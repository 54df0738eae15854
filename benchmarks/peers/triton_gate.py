# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The head gate in Triton: the peer that a user could write in an afternoon.

    gate[t, h] = (sum_d x[t, d] * weight[h, d]) * q_scale[t, h] * scale

x [T, E] and weight [H, E] are bf16 and contiguous, q_scale [T, H] and the result f32; the sum
is f32. One kernel a call, the epilogue in it. Two forms, chosen by a configuration:

- `multiply_gate`: no tensor cores, a block of heads of one token a program; a few tokens.
- `dot_gate`: `tl.dot` on tiles, pipelined loads or tensor descriptors (TMA), and split-K
  without clusters: each part of the sum goes to a scratch buffer, the program that arrives
  last at a tile adds the parts up in a fixed order, so that results repeat bit for bit.

peers/triton_space.py has the configurations that the benchmark tunes over.
"""

from typing import Any

import triton
import triton.language as tl

from peers.triton_space import Configuration, count_tiles


@triton.jit
def multiply_gate(
    x,
    weight,
    q_scale,
    out,
    scale,
    E: tl.constexpr,
    H: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_E: tl.constexpr,
):
    """Token program_id(0), BLOCK_H heads of it; E in steps of BLOCK_E."""
    t = tl.program_id(0).to(tl.int64)
    h = tl.program_id(1) * BLOCK_H + tl.arange(0, BLOCK_H)
    products = tl.zeros((BLOCK_H, BLOCK_E), tl.float32)
    for start in tl.static_range(0, E, BLOCK_E):
        d = start + tl.arange(0, BLOCK_E)
        row = tl.load(x + t * E + d, mask=d < E, other=0.0).to(tl.float32)
        rows = tl.load(
            weight + h[:, None] * E + d[None, :], mask=d[None, :] < E, other=0.0
        )
        products += rows.to(tl.float32) * row[None, :]
    factor = tl.load(q_scale + t * H + h) * scale
    tl.store(out + t * H + h, tl.sum(products, axis=1) * factor)


@triton.jit
def store_gate(out, q_scale, total, t, h, tokens, scale, H: tl.constexpr):
    """Scales the sums of tokens `t` and heads `h` and writes them."""
    cells = t.to(tl.int64)[:, None] * H + h[None, :]
    factor = tl.load(q_scale + cells, mask=t[:, None] < tokens, other=0.0) * scale
    tl.store(out + cells, total * factor, mask=t[:, None] < tokens)


@triton.jit(do_not_specialize=["tokens"])
def dot_gate(
    x,
    weight,
    q_scale,
    out,
    parts,
    arrivals,
    tokens,
    scale,
    E: tl.constexpr,
    H: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_E: tl.constexpr,
    SPLIT: tl.constexpr,
    DESCRIPTORS: tl.constexpr,
):
    """Tile program_id(0) of BLOCK_T tokens and BLOCK_H heads, part program_id(1)
    of the sum. `parts` [tiles, SPLIT, BLOCK_T, BLOCK_H] is scratch; `arrivals`
    [tiles] is 0 before and after a launch."""
    tile = tl.program_id(0)
    part = tl.program_id(1)
    head_tiles: tl.constexpr = H // BLOCK_H
    t = (tile // head_tiles) * BLOCK_T + tl.arange(0, BLOCK_T)
    h = (tile % head_tiles) * BLOCK_H + tl.arange(0, BLOCK_H)
    rows = t.to(tl.int64)[:, None] * E
    total = tl.zeros((BLOCK_T, BLOCK_H), tl.float32)
    for start in range(part * (E // SPLIT), (part + 1) * (E // SPLIT), BLOCK_E):
        if DESCRIPTORS:
            left = x.load([(tile // head_tiles) * BLOCK_T, start])
            right = weight.load([(tile % head_tiles) * BLOCK_H, start])
        else:
            d = start + tl.arange(0, BLOCK_E)
            left = tl.load(x + rows + d[None, :], mask=t[:, None] < tokens, other=0.0)
            right = tl.load(weight + h[:, None] * E + d[None, :])
        total = tl.dot(left, right.T, total)
    if SPLIT == 1:
        store_gate(out, q_scale, total, t, h, tokens, scale, H)
    else:
        inside = tl.arange(0, BLOCK_T)[:, None] * BLOCK_H + tl.arange(0, BLOCK_H)[None]
        scratch = parts + tile * SPLIT * BLOCK_T * BLOCK_H + inside
        tl.store(scratch + part * BLOCK_T * BLOCK_H, total)
        # Every thread's part is written before the program counts itself.
        tl.debug_barrier()
        arrived = tl.atomic_add(arrivals + tile, 1, sem="acq_rel")
        if arrived == SPLIT - 1:
            gathered = tl.zeros((BLOCK_T, BLOCK_H), tl.float32)
            for other in tl.static_range(SPLIT):
                # Written by other SMs: not from this one's L1.
                gathered += tl.load(
                    scratch + other * BLOCK_T * BLOCK_H, cache_modifier=".cg"
                )
            store_gate(out, q_scale, gathered, t, h, tokens, scale, H)
            tl.store(arrivals + tile, 0)


def make_scratch(torch: Any, configuration: Configuration, tokens: int, heads: int):
    """The buffers `parts` and `arrivals` of a configuration; one pair serves all
    calls of a stream."""
    tiles = count_tiles(configuration, tokens, heads) if configuration.split > 1 else 1
    cells = configuration.block_t * configuration.block_h
    return (
        torch.empty(tiles * configuration.split * cells, device="cuda"),
        torch.zeros(tiles, dtype=torch.int32, device="cuda"),
    )


def gate(configuration: Configuration, x, weight, q_scale, scale, out, scratch):
    """Launches the gate; `scale` is head_scale * softmax_scale."""
    tokens, hidden = x.shape
    heads = weight.shape[0]
    if configuration.form == "multiply":
        multiply_gate[(tokens, heads // configuration.block_h)](
            x,
            weight,
            q_scale,
            out,
            scale,
            E=hidden,
            H=heads,
            BLOCK_H=configuration.block_h,
            BLOCK_E=configuration.block_e,
            num_warps=configuration.warps,
        )
        return
    if configuration.descriptors:
        from triton.tools.tensor_descriptor import TensorDescriptor

        width = configuration.block_e
        x = TensorDescriptor.from_tensor(x, [configuration.block_t, width])
        weight = TensorDescriptor.from_tensor(weight, [configuration.block_h, width])
    tiles = count_tiles(configuration, tokens, heads)
    dot_gate[(tiles, configuration.split)](
        x,
        weight,
        q_scale,
        out,
        *scratch,
        tokens,
        scale,
        E=hidden,
        H=heads,
        BLOCK_T=configuration.block_t,
        BLOCK_H=configuration.block_h,
        BLOCK_E=configuration.block_e,
        SPLIT=configuration.split,
        DESCRIPTORS=configuration.descriptors,
        num_warps=configuration.warps,
        num_stages=configuration.stages,
    )
