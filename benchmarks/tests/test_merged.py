# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is checked and timed of merged weights; PyTorch on the CPU stands for a kernel."""

import pytest

torch = pytest.importorskip("torch")

import gpu_checks  # noqa: E402
import merged_times  # noqa: E402
from merged_text import merged_text  # noqa: E402


class Merged:
    """Stands for a MergedKernel of 4 rows of keys."""

    keys = 4

    def __init__(self, keys_type, change=lambda out: None):
        self.keys_type, self._change = keys_type, change

    def __call__(self, x, weight, q_scale, head_scale, softmax_scale, out=None):
        out = torch.empty_like(q_scale) if out is None else out
        sums = (x.double() @ weight.double().T)[..., None]
        out.copy_(sums * q_scale * head_scale * softmax_scale)
        keys = sums[:, : self.keys]
        out[:, : self.keys] = keys.bfloat16() if self.keys_type == "bf16" else keys
        self._change(out)
        return out


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(gpu_checks, "DEVICE", "cpu")


def error_of(kernel):
    return gpu_checks.find_error(torch, kernel, gpu_checks.make_inputs(torch, 5, 12, 64, 1))


@pytest.mark.parametrize("keys_type", ["bf16", "f32"])
def test_right_keys_and_gate_pass(keys_type):
    assert error_of(Merged(keys_type)) < 1e-6


@pytest.mark.parametrize("keys_type", ["bf16", "f32"])
@pytest.mark.parametrize("head", [0, 3, 4, 11])
def test_a_wrong_head_shows(keys_type, head):
    def change(out):
        out[-1, head] *= 1.02

    assert error_of(Merged(keys_type, change)) == float("inf")


def test_keys_that_are_not_written_show():
    def change(out):
        out[:, 0] = float("nan")

    assert error_of(Merged("bf16", change)) == float("inf")


@pytest.mark.parametrize("result", [0, 1])
def test_a_wrong_result_is_not_timed(result):
    x, weight = torch.randn(3, 16).bfloat16(), torch.randn(192, 16).bfloat16()
    inputs = (x, weight, torch.rand(3, 64, 1), 0.125, 0.25)
    sums = x.float() @ weight.float().T
    gate = (sums[:, 128:] * 0.125).unsqueeze(-1) * inputs[2] * 0.25
    results = [sums[:, :128].bfloat16(), gate]
    merged_times.check("ours", inputs, *results)
    results[result][1] = float("nan")
    with pytest.raises(RuntimeError, match="ours, T = 3: the error is nan"):
        merged_times.check("ours", inputs, *results)


def test_two_kernels_read_an_x_each():
    assert "%y: tensor<?x64xbf16>" in merged_text(8, 4, 64, "f32", apart=True)
    assert "%y" not in merged_text(8, 4, 64, "f32")
