# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the benchmarks compare with, where we had to write it ourselves."""
