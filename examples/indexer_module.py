# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lightning indexer of DeepSeek-V3.2 in plain torch, with random weights.

All of its steps, for one prompt: the query from the compressed one, rotary
embedding, Hadamard transform, fp8 with a power-of-two scale a token and head;
the key from the hidden state, layer norm, the same steps, a scale a token; the
head gate; the score of each earlier token and the tokens of the highest scores.

    python3 examples/indexer_module.py     # with and without the fused gate: same tokens?
"""

from __future__ import annotations

from typing import NamedTuple

import torch

#: Width of the indexer's heads, and the part of it that is rotated.
HEAD_DIM, ROPE_DIM = 128, 64
#: The largest finite float8_e4m3fn.
FP8_MAX = 448.0


class Selected(NamedTuple):
    """For each token the earlier ones that attention will read."""

    #: [T, k] indices, in no order that matters.
    tokens: torch.Tensor
    #: [T, T] float32 scores; -inf for later tokens.
    scores: torch.Tensor
    #: [T, T] how much the scores of two right gates may differ.
    bounds: torch.Tensor


class Indexer(torch.nn.Module):
    """x [T, E] and compressed queries [T, q_rank], bfloat16 -> Selected.

    `gate` is the function of (x, weight, q_scale, softmax_scale) that makes the
    head gate [T, H, 1]: `plain_gate`, or dsa_indexer's.
    """

    def __init__(self, hidden: int, heads: int, q_rank: int, top_k: int, gate: object) -> None:
        super().__init__()
        self.heads, self.top_k, self.gate = heads, top_k, gate
        bfloat16 = {"bias": False, "dtype": torch.bfloat16}
        self.wq_b = torch.nn.Linear(q_rank, heads * HEAD_DIM, **bfloat16)
        self.wk = torch.nn.Linear(hidden, HEAD_DIM, **bfloat16)
        self.k_norm = torch.nn.LayerNorm(HEAD_DIM)
        self.weights_proj = torch.nn.Linear(hidden, heads, **bfloat16)
        self.register_buffer("hadamard", hadamard(HEAD_DIM))

    def forward(self, x: torch.Tensor, queries: torch.Tensor) -> Selected:
        tokens = x.shape[0]
        angles = rope_angles(tokens, x.device)
        q = self.wq_b(queries).view(tokens, self.heads, HEAD_DIM).float()
        q, q_scale = to_fp8(rope(q, angles[:, None]) @ self.hadamard)
        k = rope(self.k_norm(self.wk(x).float()), angles) @ self.hadamard
        k, k_scale = to_fp8(k)

        weight, softmax_scale = self.weights_proj.weight, HEAD_DIM**-0.5
        gate = self.gate(x, weight, q_scale, softmax_scale)

        later = torch.ones(tokens, tokens, dtype=torch.bool, device=x.device).triu(1)
        matches = torch.relu(torch.einsum("thd,sd->ths", q, k)) * k_scale.view(1, 1, tokens)
        scores = (matches * gate).sum(1).masked_fill(later, -torch.inf)
        # Any order of the sum over d, in float32 (docs/numerics.md).
        sums = x.float().abs() @ weight.float().abs().t()
        bound = sums.unsqueeze(-1) * q_scale * (self.heads**-0.5 * softmax_scale)
        bounds = (matches * bound).sum(1) * ((x.shape[1] + 8) * 2.0**-24)
        return Selected(scores.topk(min(self.top_k, tokens)).indices, scores, bounds)


def plain_gate(x, weight, q_scale, softmax_scale):
    """As sglang writes it; torch's mm has no out_dtype on the CPU."""
    if x.is_cuda:
        logits = torch.mm(x, weight.t(), out_dtype=torch.float32)
    else:
        logits = x.float() @ weight.float().t()
    weights = logits * weight.shape[0] ** -0.5
    return weights.unsqueeze(-1) * q_scale * softmax_scale


def fused_gate(x, weight, q_scale, softmax_scale):
    """The same in one kernel."""
    import dsa_indexer

    return dsa_indexer.head_gate(x, weight, q_scale, softmax_scale=softmax_scale)


def rope_angles(tokens: int, device: torch.device) -> torch.Tensor:
    """[T, ROPE_DIM / 2], of positions 0 to T - 1."""
    steps = torch.arange(0, ROPE_DIM, 2, device=device) / ROPE_DIM
    return torch.arange(tokens, device=device)[:, None] * 10000.0**-steps


def rope(value: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Rotates the first ROPE_DIM elements, the first half against the second."""
    first, second, rest = value.split((ROPE_DIM // 2, ROPE_DIM // 2, HEAD_DIM - ROPE_DIM), -1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((first * cos - second * sin, second * cos + first * sin, rest), -1)


def hadamard(size: int) -> torch.Tensor:
    """Orthogonal, of entries +-size ** -0.5; `size` is a power of two."""
    matrix = torch.ones(1, 1)
    while matrix.shape[0] < size:
        matrix = torch.cat((torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1)))
    return matrix * size**-0.5


def to_fp8(value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`value` [..., D] in fp8's values but float32's type, and its scale [..., 1],
    the power of two at or above amax / 448 ("ue8m0")."""
    amax = value.abs().amax(-1, keepdim=True).clamp(min=1e-4)
    scale = torch.exp2(torch.ceil(torch.log2(amax / FP8_MAX)))
    return (value / scale).to(torch.float8_e4m3fn).float(), scale


def compare(left: Selected, right: Selected) -> tuple[int, float]:
    """How many tokens only one of the two selects, and the largest difference of
    the scores of two that were exchanged, in parts of what rounding explains:
    above 1 is an error."""
    tokens = left.scores.shape[0]
    count, worst = 0, 0.0
    for row in range(tokens):
        ours, theirs = (set(s.tokens[row].tolist()) for s in (left, right))
        gone, come = sorted(ours - theirs), sorted(theirs - ours)
        # Below k earlier tokens, later ones fill up: their order is nobody's.
        gone, come = ([s for s in found if s <= row] for found in (gone, come))
        count += len(gone)
        for before, after in ((b, a) for b in gone for a in come):
            difference = abs(left.scores[row, before] - left.scores[row, after])
            allowed = left.bounds[row, before] + left.bounds[row, after]
            worst = max(worst, float(difference / allowed))
    return count, worst


def make(device: str, tokens: int, hidden: int, heads: int, top_k: int, seed: int = 0):
    """A plain indexer, one with our gate and the same weights, and (x, queries)."""
    torch.manual_seed(seed)
    plain, fused = (
        Indexer(hidden, heads, q_rank=hidden // 4, top_k=top_k, gate=gate).to(device).eval()
        for gate in (plain_gate, fused_gate)
    )
    fused.load_state_dict(plain.state_dict())
    x = torch.randn(tokens, hidden, device=device).bfloat16()
    queries = torch.randn(tokens, hidden // 4, device=device).bfloat16()
    return plain, fused, (x, queries)


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plain, fused, inputs = make(device, tokens=192, hidden=2048, heads=64, top_k=64)
    with torch.no_grad():
        expected = plain(*inputs)
        compiled = torch.compile(plain, backend="indexer")
        for name, run in (("eager", fused), ("compiled", compiled)):
            count, worst = compare(expected, run(*inputs))
            print(f"{name}: {count} of {192 * 64} tokens exchanged, {worst:.2f} of the bound")
            assert worst <= 1


if __name__ == "__main__":
    main()
