# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The plugins in the engines' own loaders. Without an engine its tests are
skipped; each runs in a process of its own, as it changes the engine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys

import pytest

from dsa_indexer import config

pytest.importorskip("torch")


def run(script: str, **environment: str) -> str:
    """What the script writes."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=300,
        cwd="/",
        env={**os.environ, "DSA_INDEXER_PLUGINS": "", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def needs(engine: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(engine) is None
    return pytest.mark.skipif(missing, reason=f"{engine} is not installed")


def test_entry_points():
    for group, target in (
        ("sglang.srt.plugins", "dsa_indexer.plugins.sglang:activate"),
        ("vllm.general_plugins", "dsa_indexer.plugins.vllm:activate"),
        ("torch_dynamo_backends", "dsa_indexer.frontend._inductor:backend"),
    ):
        found = [
            p for p in importlib.metadata.entry_points(group=group) if "dsa_indexer" in p.value
        ]
        assert [point.value for point in found] == [target]


def test_engines_of_the_variable(monkeypatch):
    monkeypatch.delenv("DSA_INDEXER_PLUGINS", raising=False)
    assert config.engines() == frozenset()
    with config.scope("sglang, vllm"):
        assert config.engines() == {"sglang", "vllm"}
    with config.scope("all"):
        assert config.engines() == {"sglang", "vllm"}
    with config.scope("sglang,trtllm"), pytest.raises(ValueError, match="names 'trtllm', accepted"):
        config.engines()
    assert config.engines() == frozenset()


# The engine defines its operator on a machine with CUDA only, and its class
# Indexer needs packages that are not here: the two methods are taken from its
# source.
SGLANG = """
import ast, importlib.util, logging, os, sys, types
import torch
logging.basicConfig(level=logging.INFO)
import sglang.srt.utils
sglang.srt.utils.is_cuda = lambda: True
from sglang.srt.layers.attention.dsa import head_gate as engine

path = os.path.join(os.path.dirname(engine.__file__), "dsa_indexer.py")
wanted = {"_weights_proj_bf16_in_fp32_out", "_get_logits_head_gate"}
(found,) = [node for node in ast.parse(open(path).read()).body
            if isinstance(node, ast.ClassDef) and node.name == "Indexer"]
found.bases = []
found.body = [item for item in found.body if getattr(item, "name", "") in wanted]
assert len(found.body) == 2
for item in found.body:
    item.decorator_list = []
stub = types.ModuleType("sglang.srt.layers.attention.dsa.dsa_indexer")
from typing import Tuple, Union
vars(stub).update(torch=torch, Union=Union, Tuple=Tuple, _use_aiter=False,
                  _is_gfx95_supported=False, _is_cuda=False, _is_hip=False)
exec(compile(ast.Module([found], []), path, "exec"), vars(stub))
sys.modules[stub.__name__] = stub
engine_package = sys.modules["sglang.srt.layers.attention.dsa"]
engine_package.dsa_indexer = stub
Indexer = stub.Indexer
own_method = Indexer._get_logits_head_gate
own_scale = engine.scale_head_gate_graph

from sglang.srt.plugins import load_plugins
load_plugins()
from dsa_indexer import _head_gate
from dsa_indexer.plugins import sglang as plugin

E, H = 64, 32
x, weight = torch.randn(5, E).bfloat16(), torch.randn(H, E).bfloat16()
q_scale = torch.rand(5, H, 1)
wanted = (x.float() @ weight.float().t() * 0.5).unsqueeze(-1) * q_scale * 0.25

class Proj(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x), None

indexer = Indexer()
indexer.weights_proj = Proj(E, H, bias=False, dtype=torch.bfloat16).requires_grad_(False)
indexer.weights_proj.weight.copy_(weight)
indexer.n_heads, indexer.softmax_scale = 4, 0.25
taken = [hook.is_taken for hook in plugin.status()]
"""


@needs("sglang")
class TestSglang:
    def test_on(self):
        log = run(
            SGLANG
            + """
