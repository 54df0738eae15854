# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Serving engines whose head gate can be replaced. Each module's `activate` is
an entry point that the engine calls; it does nothing unless DSA_INDEXER_PLUGINS
names the engine (`dsa_indexer.config`), and leaves the engine's own code where
that is not what it knows."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Hook"]


class Hook(NamedTuple):
    """One place of an engine."""

    #: Such as "torch.ops.sglang.logits_head_gate_graph".
    target: str
    #: True when calls there end in our kernel.
    is_taken: bool
    #: Why not, or what is done.
    note: str
