# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What turns other people's functions into MLIR text; one module a framework,
which imports it."""
