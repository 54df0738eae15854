# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled function that is called with arrays and tensors."""

from __future__ import annotations

import json
import threading
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from . import _native, _tensors
from ._artifacts import Artifacts
from ._bundle import BundleView, KernelSchedule, ResultShapes, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing import TypeAlias

    import numpy
    import torch

    #: A tensor argument or result.
    Tensor: TypeAlias = Union["numpy.ndarray[Any, Any]", "torch.Tensor"]

__all__ = ["Kernel", "Reference", "Remark", "reference"]

_TEXTS = ("input", "fused", "scheduled", "kernel", "nvvm", "llvm", "ptx")


class Remark(NamedTuple):
    """What the compiler says of a choice that it made."""

    #: "passed", "missed", "failed" or "analysis".
    kind: str
    #: The pass, such as "FuseHeadGate".
    pass_name: str
    #: Such as "indexer-fusion".
    category: str
    #: "file:line:column".
    location: str
    text: str


class Kernel:
    """A compiled entry function. Made by `compile` or `load_bundle`; call it
    with the function's arguments. Thread-safe."""

    def __init__(self, program: Optional[_native.Program], bundle: Optional[BundleView]) -> None:
        """Not for users. One of the two may be missing: a program makes its
        bundle at first use, a loaded bundle has no program."""
        self._program = program
        self._bundle_view = bundle
        # Guards what is made once: the bundle, and the code on each device.
        self._lock = threading.Lock()
        self._warned: set[str] = set()
        self._loaded: dict[int, _native.Kernel] = {}
        # Those of calls on a GPU; known with the first loaded code.
        self._result_rules: Optional[ResultShapes] = None
        makers: dict[str, Callable[[], str | bytes]] = {}
        if program is not None:
            description = json.loads(program.describe())
            self._entry: str = description["entry"]
            self._arguments = tuple(map(Value.read, description["arguments"]))
            self._results = tuple(map(Value.read, description["results"]))
            for stage in _TEXTS:
                makers[stage] = partial(program.artifact, stage)
            makers["cubin"] = lambda: self._view().objects()["cubin"]
        else:
            assert bundle is not None, "a kernel is made of something"
            self._entry = bundle.entry
            self._arguments, self._results = bundle.arguments, bundle.results
            for name, code in bundle.objects().items():
                makers[name] = code.decode if name == "ptx" else partial(bytes, code)
        self._asm = Artifacts(makers)
        self._names = tuple(argument.name for argument in self._arguments)
        self._dtypes = tuple(result.dtype for result in self._results)
        self._ranks = [len(result.shape or ()) for result in self._results]

    @property
    def entry(self) -> str:
        """Name of the entry function."""
        return self._entry

    @property
    def arguments(self) -> tuple[Value, ...]:
        """The arguments of the entry function, in order."""
        return self._arguments

    @property
    def results(self) -> tuple[Value, ...]:
        """The results of the entry function, in order."""
        return self._results

    @property
    def asm(self) -> Artifacts:
        """The artefacts on the way, by name: "input", "fused", "scheduled",
        "kernel", "nvvm" (MLIR), "ptx", "cubin" (bytes) for the GPU, and "llvm"
        (MLIR) for the CPU. A loaded bundle has "cubin" or "ptx" only."""
        return self._asm

    @property
    def remarks(self) -> list[Remark]:
        """Remarks of the stages made so far, of fusion at least. Empty for a
        loaded bundle."""
        if self._program is None:
            return []
        return [
            Remark(r["kind"], r["pass"], r["category"], r["location"], r["text"])
            for r in json.loads(self._program.remarks())
        ]

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds that each stage made so far took to compile. Empty for a
        loaded bundle."""
        if self._program is None:
            return {}
        return dict(json.loads(self._program.describe())["milliseconds"])

    @property
    def schedule(self) -> tuple[KernelSchedule, ...]:
        """The GPU kernels, each with the token counts that it serves, its tiles
        and the resources of its machine code. Raises CompileError like
        `bundle`."""
        return self._view().schedule()

    @property
    def bundle(self) -> bytes:
        """The bytes that `load_bundle` reads: machine code for the chip and how
        to launch it. Raises CompileError, with the reason, when the entry does
        anything but reshape around its fused op, or ptxas fails."""
        return self._view().data

    def load(self, device: int = 0) -> None:
        """Compiles and loads all code on CUDA device `device`. Without it, the
        first call there compiles and loads what it needs, and a thread compiles
        the rest; a later call that needs some of that waits for it. Raises
        CudaError, and CompileError like `bundle`."""
        self.on_device(device)

    def __call__(
        self,
        *arguments: Tensor | float,
        out: Tensor | Sequence[Tensor] | None = None,
        **named: Tensor | float,
    ) -> Any:
        """Calls the entry function.

        The arguments are those of the IR, in order or by name: NumPy arrays or
        torch tensors of any strides for tensors, numbers for scalars (rounded
        to the scalar's type). bfloat16 is ml_dtypes.bfloat16 in NumPy.

        - NumPy arrays and torch CPU tensors run on the CPU.
        - torch CUDA tensors, all of one device, are launched on torch's current
          stream of that device. The call does not wait for the result, and
          never runs on the CPU instead. No gradient is recorded.

        Returns the result, a NumPy array or, when an argument is a torch
        tensor, a torch tensor on the same device; a tuple if the function has
        several results. With `out` (a tuple for several) they are written there
        and `out` is returned; it must not overlap an argument.

        Raises TypeError for a missing or unknown argument and for a value that
        is no tensor or number; ValueError for a wrong dtype, rank, shape or
        device, naming the argument; CudaError when the driver fails;
        CompileError when there is no machine code for such a call.
        """
        values = arguments
        if named or len(arguments) != len(self._names):
            values = self._bind(arguments, named)
        call = _native.Arguments(self._entry, self._names, values)
        kernel = self.on_device(call.device, call) if call.device >= 0 else None
        if kernel is None and self._program is None:
            raise ValueError(
                f"{self._entry}(): a kernel loaded from a bundle runs on CUDA "
                "devices only, got tensors on cpu"
            )
        like = values[call.leader] if call.leader >= 0 else None
        framework = _tensors.framework_of(like)
        if out is None:
            results = framework.make(self._result_shapes(values, call), self._dtypes, like)
        else:
            results = tuple(out) if isinstance(out, (tuple, list)) else (out,)
        written = _native.Arguments(call, results)
        if kernel is not None:
            kernel.launch(call, written, framework.stream(call.device))
            framework.finish(call.device)
        else:
            assert self._program is not None, "checked above"
            self._program.run_cpu(call, written)
        if out is not None:
            return out
        results = framework.give(results, like)
        return results[0] if len(results) == 1 else results

    def __repr__(self) -> str:
        arguments = ", ".join(map(str, self._arguments))
        results = ", ".join(map(str, self._results))
        return f"<dsa_indexer.Kernel {self._entry}({arguments}) -> ({results})>"

    def _bind(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments in order; raises TypeError like a Python function."""
        names, entry = self._names, self._entry
        listed = ", ".join(names)
        if len(arguments) > len(names):
            raise TypeError(
                f"{entry}() takes {len(names)} arguments ({listed}), got {len(arguments)}"
            )
        given = dict(zip(names, arguments))
        for name, value in named.items():
            if name not in names:
                raise TypeError(f"{entry}(): unknown argument {name!r}; accepted are {listed}")
            if name in given:
                raise TypeError(f"{entry}(): argument {name!r} is given twice")
            given[name] = value
        missing = [repr(name) for name in names if name not in given]
        if missing:
            raise TypeError(
                f"{entry}(): missing {', '.join(missing)}; the arguments are {listed}"
            )
        return tuple(given[name] for name in names)

    def _result_shapes(
        self, values: tuple[Any, ...], call: _native.Arguments
    ) -> list[tuple[int, ...]]:
        """Shapes of the results of a call."""
        shapes = None
        if call.device >= 0 and self._result_rules is not None:
            shapes = self._result_rules.of(values)
        if shapes is None:
            if self._program is None:
                raise ValueError(
                    f"{self._entry}(): the bundle does not say which shape the "
                    "result has; pass out="
                )
            shapes = self._program.result_shapes(call, self._ranks)
        return shapes

    def _view(self) -> BundleView:
        """The bundle, made at first use."""
        if self._bundle_view is None:
            assert self._program is not None, "one of the two is there"
            with self._lock:
                if self._bundle_view is None:
                    self._bundle_view = BundleView(self._program.bundle())
                    self._warn()
        return self._bundle_view

    def _warn(self) -> None:
        """Passes on, once each, what the assembler and the cache had to say."""
        assert self._program is not None, "a bundle has no warnings"
        for note in json.loads(self._program.describe())["warnings"]:
            if note not in self._warned:
                self._warned.add(note)
                warnings.warn(note, RuntimeWarning, stacklevel=4)

    def on_device(
        self, device: int, call: Optional[_native.Arguments] = None
    ) -> _native.Kernel:
        """Not for users: the code on a CUDA device, loaded at first use. With
        `call`, what it needs may be all that is there at first."""
        kernel = self._loaded.get(device)
        if kernel is None:
            view = self._view() if call is None or self._program is None else self._bundle_view
            with self._lock:
                kernel = self._loaded.get(device)
                if kernel is None:
                    kernel = self._loaded[device] = self._load(device, view, call)
        return kernel

    def _load(
        self, device: int, view: Optional[BundleView], call: Optional[_native.Arguments]
    ) -> _native.Kernel:
        """Loads the bundle of `view`, else what `call` needs."""
        if view is not None:
            kernel = _native.Kernel(view.native, device)
        else:
            assert self._program is not None and call is not None, "one of the two is there"
            kernel = _native.Kernel(self._program, call, device)
            self._warn()
        for note in kernel.notes.splitlines():
            warnings.warn(note, RuntimeWarning, stacklevel=4)
        self._result_rules = ResultShapes(json.loads(kernel.describe()))
        return kernel


class Reference(NamedTuple):
    """What a right execution gives: tuples for a function of several results."""

    #: float64 arrays of the results' shapes.
    values: Any
    #: The largest difference from `values` that a right float32 execution may
    #: show, element by element.
    bounds: Any


def reference(
    kernel: Kernel,
    *arguments: Tensor | float,
    threads: int = 0,
    **named: Tensor | float,
) -> Reference:
    """Interprets the input IR of `kernel` in float64, without any of the
    compiler's passes; roundings to bf16 and f16 that the IR asks for are kept.

    The arguments are those of a call, on the CPU; `threads` 0 means all cores.
    Returns float64 NumPy arrays, values and error bounds, in the shapes of the
    results. Raises like a call, and ValueError for a kernel that was loaded
    from a bundle, which has no IR.
    """
    program = kernel._program
    if program is None:
        raise ValueError(f"{kernel.entry}(): a kernel loaded from a bundle has no IR to interpret")
    if named or len(arguments) != len(kernel.arguments):
        arguments = kernel._bind(arguments, named)
    call = _native.Arguments(kernel.entry, kernel._names, arguments)
    if call.device >= 0:
        raise ValueError(
            f"{kernel.entry}(): the reference reads host memory, got tensors on "
            f"cuda:{call.device}; use tensor.cpu()"
        )
    shapes = program.result_shapes(call, kernel._ranks)
    doubles = ["f64"] * len(shapes)
    values = _tensors.make_numpy(shapes, doubles)
    bounds = _tensors.make_numpy(shapes, doubles)
    program.reference(
        call, _native.Arguments(call, values), _native.Arguments(call, bounds), threads
    )
    if len(values) == 1:
        return Reference(values[0], bounds[0])
    return Reference(values, bounds)
