# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Holds libindexer.so, which dsa_indexer opens when it compiles."""

__all__: list[str] = []