assert taken == [True, True, True], plugin.status()
arguments = x, weight, 0.5, 0.25, q_scale
op = torch.ops.sglang.logits_head_gate_graph
assert _head_gate.kernel_count() == 0
torch.testing.assert_close(op(*arguments), wanted)
assert _head_gate.kernel_count() == 1
with torch.no_grad():
    torch.testing.assert_close(engine.logits_head_gate_graph(*arguments), wanted)
    torch.testing.assert_close(indexer._get_logits_head_gate(x, q_scale), wanted)
assert _head_gate.kernel_count() == 1

# The fake implementation is the engine's; the graph holds the engine's operator.
from torch._subclasses import FakeTensorMode
with FakeTensorMode():
    fake = op(torch.empty(7, E, device="cuda"), torch.empty(H, E, device="cuda"), 0.5, 0.25,
              torch.empty(7, H, 1, device="cuda"))
    assert fake.shape == (7, H, 1)
seen = []
def backend(module, inputs):
    seen.extend(str(node.target) for node in module.graph.nodes if node.op == "call_function")
    return module.forward
compiled = torch.compile(engine.logits_head_gate_graph, backend=backend, fullgraph=True)
torch.testing.assert_close(compiled(*arguments), wanted)
(target,) = seen
assert target in ("sglang.logits_head_gate_graph", "sglang.logits_head_gate_graph.default"), seen

# What is the engine's stays its own: merged weights, and a tuple as input.
assert engine.scale_head_gate_graph is own_scale
try:
    indexer._get_logits_head_gate((x, q_scale), q_scale)
except (TypeError, AttributeError):
    pass  # The engine's own code takes no such tuple on a CPU.
else:
    raise AssertionError
assert plugin.status()[0].is_taken
""",
            DSA_INDEXER_PLUGINS="sglang",
        )
        assert log.count("dsa_indexer: sglang's head gate is replaced") == 1

    @pytest.mark.parametrize(
        "environment",
        [{}, {"DSA_INDEXER_PLUGINS": "sglang", "SGLANG_PLUGINS": "other"}],
        ids=["not-named", "filtered-by-sglang"],
    )
    def test_off(self, environment):
        run(
            SGLANG
            + """
assert taken == [False] and "dsa" not in str(engine.logits_head_gate_graph), plugin.status()
assert Indexer._get_logits_head_gate is own_method
indexer._get_logits_head_gate(x, q_scale)
assert _head_gate.kernel_count() == 0
""",
            **environment,
        )

    def test_an_engine_that_has_moved_on(self):
        log = run(
            SGLANG.replace(
                "from sglang.srt.plugins import load_plugins",
                "engine.logits_head_gate_graph = lambda x, weight, scale: None\n"
                "from sglang.srt.plugins import load_plugins",
            )
            + "assert taken == [False] and Indexer._get_logits_head_gate is own_method",
            DSA_INDEXER_PLUGINS="sglang",
        )
        assert "takes (x, weight, scale), known is (x, weight, n_heads_inv_sqrt," in log

    def test_a_call_that_fails_is_the_engines(self):
        log = run(
            SGLANG
            + """
def fails(*arguments):
    raise ValueError("no such kernel")
_head_gate.run = fails
with torch.no_grad():
    for _ in range(2):
        gate = indexer._get_logits_head_gate(x, q_scale)
        torch.testing.assert_close(gate, wanted, rtol=2e-2, atol=2e-2)
hooks = plugin.status()
assert not any(hook.is_taken for hook in hooks) and "no such kernel" in hooks[0].note
""",
            DSA_INDEXER_PLUGINS="sglang",
        )
        assert log.count("sglang's own head gate is used from now on: no such kernel") == 1

    @pytest.mark.gpu
    def test_cuda_graph(self):
        run(
            SGLANG
            + """
assert all(taken), plugin.status()
arguments = x.cuda(), weight.cuda(), 0.5, 0.25, q_scale.cuda()
with torch.no_grad():
    for call in (engine.logits_head_gate_graph, torch.ops.sglang.logits_head_gate_graph):
        gate = call(*arguments)
        torch.testing.assert_close(gate.cpu(), wanted, rtol=1e-4, atol=1e-4)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = call(*arguments)
        captured.zero_()
        graph.replay()
        assert torch.equal(captured, gate)
    indexer.weights_proj.cuda()
    gate = indexer._get_logits_head_gate(arguments[0], arguments[4])
    torch.testing.assert_close(gate.cpu(), wanted, rtol=1e-4, atol=1e-4)
