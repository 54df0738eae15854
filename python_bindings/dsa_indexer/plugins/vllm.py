# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""vLLM: entry point "dsa_indexer" of the group vllm.general_plugins.

When DSA_INDEXER_PLUGINS names vllm, head gates of compiled models are replaced
by the pass of `dsa_indexer.enable`. vLLM's own compile cache does not know of
passes that are set in torch._inductor.config and is turned off.

The gate of DeepSeek-V3.2 in vLLM is a slice of a matmul that is merged with the
keys', with its scales folded elsewhere: it has no chain of its own, and the pass
leaves it alone; `dsa_indexer.explain` says so.
"""

from __future__ import annotations

import logging
import os

from .. import config
from . import Hook

__all__ = ["activate", "status"]

_logger = logging.getLogger("dsa_indexer")


def activate() -> None:
    """Called by vLLM's load_general_plugins, in every process and possibly
    several times."""
    if "vllm" not in config.engines():
        return
    try:
        from ..frontend import _inductor

        _inductor.enable()
    except Exception as error:  # noqa: BLE001 - the engine must start.
        _logger.warning("dsa_indexer: vLLM is left as it is: %s", error)
        return
    os.environ["VLLM_DISABLE_COMPILE_CACHE"] = "1"
    _logger.info("dsa_indexer: head gates of compiled models are replaced; vLLM's cache is off")


def status() -> list[Hook]:
    """Whether the pass is set in this process."""
    target = "torch._inductor.config.post_grad_custom_pre_pass"
    if "vllm" not in config.engines():
        return [Hook("vllm", False, "off: DSA_INDEXER_PLUGINS does not name vllm")]
    from ..frontend import _inductor

    return [Hook(target, _inductor.is_enabled(), "head gates with a chain of their own")]
