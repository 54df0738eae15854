# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling: artefacts, descriptions, errors of the compiler."""

from __future__ import annotations

import pytest

import dsa_indexer

TEXTS = {
    "input": "linalg.matmul",
    "fused": "linalg.generic",
    "scheduled": "#indexer.schedule",
    "kernel": "gpu.module",
    "nvvm": "nvvm",
    "llvm": "llvm.func",
    "ptx": ".target sm_90a",
}


def has_ptxas(kernel: dsa_indexer.Kernel) -> bool:
    try:
        return bool(kernel.bundle)
    except dsa_indexer.CompileError as error:
        if "no ptxas found" in str(error):
            return False
        raise


@pytest.mark.parametrize("name", TEXTS)
def test_asm_has_text(kernel, name):
    assert TEXTS[name] in kernel.asm[name]
    assert kernel.asm[name] is kernel.asm[name]


def test_asm_cubin_is_elf(kernel):
    if not has_ptxas(kernel):
        pytest.skip("no ptxas")
    cubin = kernel.asm["cubin"]
    assert isinstance(cubin, bytes)
    assert cubin.startswith(b"\x7fELF")
    assert cubin in kernel.bundle


def test_asm_is_a_read_only_mapping(kernel):
    assert list(kernel.asm) == [*TEXTS, "cubin"]
    assert "ptx" in kernel.asm and "sass" not in kernel.asm
    with pytest.raises(TypeError):
        kernel.asm["ptx"] = ""
    with pytest.raises(KeyError, match="no artefact 'sass'; accepted are input, fused"):
        kernel.asm["sass"]


def test_describes_the_entry(kernel):
    assert kernel.entry == "head_gate"
    assert kernel.arguments == (
        ("x", "bf16", (None, 7168)),
        ("weight", "bf16", (64, 7168)),
        ("q_scale", "f32", (None, 64, 1)),
        ("head_scale", "f32", None),
        ("softmax_scale", "f32", None),
    )
    assert [(r.dtype, r.shape) for r in kernel.results] == [("f32", (None, 64, 1))]
    assert "x: bf16[?, 7168]" in repr(kernel)


def test_schedule_covers_all_tokens(kernel):
    if not has_ptxas(kernel):
        pytest.skip("no ptxas")
    table = kernel.schedule
    assert table[0].min_tokens == 1
    assert table[-1].max_tokens == 2**63 - 1
    # Families with conditions come first; the one without covers T from 1 again.
    for before, after in zip(table, table[1:]):
        restarts = after.family == "plain" != before.family
        assert after.min_tokens == (1 if restarts else before.max_tokens + 1)
    plain = [row for row in table if row.family == "plain"]
    assert plain[0].min_tokens == 1
    assert all(row.spill_bytes == 0 and row.registers > 0 for row in table)
    assert all(f".entry {row.kernel}" in kernel.asm["ptx"] for row in table)


def test_timings_are_of_the_stages_made(text):
    kernel = dsa_indexer.compile(text)
    assert "fused" in kernel.timings and "llvm" not in kernel.timings
    kernel.asm["llvm"]
    assert kernel.timings["llvm"] > 0


def test_remarks_are_of_our_passes(text):
    kernel = dsa_indexer.compile(text)
    (fusion,) = kernel.remarks
    assert fusion.kind == "passed" and fusion.pass_name == "FuseHeadGate"
    assert fusion.category == "indexer-fusion"
    assert fusion.location.startswith("input.mlir:")
    kernel.asm["scheduled"]
    assert kernel.remarks[0] == fusion
    assert {remark.category for remark in kernel.remarks[1:]} == {"indexer-schedule"}


def test_malformed_input_has_its_place():
    with pytest.raises(dsa_indexer.CompileError, match=r"^broken\.mlir:1:14: error: ") as caught:
        dsa_indexer.compile("func.func @f( {", name="broken.mlir")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.location == "broken.mlir:1:14"
    assert diagnostic.severity == "error"
    assert str(diagnostic) == str(caught.value)


def test_notes_are_diagnostics():
    with pytest.raises(dsa_indexer.CompileError) as caught:
        dsa_indexer.compile("func.func @f() {\n  unknown.op\n}")
    severities = [d.severity for d in caught.value.diagnostics]
    assert severities == ["error", "note"]
    assert caught.value.diagnostics[0].location.startswith("input.mlir:2:")