assert all(hook.is_taken for hook in plugin.status())
""",
            DSA_INDEXER_PLUGINS="sglang",
        )


# No fusion of vLLM's own: those look for operators of models that are not here.
VLLM = """
import sys
import torch
try:
    from vllm.compilation.decorators import support_torch_compile
    from vllm.config import (CompilationConfig, CompilationMode, DeviceConfig, PassConfig,
                             VllmConfig, set_current_vllm_config)
    from vllm.forward_context import set_forward_context
    if DEVICE == "cpu":
        import vllm._C_stable_libtorch
except ImportError as error:
    print(f"vLLM's compiler cannot be imported: {error}")
    sys.exit()
from dataclasses import fields

from vllm.plugins import load_general_plugins
load_general_plugins()
from dsa_indexer import _head_gate
from dsa_indexer.frontend import _chains

E, H = 64, 32

def plain(x, weight, q_scale):
    logits = torch.nn.functional.linear(x, weight).float() * H**-0.5
    return logits.unsqueeze(-1) * q_scale * 128**-0.5

@support_torch_compile(dynamic_arg_dims={"x": 0, "q_scale": 0})
class Gate(torch.nn.Module):
    def __init__(self, *, vllm_config, prefix=""):
        super().__init__()
        weight = torch.randint(-4, 5, (H, E), device=DEVICE).bfloat16()
        self.weight = torch.nn.Parameter(weight, requires_grad=False)

    def forward(self, x, q_scale):
        return plain(x, self.weight, q_scale)

def make(tokens):
    return (torch.randint(-4, 5, (tokens, E), device=DEVICE).bfloat16(),
            torch.rand(tokens, H, 1, device=DEVICE))

fusions = PassConfig(**{f.name: False for f in fields(PassConfig) if f.name.startswith("fuse_")},
                     enable_qk_norm_rope_fusion=False)
config = VllmConfig(
    device_config=DeviceConfig(device=DEVICE),
    compilation_config=CompilationConfig(
        mode=CompilationMode.VLLM_COMPILE, cudagraph_mode="NONE", custom_ops=["none"],
        splitting_ops=[], compile_sizes=[], pass_config=fusions,
    ),
)
with torch.no_grad(), set_current_vllm_config(config):
    gate = Gate(vllm_config=config)
    def call(*arguments):
        with set_forward_context(None, config):
            return gate(*arguments)
    for tokens in (5, 7, 9):
        arguments = make(tokens)
        assert torch.equal(call(*arguments), plain(arguments[0], gate.weight, arguments[1]))
        assert len(_chains._kernels) == 1 and not _head_gate.kernel_count()
    if DEVICE == "cuda":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = call(*arguments)
        arguments[0].copy_(make(9)[0])
        graph.replay()
        assert torch.equal(captured, plain(arguments[0], gate.weight, arguments[1]))
"""


@needs("vllm")
class TestVllm:
    @pytest.mark.parametrize(
        ("environment", "is_taken"),
        [
            ({"DSA_INDEXER_PLUGINS": "vllm"}, True),
            ({}, False),
            ({"DSA_INDEXER_PLUGINS": "vllm", "VLLM_PLUGINS": "other"}, False),
        ],
        ids=["on", "not-named", "filtered-by-vllm"],
    )
    def test_loader(self, environment, is_taken):
        run(
            f"""
from vllm.plugins import load_general_plugins
load_general_plugins()
from dsa_indexer.plugins import vllm
(hook,) = vllm.status()
assert hook.is_taken == {is_taken}, hook
import os
assert (os.environ.get("VLLM_DISABLE_COMPILE_CACHE") == "1") == {is_taken}
""",
            **environment,
        )

    @pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
    def test_compiled_by_the_engine(self, device):
        """A module under vLLM's own compiler: one call of ours in its place, for all
        numbers of tokens, and in a CUDA graph."""
        output = run(f"DEVICE = {device!r}\n" + VLLM, DSA_INDEXER_PLUGINS="vllm")
        if "cannot be imported" in output:
            pytest.skip(output.splitlines()[0])
