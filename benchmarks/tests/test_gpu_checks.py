# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The checks find what they look for; a gate in PyTorch on the CPU stands for a kernel."""

import pytest

torch = pytest.importorskip("torch")

import gpu_checks  # noqa: E402

LAUNCH = {
    "kernel": "a_kernel",
    "alignment": 0,
    "min_tokens": 3,
    "max_tokens": 2**63 - 1,
    "tile_t": 8,
}


class Replayed:
    """Stands for a CUDA graph."""

    def __init__(self, function):
        self.replay = function


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(gpu_checks, "DEVICE", "cpu")
    monkeypatch.setattr(gpu_checks, "MAX_TOKENS", 20)
    monkeypatch.setattr(gpu_checks, "capture", lambda _, function: Replayed(function))


def gate(x, weight, q_scale, head_scale, softmax_scale, out=None):
    out = torch.empty_like(q_scale) if out is None else out
    sums = (x.double() @ weight.double().T)[..., None]
    return out.copy_(sums * q_scale * head_scale * softmax_scale)


def check(kernel):
    outcome = gpu_checks.check_launch(torch, kernel, LAUNCH, (16, 64), launches=60)
    errors, same, dependent, digest = outcome
    assert list(errors) == [3, 11, 20]
    return max(errors.values()), same, dependent, digest


def test_a_right_kernel_passes():
    error, same, dependent, digest = check(gate)
    assert error < 1e-6
    assert same == (100, 100)
    assert dependent == (400, 400)
    assert len(digest) == 12


def test_a_wrong_element_shows():
    def kernel(*inputs, out=None):
        out = gate(*inputs, out=out)
        out[-1, -1] *= 1.01
        return out

    assert check(kernel)[0] == float("inf")


def test_an_element_that_is_not_written_shows():
    def kernel(*inputs, out=None):
        if out is None:
            return gate(*inputs)
        out[1:] = gate(*inputs)[1:]
        return out

    assert check(kernel)[0] == float("inf")


def test_other_bits_show():
    calls = []

    def kernel(*inputs, out=None):
        out = gate(*inputs, out=out)
        calls.append(out)
        if len(calls) % 10 == 0:
            out[0, 0] = torch.nextafter(out[0, 0], out[0, 0] + 1)
        return out

    assert check(kernel)[1] == (90, 100)


def test_x_that_was_read_too_early_shows():
    before = {}

    def kernel(x, *inputs, out=None):
        # In front of a rewritten x, what it held at the launch before.
        stale = before.get(x.data_ptr(), x)
        before[x.data_ptr()] = x.clone()
        return gate(stale, *inputs, out=out)

    _, _, dependent, _ = check(kernel)
    assert dependent == (0, 400)


@pytest.mark.parametrize("depends", [False, True])
def test_a_row_whose_bits_depend_on_t_shows(monkeypatch, depends):
    monkeypatch.setattr(gpu_checks, "INVARIANT_TOKENS", 30)

    def kernel(*inputs):
        out = gate(*inputs)
        if depends and len(out) < 5:
            out *= 1 + 2**-20
        return out

    same, total = gpu_checks.count_invariant(torch, kernel, (16, 64))
    # T = 1, 2, 4, 7, 11, 17, 26, of the first and of the last rows.
    assert (same, total) == (8 if depends else 14, 14)


def test_page(tmp_path):
    checks = gpu_checks.Checks(tmp_path / "checks.md", "abc")
    checks.add("8_512", LAUNCH, {3: 1e-7, 20: 2e-7}, (9, 9), (4, 4), "12ab")
    checks.add("8_512", LAUNCH, {3: 1e-7}, (8, 9), (4, 4), "12ab")
    assert checks.failed == 1
    page = (tmp_path / "checks.md").read_text()
    assert "| 8_512 | a_kernel | 3, 20 | 2.0e-07 | 9 of 9 | 4 of 4 | 12ab |  |" in page
    assert "2 checks, 1 failed." in page
