# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parts of the benchmark on a GPU, `gpu_times.py`.

`plan` says what is measured in which order, `processes` gives each measurement a process of
its own, `ours`, `torch_peers` and `triton_peer` are what runs in it, `records` keeps what was
measured, `report` makes the table and the plots. `driver` and `bundle_kernel` are the CUDA
driver and our runtime behind ctypes, `machine` describes the card.
"""