def test_wrong_chip(text):
    with pytest.raises(dsa_indexer.CompileError, match='"sm_75"; accepted are sm_80, .*sm_90a'):
        dsa_indexer.compile(text, chip="sm_75")


def test_chip_is_the_target(text):
    kernel = dsa_indexer.compile(text, chip="sm_80")
    assert ".target sm_80" in kernel.asm["ptx"]


def test_batch_invariant_kernels_have_one_order(text):
    def orders(**options):
        kernel = dsa_indexer.compile(text, **options)
        if not has_ptxas(kernel):
            pytest.skip("no ptxas")
        return {row.order for row in kernel.schedule if row.family != "plain"}

    assert len(orders()) > 1
    assert orders(batch_invariant=True) == {"wgmma of 128 columns, 8 parts"}


def test_static_weights_start_early(text):
    wait = "nvvm.griddepcontrol  wait"
    assert wait not in dsa_indexer.compile(text).asm["kernel"]
    assert wait in dsa_indexer.compile(text, weights="static").asm["kernel"]
    with pytest.raises(ValueError, match="'weights' is 'frozen', expected 'dependent' or"):
        dsa_indexer.compile(text, weights="frozen")


def test_sm_budget(text):
    half = dsa_indexer.compile(text, sm_budget=66).asm["scheduled"]
    assert half != dsa_indexer.compile(text).asm["scheduled"]
    # An error at once, not at the first launch.
    with pytest.raises(dsa_indexer.CompileError, match="'sm-budget' .* got 1000; accepted"):
        dsa_indexer.compile(text, sm_budget=1000)


def test_unknown_entry(text):
    with pytest.raises(dsa_indexer.CompileError, match="no function 'main'.*has 'head_gate'"):
        dsa_indexer.compile(text, entry="main")


def test_missing_ptxas(text, tmp_path):
    kernel = dsa_indexer.compile(text, ptxas=tmp_path / "ptxas")
    with pytest.raises(dsa_indexer.CompileError, match="no ptxas found"):
        kernel.bundle
    # What needs no ptxas is there all the same.
    assert ".entry" in kernel.asm["ptx"]


class TestCache:
    """What was compiled at run time is kept for the next process."""

    @pytest.fixture
    def bundle(self, text, kernel, monkeypatch):
        """Makes the bundle of a new kernel with a cache at a path."""
        if not has_ptxas(kernel):
            pytest.skip("no ptxas")

        def make(folder: object) -> dsa_indexer.Kernel:
            monkeypatch.setenv("INDEXER_CACHE_DIR", str(folder))
            made = dsa_indexer.compile(text)
            made.bundle
            return made

        return make

    def test_the_second_kernel_is_not_compiled(self, bundle, tmp_path):
        first, second = bundle(tmp_path), bundle(tmp_path)
        assert "cubin" in first.timings and "cubin" not in second.timings
        assert first.bundle == second.bundle

    def test_a_folder_that_cannot_be_written_is_one_warning(self, bundle, tmp_path):
        (tmp_path / "file").touch()
        with pytest.warns(RuntimeWarning, match="not kept in the cache") as caught:
            bundle(tmp_path / "file" / "cache")
        assert len(caught) == 1


def test_text_is_a_str(text):
    with pytest.raises(TypeError, match="'text' is of type 'bytes', expected str"):
        dsa_indexer.compile(text.encode())
    with pytest.raises(TypeError):
        dsa_indexer.compile(text, "sm_90a")


def test_bundle_round_trip(kernel, tmp_path):
    if not has_ptxas(kernel):
        pytest.skip("no ptxas")
    path = tmp_path / "head_gate.bundle"
    path.write_bytes(kernel.bundle)
    for source in (kernel.bundle, bytearray(kernel.bundle), path, str(path)):
        loaded = dsa_indexer.load_bundle(source)
        assert loaded.entry == kernel.entry
        assert loaded.arguments == kernel.arguments
        assert loaded.schedule == kernel.schedule
        assert loaded.asm["cubin"] == kernel.asm["cubin"]
        assert loaded.bundle == kernel.bundle
        assert loaded.remarks == [] and loaded.timings == {}


def test_bad_bundle(tmp_path):
    with pytest.raises(dsa_indexer.BundleError, match="not a bundle"):
        dsa_indexer.load_bundle(b"123")
    with pytest.raises(FileNotFoundError):
        dsa_indexer.load_bundle(tmp_path / "missing")
