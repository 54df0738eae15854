# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m dsa_indexer: the command `dsa-indexer`."""

import sys

from ._cli import main

sys.exit(main())
