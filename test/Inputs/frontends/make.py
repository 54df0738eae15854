#!/usr/bin/env python3
"""Makes the modules of this folder with the real frontends.

Usage: make.py [NAME ...]

Not run by the tests. Needs Python 3.11 and
    pip install torch==2.13.0 torch-mlir==20261001.* jax==0.10.2 \\
        iree-base-compiler==3.13.0
The text is what the frontend prints. One thing is adapted: IREE puts a function
into a util.func, which becomes a func.func.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
TOKENS, HIDDEN, HEADS, KEY = 16, 7168, 64, 128
SCALE, HEAD_SCALE = KEY**-0.5, HEADS**-0.5
GLM_HIDDEN, GLM_HEADS = 6144, 32

# Each case: what makes the function and its arguments, engine, expression.
CASES = {}


def case(name, engine, expression):
    """Registers a function that returns text."""
    def register(function):
        CASES[name] = (function, engine, expression)
        return function
    return register


def torch_text(function, shapes, dynamic=()):
    """Linalg by torch-mlir. `shapes` holds (shape, dtype name); in the arguments
    `dynamic` the first dimension is unknown."""
    import torch
    from torch_mlir import fx

    class Module(torch.nn.Module):
        """What torch.export takes."""

        def forward(self, *args):
            """The chain."""
            return function(*args)

    args = tuple(torch.zeros(shape, dtype=getattr(torch, kind))
                 for shape, kind in shapes)
    options = {}
    if dynamic:
        tokens = torch.export.Dim("t", min=2, max=65536)
        options["dynamic_shapes"] = (tuple(
            {0: tokens} if index in dynamic else None for index in range(len(args))),)
    module = fx.export_and_import(Module(), *args, output_type="linalg-on-tensors",
                                  func_name="head_gate", **options)
    return str(module)


def jax_text(function, shapes):
    """Linalg by iree-compile from JAX's StableHLO. `shapes` holds (shape, dtype
    name); a shape with a letter has that extent unknown."""
    import jax

    scope = jax.export.SymbolicScope()
    args = []
    for shape, kind in shapes:
        if isinstance(shape, str):
            shape = jax.export.symbolic_shape(shape, scope=scope)
        args.append(jax.ShapeDtypeStruct(shape, jax.numpy.dtype(kind)))
    exported = jax.export.export(jax.jit(function))(*args)
    with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
        file.write(str(exported.mlir_module()))
        file.flush()
        text = subprocess.run(
            ["iree-compile", "--iree-input-type=stablehlo", "--compile-to=input",
             "--mlir-print-local-scope", file.name],
            check=True, stdout=subprocess.PIPE, text=True).stdout
    text = re.sub(r"util\.func public @\w+", "func.func @head_gate", text)
    text = text.replace("util.func private", "func.func private")
    return text.replace("util.return", "return")


def with_scales(weights, q_scale, head_scale=HEAD_SCALE):
    """The two lines behind the GEMM."""
    return (weights * head_scale).unsqueeze(-1) * q_scale * SCALE


def gate(tokens=TOKENS, kind="bfloat16", q_kind="float32", batch=(), heads=HEADS,
         hidden=HIDDEN):
    """Shapes of x, weight and q_scale."""
    return [((*batch, tokens, hidden), kind), ((heads, hidden), kind),
            ((*batch, tokens, heads, 1), q_kind)]


@case("torch-mm-f32", "torch-mlir, sglang S1 and S2",
      "(x.float() @ w.float().t() * 64**-0.5).unsqueeze(-1) * q_scale * 128**-0.5; "
      "T known")
def _():
    return torch_text(lambda x, w, q: with_scales(x.float() @ w.float().t(), q),
                      gate())


@case("torch-mm-f32-dynamic", "torch-mlir, sglang S1 and S2",
      "(x.float() @ w.float().t() * 64**-0.5).unsqueeze(-1) * q_scale * 128**-0.5; "
      "T unknown")
def _():
    return torch_text(lambda x, w, q: with_scales(x.float() @ w.float().t(), q),
                      gate(), (0, 2))


@case("torch-linear-bf16", "torch-mlir, sglang S7, DeepSeek reference",
      "(F.linear(x, w) * 64**-0.5).unsqueeze(-1) * q_scale * 128**-0.5 with a bf16 "
      "GEMM and scale; T known")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(torch.nn.functional.linear(x, w), q), gate())


@case("torch-linear-bf16-dynamic", "torch-mlir, sglang S7 with GLM's shapes",
      "(F.linear(x, w) * 32**-0.5).unsqueeze(-1) * q_scale * 128**-0.5 with a bf16 "
      "GEMM and scale; T unknown")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(torch.nn.functional.linear(x, w), q,
                                    GLM_HEADS**-0.5),
        gate(heads=GLM_HEADS, hidden=GLM_HIDDEN), (0, 2))


@case("torch-einsum-f32", "torch-mlir, any engine",
      "with_scales(einsum('td,hd->th', x.float(), w.float())); T known")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(
            torch.einsum("td,hd->th", x.float(), w.float()), q), gate())


@case("torch-einsum-f32-dynamic", "torch-mlir, any engine",
      "with_scales(einsum('td,hd->th', x.float(), w.float())); T unknown")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(
            torch.einsum("td,hd->th", x.float(), w.float()), q), gate(), (0, 2))


@case("torch-einsum-bf16", "torch-mlir, any engine",
      "with_scales(einsum('bsd,hd->bsh', x, w)) in bf16; x [B, S, E]")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(torch.einsum("bsd,hd->bsh", x, w), q),
        gate(batch=(2,)))


@case("torch-bse", "torch-mlir, DeepSeek reference",
      "with_scales(F.linear(x.float(), w.float())); x [B, S, E]")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(
            torch.nn.functional.linear(x.float(), w.float()), q), gate(batch=(2,)))


@case("torch-bse-dynamic", "torch-mlir, DeepSeek reference",
      "with_scales(F.linear(x, w)) in bf16; x [B, S, E], B unknown")
def _():
    import torch
    return torch_text(
        lambda x, w, q: with_scales(torch.nn.functional.linear(x, w), q),
        gate(batch=(2,)), (0, 2))


@case("torch-one-sequence", "torch-mlir, LMDeploy",
      "q_s * 128**-0.5 * (F.linear(x, w) * 64**-0.5); x [1, T, E], the gate last")
def _():
    import torch
    return torch_text(
        lambda x, w, q: q.squeeze(-1) * SCALE
        * (torch.nn.functional.linear(x, w) * HEAD_SCALE), gate(batch=(1,)))


@case("torch-merged", "torch-mlir, vLLM V1",
      "F.linear(x, kw).split([128, 64], -1); weights * q_scale * 128**-0.5 * "
      "64**-0.5; T unknown")
def _():
    import torch

    def function(x, kw, q):
        key, weights = torch.nn.functional.linear(x, kw).split([KEY, HEADS], -1)
        return key, weights * q * SCALE * HEAD_SCALE
    return torch_text(
        function, [((TOKENS, HIDDEN), "bfloat16"), ((KEY + HEADS, HIDDEN), "bfloat16"),
                   ((TOKENS, HEADS), "float32")], (0, 2))


@case("torch-division", "torch-mlir, any engine",
      "(F.linear(x.float(), w) / 8).unsqueeze(-1) * q_scale with an f32 weight")
def _():
    import torch
    return torch_text(
        lambda x, w, q: (torch.nn.functional.linear(x.float(), w) / 8).unsqueeze(-1)
        * q, [((TOKENS, HIDDEN), "bfloat16"), ((HEADS, HIDDEN), "float32"),
              ((TOKENS, HEADS, 1), "float32")])


@case("torch-bf16-result", "torch-mlir, Megatron and mlx-lm",
      "F.linear(x, w) * 64**-0.5 * 128**-0.5 in bf16 to the end")
def _():
    import torch
    return torch_text(
        lambda x, w: torch.nn.functional.linear(x, w) * HEAD_SCALE * SCALE,
        gate()[:2])


@case("torch-softmax", "torch-mlir, a router that is no head gate",
      "softmax(F.linear(x.float(), w.float()), -1)")
def _():
    import torch
    return torch_text(
        lambda x, w: torch.softmax(
            torch.nn.functional.linear(x.float(), w.float()), -1), gate()[:2])


@case("torch-silu", "torch-mlir, a gate with an activation",
      "silu(F.linear(x.float(), w.float())) * q_scale")
def _():
    import torch
    return torch_text(
        lambda x, w, q: torch.nn.functional.silu(
            torch.nn.functional.linear(x.float(), w.float())) * q.squeeze(-1), gate())


@case("jax-preferred", "JAX through IREE",
      "dot_general(x, w, preferred_element_type=f32) * 64**-0.5, [..., None] * "
      "q_scale * 128**-0.5; T known")
def _():
    import jax
    import jax.numpy as jnp

    def function(x, w, q):
        weights = jax.lax.dot_general(x, w, (((1,), (1,)), ((), ())),
                                      preferred_element_type=jnp.float32)
        return (weights * HEAD_SCALE)[..., None] * q * SCALE
    return jax_text(function, gate())


@case("jax-preferred-dynamic", "JAX through IREE",
      "dot_general(x, w, preferred_element_type=f32) * 64**-0.5 * q_scale * "
      "128**-0.5 with q_scale [T, H]; T unknown")
def _():
    import jax
    import jax.numpy as jnp

    def function(x, w, q):
        # IREE does not lower an unsqueeze of an unknown shape.
        weights = jax.lax.dot_general(x, w, (((1,), (1,)), ((), ())),
                                      preferred_element_type=jnp.float32)
        return weights * HEAD_SCALE * q * SCALE
    return jax_text(function, [(f"t, {HIDDEN}", "bfloat16"),
                               ((HEADS, HIDDEN), "bfloat16"),
                               (f"t, {HEADS}", "float32")])


@case("jax-plain-bf16", "JAX through IREE, MaxText V4",
      "(x @ w.T).astype(f32) * 64**-0.5 without preferred_element_type")
def _():
    import jax.numpy as jnp
    return jax_text(lambda x, w: (x @ w.T).astype(jnp.float32) * HEAD_SCALE,
                    gate()[:2])


@case("jax-einsum", "JAX through IREE, MaxText",
      "einsum('bse,eh->bsh', x, kernel) * 64**-0.5 * 128**-0.5 in f32")
def _():
    import jax.numpy as jnp
    return jax_text(
        lambda x, w: jnp.einsum("bse,eh->bsh", x, w) * HEAD_SCALE * SCALE,
        [((2, TOKENS, HIDDEN), "float32"), ((HIDDEN, HEADS), "float32")])


@case("jax-einsum-preferred", "JAX through IREE",
      "einsum('bse,he->bsh', x, w, preferred_element_type=f32) * q_scale * 128**-0.5")
def _():
    import jax.numpy as jnp
    return jax_text(
        lambda x, w, q: jnp.einsum("bse,he->bsh", x, w,
                                   preferred_element_type=jnp.float32) * q[..., 0]
        * SCALE, gate(batch=(2,)))


@case("jax-f32", "JAX through IREE, Transformers' form",
      "(x.astype(f32) @ w.astype(f32).T * 64**-0.5)[..., None] * q_scale")
def _():
    import jax.numpy as jnp
    return jax_text(
        lambda x, w, q: (x.astype(jnp.float32) @ w.astype(jnp.float32).T
                         * HEAD_SCALE)[..., None] * q, gate())


def wrap(prefix, text):
    """`text` as comment lines, the first behind `prefix`."""
    lines, line = [], f"// {prefix}:"
    for word in text.split():
        if len(line) + len(word) >= 80:
            lines.append(line)
            line = "//" + " " * (len(prefix) + 1)
        line += " " + word
    return "\n".join(lines + [line])


def main():
    """Writes the modules that are named, or all."""
    for name in sys.argv[1:] or CASES:
        function, engine, expression = CASES[name]
        text = "\n".join(line.rstrip() for line in function().strip().splitlines())
        (FOLDER / f"{name}.mlir").write_text(
            f"{wrap('Engine', engine)}\n{wrap('Expression', expression)}\n"
            f"// Written by test/Inputs/frontends/make.py {name}\n\n{text}\n")


if __name__ == "__main__":
    main()
