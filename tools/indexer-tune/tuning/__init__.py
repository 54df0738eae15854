# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parts of indexer-tune.

`candidates` enumerates schedules, `generate` compiles each to a bundle, `run` times them on a
GPU, `table` writes the fastest down for the compiler.
"""
