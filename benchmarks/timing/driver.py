# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The CUDA driver behind ctypes: memory, streams, graphs and events.

A process that times our kernel needs nothing else: no torch, whose start takes longer than
the measurement. Names as in the CUDA driver API.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_float, c_int, c_size_t, c_uint, c_uint64, c_void_p
from typing import Callable

#: Functions that are called, and the types of their arguments.
FUNCTIONS = {
    "cuInit": (c_uint,),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuCtxPushCurrent_v2": (c_void_p,),
    "cuCtxSynchronize": (),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemcpyHtoD_v2": (c_uint64, c_void_p, c_size_t),
    "cuMemcpyDtoH_v2": (c_void_p, c_uint64, c_size_t),
    "cuMemcpyDtoD_v2": (c_uint64, c_uint64, c_size_t),
    "cuMemsetD8_v2": (c_uint64, ctypes.c_ubyte, c_size_t),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, ctypes.c_ulonglong),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuEventCreate": (POINTER(c_void_p), c_uint),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventSynchronize": (c_void_p,),
    "cuEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
}
STREAM_NON_BLOCKING = 1
#: CUstreamCaptureMode.
CAPTURE_MODE_GLOBAL, CAPTURE_MODE_THREAD_LOCAL, CAPTURE_MODE_RELAXED = 0, 1, 2


class CudaError(RuntimeError):
    """The driver returned an error."""


class Driver:
    """The primary context of device 0, current in the calling thread. The library
    is libcuda.so.1, or the file that INDEXER_LIBCUDA names."""

    def __init__(self) -> None:
        name = os.environ.get("INDEXER_LIBCUDA") or "libcuda.so.1"
        self._library = ctypes.CDLL(name)
        self._call("cuInit", 0)
        device = c_int()
        self._call("cuDeviceGet", byref(device), 0)
        context = c_void_p()
        self._call("cuDevicePrimaryCtxRetain", byref(context), device)
        self._call("cuCtxPushCurrent_v2", context)

    def _call(self, function: str, *arguments) -> None:
        entry = getattr(self._library, function)
        entry.argtypes = FUNCTIONS[function]
        status = entry(*arguments)
        if status != 0:
            raise CudaError(f"{function} failed with code {status}")

    def allocate(self, size: int) -> int:
        """The address of `size` bytes of device memory, not initialised."""
        address = c_uint64()
        self._call("cuMemAlloc_v2", byref(address), size)
        return address.value

    def free(self, address: int) -> None:
        """Gives memory of `allocate` back."""
        self._call("cuMemFree_v2", address)

    def upload(self, address: int, data: bytes) -> None:
        """Copies `data` to the device."""
        self._call("cuMemcpyHtoD_v2", address, data, len(data))

    def download(self, address: int, size: int) -> bytes:
        """`size` bytes at `address`."""
        data = ctypes.create_string_buffer(size)
        self._call("cuMemcpyDtoH_v2", data, address, size)
        return data.raw

    def fill(self, address: int, size: int, data: bytes) -> None:
        """Fills `size` bytes with repetitions of `data`; waits, since streams of
        `make_stream` do not."""
        done = min(size, len(data))
        self.upload(address, data[:done])
        while done < size:
            count = min(done, size - done)
            self._call("cuMemcpyDtoD_v2", address + done, address, count)
            done += count
        self.synchronize()

    def set_bytes(self, address: int, value: int, size: int) -> None:
        """Sets each of `size` bytes to `value`; waits as well."""
        self._call("cuMemsetD8_v2", address, value, size)
        self.synchronize()

    def synchronize(self) -> None:
        """Waits for everything; errors of launches show here."""
        self._call("cuCtxSynchronize")

    def make_stream(self) -> c_void_p:
        """A stream that does not wait for the default stream."""
        stream = c_void_p()
        self._call("cuStreamCreate", byref(stream), STREAM_NON_BLOCKING)
        return stream

    def make_event(self) -> c_void_p:
        """An event that takes times."""
        event = c_void_p()
        self._call("cuEventCreate", byref(event), 0)
        return event

    def capture(
        self,
        stream: c_void_p,
        launch: Callable[[], None],
        mode: int = CAPTURE_MODE_THREAD_LOCAL,
    ) -> c_void_p:
        """An executable graph of what `launch` launches on `stream`."""
        self._call("cuStreamBeginCapture_v2", stream, mode)
        graph, executable = c_void_p(), c_void_p()
        try:
            launch()
        finally:  # Else the thread goes on capturing.
            self._call("cuStreamEndCapture", stream, byref(graph))
        self._call("cuGraphInstantiateWithFlags", byref(executable), graph, 0)
        return executable

    def replay(self, graph: c_void_p, stream: c_void_p) -> None:
        """Launches a graph."""
        self._call("cuGraphLaunch", graph, stream)

    def record(self, event: c_void_p, stream: c_void_p) -> None:
        """Records an event."""
        self._call("cuEventRecord", event, stream)

    def elapsed_us(self, start: c_void_p, end: c_void_p) -> float:
        """Microseconds between two events; waits for the second one."""
        self._call("cuEventSynchronize", end)
        milliseconds = c_float()
        self._call("cuEventElapsedTime", byref(milliseconds), start, end)
        return milliseconds.value * 1e3
